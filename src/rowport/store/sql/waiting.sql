-- note_waiting --
UPDATE rowport.imports
SET waiting = %(why)s
WHERE organization_id = %(organization_id)s AND id = %(import_id)s
  AND waiting IS DISTINCT FROM %(why)s;

-- waiting_facts --
-- What tells why nothing happens in some imports.  What comes before a chunk is counted over all
-- organizations, since they share the workers, but only up to a thousand.
WITH locks AS MATERIALIZED (
    SELECT mode, (classid::bigint << 32) | objid::bigint AS number
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), plans AS MATERIALIZED (
    SELECT j.id, j.status::text AS status, j.args ->> 'import_id' AS import_id
    FROM rowport_jobs.procrastinate_jobs AS j
    WHERE j.task_name = 'plan' AND j.status IN ('todo', 'doing')
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
        WHERE p.import_id <> i.id::text
          AND p.id < (SELECT min(m.id) FROM plans AS m WHERE m.import_id = i.id::text))
           AS files_ahead,
       i.waiting AS noted
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
LEFT JOIN LATERAL (
    SELECT k.priority, k.turn
    FROM rowport.chunks AS k
    WHERE k.import_id = i.id AND k.state = 'waiting'
    ORDER BY k.priority DESC, k.turn
    LIMIT 1
) AS n ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS chunks, count(DISTINCT b.import_id) AS imports
    FROM (
        SELECT k.import_id
        FROM rowport.chunks AS k
        WHERE k.state = 'waiting' AND k.import_id <> i.id
          AND (k.priority > n.priority
               OR k.priority = n.priority AND (k.turn, k.import_id) < (n.turn, i.id))
        LIMIT 1000
    ) AS b
) AS a
WHERE i.organization_id = %(organization_id)s AND i.id = ANY (%(ids)s::uuid[]);
