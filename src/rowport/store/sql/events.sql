-- wait_to_publish --
-- One publishes at a time, so that positions follow commits; who waits too long leaves it to the
-- tick.
SELECT set_config('lock_timeout', '2s', true), pg_advisory_xact_lock(7239871003);

-- publish_events --
-- Number what has committed, and make a delivery for each webhook that wants it.  `serial` rises
-- with each change of one import, whose row is locked while it changes.
WITH fresh AS MATERIALIZED (
    SELECT s.id, nextval('rowport.event_positions') AS position
    FROM (
        SELECT id FROM rowport.events WHERE position IS NULL ORDER BY serial LIMIT 1000
    ) AS s
), numbered AS (
    UPDATE rowport.events AS e
    SET position = f.position
    FROM fresh AS f
    WHERE e.id = f.id
    RETURNING e.id, e.organization_id, e.kind, f.position
), wanted AS (
    INSERT INTO rowport.deliveries (organization_id, webhook_id, event_id)
    SELECT n.organization_id, w.id, n.id
    FROM numbered AS n
    JOIN rowport.webhooks AS w ON w.organization_id = n.organization_id AND n.kind = ANY (w.events)
    WHERE w.disabled_at IS NULL
    RETURNING id
)
SELECT (SELECT count(*) FROM numbered) AS events, (SELECT max(position) FROM numbered) AS newest,
       (SELECT count(*) FROM wanted) AS deliveries;

-- notify_of_events --
SELECT pg_notify('rowport_events', %(newest)s::text);

-- listen_for_events --
LISTEN rowport_events;

-- claim_progress --
-- One tells of an import's progress at a time.
SELECT pg_try_advisory_xact_lock(hashtextextended(%(import_id)s::text, 7239871004)) AS claimed;

-- insert_progress --
-- At most one a second for an import, and none once it has ended; a time that lies ahead is from
-- before the clock was set back.
INSERT INTO rowport.events (organization_id, import_id, kind, data)
SELECT i.organization_id, i.id, 'import.progress', rowport.event_data(i)
FROM rowport.imports AS i
WHERE i.organization_id = %(organization_id)s AND i.id = %(import_id)s AND i.finished_at IS NULL
  AND NOT EXISTS (
      SELECT 1
      FROM rowport.events AS e
      WHERE e.import_id = i.id AND e.kind = 'import.progress'
        AND e.created_at BETWEEN clock_timestamp() - interval '1 second' AND clock_timestamp()
  );

-- list_events --
-- Behind a position, in order; null filters do not filter.
SELECT id, position, organization_id, import_id, kind, data, created_at
FROM rowport.events
WHERE organization_id = %(organization_id)s AND position > %(after)s
  AND (%(import_id)s::uuid IS NULL OR import_id = %(import_id)s)
  AND kind <> 'webhook.test'
ORDER BY position
LIMIT %(limit)s;

-- list_events_of_all --
-- The same of all organizations, for a process that hands them on to each one's watchers.
SELECT id, position, organization_id, import_id, kind, data, created_at
FROM rowport.events
WHERE position > %(after)s AND kind <> 'webhook.test'
ORDER BY position
LIMIT %(limit)s;

-- newest_event_of_all --
SELECT coalesce(max(position), 0) AS position
FROM rowport.events;

-- is_all_told --
-- Whether an import has ended and nothing behind a position is told of it or waits to be; no row
-- when there is no such import.
SELECT i.finished_at IS NOT NULL AND NOT EXISTS (
           SELECT 1
           FROM rowport.events AS e
           WHERE e.organization_id = i.organization_id AND e.import_id = i.id
             AND (e.position IS NULL OR e.position > %(after)s)
       ) AS is_over
FROM rowport.imports AS i
WHERE i.organization_id = %(organization_id)s AND i.id = %(import_id)s;

-- newest_event --
-- The position behind which everything is new.
SELECT coalesce(max(position), 0) AS position
FROM rowport.events
WHERE organization_id = %(organization_id)s;

-- insert_test_event --
INSERT INTO rowport.events (organization_id, kind, data)
VALUES (%(organization_id)s, 'webhook.test', %(data)s)
RETURNING id;

-- drop_old_events --
-- Progress is old news after a day; what still has to be delivered stays.
DELETE FROM rowport.events AS e
USING (
    SELECT v.id
    FROM rowport.events AS v
    WHERE v.position IS NOT NULL
      AND (v.created_at < clock_timestamp() - %(kept)s
           OR (v.kind = 'import.progress' AND v.created_at < clock_timestamp() - interval '1 day'))
      AND NOT EXISTS (
          SELECT 1 FROM rowport.deliveries AS d WHERE d.event_id = v.id AND d.state = 'waiting')
    ORDER BY v.created_at, v.id
    LIMIT %(limit)s
) AS old
WHERE e.id = old.id;

-- unfinished_telling --
-- Whether events wait for their number, and whether a delivery is due that nobody holds.
SELECT EXISTS (SELECT 1 FROM rowport.events WHERE position IS NULL) AS unpublished,
       EXISTS (
           SELECT 1
           FROM rowport.webhooks AS w
           -- include free_webhook --
             AND EXISTS (
                 SELECT 1 FROM rowport.deliveries AS d
                 WHERE d.webhook_id = w.id AND d.state = 'waiting'
                   AND d.due_at <= clock_timestamp())
       ) AS due;
