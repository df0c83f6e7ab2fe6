-- await_migrations --
-- Whoever changes the schema holds it; to the end of the transaction nobody begins to.
SELECT pg_advisory_xact_lock_shared(7239871001);

-- announce_worker --
-- Shared: any number of workers hold it; the session loses it when its process dies.  The second one
-- tells the newest migration that the worker's program knows.
SELECT pg_advisory_lock_shared(7239871002), pg_advisory_lock_shared(7239871, %(newest)s);

-- alive_workers --
-- One that has said nothing for a while is frozen, or its machine is gone.
SELECT count(*) AS alive
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
-- include is_presence --
  AND (a.state_change IS NULL OR a.state_change > clock_timestamp() - interval '15 seconds');

-- older_workers --
-- Those whose program does not know this migration yet.
SELECT count(*) AS older
FROM pg_locks AS l
-- include is_presence --
  AND NOT EXISTS (
      SELECT FROM pg_locks AS v
      WHERE v.pid = l.pid AND v.locktype = 'advisory' AND v.objsubid = 2
        AND v.classid = 7239871 AND v.objid::bigint >= %(number)s);

-- signs_of_life --
-- When each other worker said something; nobody compares that with a clock, only with itself.  To
-- ask is to say something.
SELECT a.application_name AS session, max(a.state_change)::text AS sign
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
-- include is_presence --
  AND a.application_name <> current_setting('application_name')
GROUP BY a.application_name
HAVING max(a.state_change) IS NOT NULL;

-- end_sessions --
SELECT pg_terminate_backend(pid) AS ended
FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %(session)s
  AND pid <> pg_backend_pid();

-- mend_clocks --
-- What the queue dates in the future: a heartbeat from before the clock was set back, which would pass
-- for one for ever, and jobs of workers whose clock is ahead.  Ours are due at once, or in seconds.
WITH mended AS (
    UPDATE rowport_jobs.procrastinate_workers
    SET last_heartbeat = clock_timestamp()
    WHERE last_heartbeat > clock_timestamp() + interval '1 minute'
)
UPDATE rowport_jobs.procrastinate_jobs
SET scheduled_at = clock_timestamp()
WHERE status = 'todo' AND scheduled_at > clock_timestamp() + interval '1 minute';

-- is_busy --
-- Whether any import, of whatever organization, should move by itself, or a delivery is due.
SELECT EXISTS (
    SELECT 1
    FROM rowport.imports
    WHERE finished_at IS NULL
      AND state IN ('receiving', 'reading', 'queued', 'running', 'pausing', 'canceling')
) OR EXISTS (
    SELECT 1
    FROM rowport.webhooks AS w
    -- include free_webhook --
      AND EXISTS (
          SELECT 1 FROM rowport.deliveries AS d
          WHERE d.webhook_id = w.id AND d.state = 'waiting' AND d.due_at <= clock_timestamp())
) OR EXISTS (SELECT 1 FROM rowport.undos WHERE finished_at IS NULL) AS busy;


-- durability --
SELECT name, setting
FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
ORDER BY name;
