-- note_waiting --
UPDATE rowport.imports
SET waiting = %(why)s
WHERE organization_id = %(organization_id)s AND id = %(import_id)s
  AND waiting IS DISTINCT FROM %(why)s;

-- waiting_facts --
-- What tells why nothing happens in some imports.  What the workers do is counted over all
-- organizations, since they share them.
WITH locks AS MATERIALIZED (
    SELECT mode, (classid::bigint << 32) | objid::bigint AS number
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), plans AS MATERIALIZED (
    SELECT j.id, j.priority, j.queue_name, j.status::text AS status, j.args ->> 'import_id' AS import_id
    FROM rowport_jobs.procrastinate_jobs AS j
    WHERE j.task_name = 'plan' AND j.status IN ('todo', 'doing')
), lanes AS MATERIALIZED (
    SELECT l.organization_id, l.import_id, l.due, l.is_barred, l.running, l.running_limit
    FROM rowport.lanes(%(running_limit)s) AS l
), flights AS MATERIALIZED (
    -- Chunks are taken in their order, so that those in flight are among the first.
    SELECT l.import_id, count(*) AS chunks
    FROM lanes AS l
    CROSS JOIN LATERAL (
        SELECT k.number
        FROM rowport.chunks AS k
        WHERE k.organization_id = l.organization_id AND k.import_id = l.import_id
          AND k.state IN ('waiting', 'undoing')
        ORDER BY k.turn
        LIMIT 64
    ) AS n
    WHERE rowport.lease(l.import_id, n.number) IN (SELECT k.number FROM locks AS k)
    GROUP BY l.import_id
)
SELECT i.id,
       (SELECT count(*) FROM locks AS l WHERE l.number = 7239871002 AND l.mode = 'ShareLock')
           AS workers,
       c.waiting, c.claimable, c.in_flight, a.chunks AS chunks_ahead, a.imports AS imports_ahead,
       f.fault, f.attempts,
       EXISTS (SELECT FROM plans AS p WHERE p.import_id = i.id::text AND p.status = 'doing')
           AS is_being_read,
       (SELECT count(*)
        FROM plans AS p
        JOIN plans AS m ON m.import_id = i.id::text AND m.queue_name = p.queue_name
        WHERE p.import_id <> m.import_id
          AND (p.status = 'doing' OR (-p.priority, p.id) < (-m.priority, m.id)))
           AS files_ahead,
       i.waiting AS noted, coalesce(q.is_barred, false) AS is_barred, q.running, q.running_limit,
       (SELECT count(*)
        FROM lanes AS l
        WHERE l.is_barred AND l.organization_id = q.organization_id
          AND (l.due, l.import_id) < (q.due, q.import_id)) AS queued_ahead
FROM rowport.imports AS i
CROSS JOIN LATERAL (
    SELECT count(*) AS waiting,
           count(*) FILTER (
               WHERE k.run_after <= clock_timestamp()
                  OR k.run_after > clock_timestamp() + interval '1 minute') AS claimable,
           count(*) FILTER (
               WHERE rowport.lease(k.import_id, k.number) IN (SELECT l.number FROM locks AS l))
               AS in_flight
    FROM rowport.chunks AS k
    WHERE k.import_id = i.id AND k.state = 'waiting'
) AS c
LEFT JOIN LATERAL (
    SELECT k.fault, k.attempts
    FROM rowport.chunks AS k
    WHERE k.import_id = i.id AND k.state = 'waiting' AND k.fault IS NOT NULL
    ORDER BY k.turn
    LIMIT 1
) AS f ON true
CROSS JOIN LATERAL (
    SELECT coalesce(sum(o.chunks), 0)::bigint AS chunks, count(*) AS imports
    FROM flights AS o
    WHERE o.import_id <> i.id
) AS a
LEFT JOIN lanes AS q ON q.import_id = i.id
WHERE i.organization_id = %(organization_id)s AND i.id = ANY (%(ids)s::uuid[]);
