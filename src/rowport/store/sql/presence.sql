-- announce_worker --
-- Shared: any number of workers hold it; the session loses it when its process dies.
SELECT pg_advisory_lock_shared(7239871002);

-- alive_workers --
SELECT count(*) AS alive
FROM pg_locks
WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) + objid::bigint = 7239871002;

-- still_there --
SELECT 1 AS there;

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
