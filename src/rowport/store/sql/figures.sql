-- figures --
-- How things stand, over all organizations, in one snapshot.
WITH chunks AS (
    SELECT state, count(*) AS number, sum(created) AS created, sum(updated) AS updated,
           sum(unchanged) AS unchanged, sum(skipped) AS skipped, sum(failed) AS failed
    FROM rowport.chunks
    GROUP BY state
), imports AS (
    SELECT state, count(*) AS number FROM rowport.imports GROUP BY state
), deliveries AS (
    SELECT state, count(*) AS number FROM rowport.deliveries GROUP BY state
), jobs AS (
    SELECT queue_name AS queue, count(*) AS number
    FROM rowport_jobs.procrastinate_jobs
    WHERE status = 'todo'
    GROUP BY queue_name
)
SELECT (SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM imports) AS imports,
       (SELECT jsonb_build_object(
                   'created', coalesce(sum(created), 0), 'updated', coalesce(sum(updated), 0),
                   'unchanged', coalesce(sum(unchanged), 0),
                   'skipped', coalesce(sum(skipped), 0), 'failed', coalesce(sum(failed), 0))
        FROM chunks) AS rows,
       (SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM chunks) AS chunks,
       (SELECT coalesce(jsonb_object_agg(queue, number), '{}') FROM jobs) AS jobs,
       (SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM deliveries) AS deliveries,
       (SELECT count(*)
        FROM pg_locks AS l
        JOIN pg_stat_activity AS a ON a.pid = l.pid
        -- include is_presence --
          -- As alive_workers: one that has said nothing for a while is frozen.
          AND (a.state_change IS NULL OR a.state_change > clock_timestamp() - interval '15 seconds')
       ) AS workers,
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(i.state_since)), 0)::float8
        FROM rowport.imports AS i
        WHERE i.finished_at IS NULL AND (i.state = 'queued' OR i.state = 'reading' AND NOT EXISTS (
            SELECT FROM rowport_jobs.procrastinate_jobs AS j
            WHERE j.task_name = 'plan' AND j.status = 'doing'
              AND j.args ->> 'import_id' = i.id::text
        ))) AS oldest_waiting_s;
