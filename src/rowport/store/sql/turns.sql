-- set_priority --
-- With it the urgency of the job that reads its file, while that waits: three minutes a step.
WITH old AS (
    SELECT i.id, i.priority
    FROM rowport.imports AS i
    WHERE i.organization_id = %(organization_id)s AND i.id = %(import_id)s
), job AS (
    UPDATE rowport_jobs.procrastinate_jobs AS j
    SET priority = j.priority + 90 * (%(priority)s - o.priority)
    FROM old AS o
    WHERE j.task_name = 'plan' AND j.status = 'todo' AND j.args ->> 'import_id' = o.id::text
)
UPDATE rowport.imports
SET priority = %(priority)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- imports_being_read --
SELECT count(*) AS reading
FROM rowport.imports
WHERE organization_id = %(organization_id)s AND finished_at IS NULL AND state = 'reading';

-- grow_urgent --
UPDATE rowport_jobs.procrastinate_jobs
SET priority = priority + 1
WHERE task_name = 'plan' AND status = 'todo' AND priority < 900;

-- running_limit --
-- How many imports of an organization may run at once; null: any number.
SELECT coalesce(o.running_limit, %(running_limit)s::integer) AS running_limit
FROM rowport.organizations AS o
WHERE o.id = %(organization_id)s;

-- let_no_other_run --
SELECT pg_advisory_xact_lock(hashtextextended(%(organization_id)s::text, 7239871006));

-- running_imports --
SELECT count(*) AS running
FROM rowport.imports
WHERE organization_id = %(organization_id)s AND state IN ('running', 'pausing', 'canceling');
