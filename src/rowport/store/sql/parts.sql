-- import_columns --
-- An import as store/rows.py reads it, `import_joins` beside it.
SELECT i.id, i.oid, i.organization_id, t.name AS type_name, t.oid AS type_oid,
       t.attributes AS type_attributes, i.type_version, i.state, i.phase, i.options, i.mapping,
       i.name, i.created_by, u.email AS created_by_email, d.oid AS feed_oid, i.starts_by_itself,
       i.attributes, i.scheduled_for, i.archived_at, i.priority, i.error_code, i.error_message,
       i.error_retryable, i.starts, i.state_since, i.stopped_by, i.created_at,
       greatest(i.updated_at, c.last_finished_at, n.created_at, n.finished_at) AS updated_at,
       i.started_at, i.finished_at, i.expired,
       c.rows, c.created, c.updated, c.unchanged, c.skipped, c.failed, c.chunks, c.chunks_done,
       f.files, f.inline_rows, c.reversed, c.kept, c.errored, n.import_id AS undo,
       n.asked_by AS undo_asked_by, n.error_code AS undo_error_code,
       n.error_message AS undo_error_message, n.created_at AS undo_created_at,
       n.finished_at AS undo_finished_at

-- import_joins --
-- What belongs to an import `i`, its counts summed over its chunks in the same snapshot.
JOIN rowport.record_types AS t ON t.id = i.record_type_id
LEFT JOIN rowport.users AS u ON u.id = i.created_by
LEFT JOIN rowport.feeds AS d ON d.id = i.feed_id
LEFT JOIN rowport.undos AS n ON n.import_id = i.id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.rows), 0) AS rows, coalesce(sum(k.created), 0) AS created,
           coalesce(sum(k.updated), 0) AS updated, coalesce(sum(k.unchanged), 0) AS unchanged,
           coalesce(sum(k.skipped), 0) AS skipped, coalesce(sum(k.failed), 0) AS failed,
           coalesce(sum(k.reversed), 0) AS reversed, coalesce(sum(k.kept), 0) AS kept,
           coalesce(sum(k.errored), 0) AS errored,
           count(*) AS chunks,
           count(*) FILTER (
               WHERE k.state = 'done'
                  OR k.state = 'undoing'
                 AND k.created + k.updated + k.unchanged + k.skipped + k.failed = k.rows
           ) AS chunks_done,
           max(k.finished_at) AS last_finished_at
    FROM rowport.chunks AS k
    WHERE k.import_id = i.id
) AS c
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'id', a.id, 'oid', a.oid, 'name', a.name, 'size_bytes', a.size_bytes,
               'sha256', a.sha256, 'blob', a.blob, 'media_type', a.media_type, 'rows', a.rows,
               'layout', a.layout) ORDER BY a.position), '[]') AS files,
           coalesce(sum(a.rows), 0) AS inline_rows
    FROM rowport.import_files AS a
    WHERE a.import_id = i.id
) AS f

-- import_filter --
-- A filter that is null does not filter.
WHERE i.organization_id = %(organization_id)s
  AND (%(facet)s::text IS NULL OR t.attributes ? %(facet)s)
  AND (%(type_oid)s::text IS NULL OR t.oid = %(type_oid)s)
  AND (%(facets)s::jsonb[] IS NULL OR t.attributes @> ANY (%(facets)s::jsonb[]))
  AND (%(feed_oid)s::text IS NULL OR d.oid = %(feed_oid)s)
  AND (%(created_by)s::uuid IS NULL OR i.created_by = %(created_by)s)
  AND (%(since)s::timestamptz IS NULL OR i.created_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR i.created_at < %(until)s)
  AND (%(fates)s::text[] IS NULL OR coalesce(i.result, i.state) = ANY (%(fates)s))
  AND (NOT %(sent_only)s OR i.state <> 'draft')
  AND (%(attributes)s::jsonb IS NULL OR i.attributes @> %(attributes)s)
  AND (%(ids)s::uuid[] IS NULL OR i.id = ANY (%(ids)s))
  AND (%(modes)s::text[] IS NULL OR i.options ->> 'mode' = ANY (%(modes)s))

-- feed_columns --
SELECT f.id, f.oid, f.organization_id, f.name, f.record_type_id, t.name AS type_name,
       t.attributes AS type_attributes, f.source_kind, f.source, f.schedule_kind, f.schedule,
       f.mapping, f.options, f.secrets, f.paused_at, f.paused_by, f.next_run_at, f.ends_at, f.archived_at, u.email AS created_by_email,
       f.attributes, f.created_at, f.updated_at
FROM rowport.feeds AS f
JOIN rowport.record_types AS t ON t.id = f.record_type_id
LEFT JOIN rowport.users AS u ON u.id = f.created_by

-- free_webhook --
-- A webhook `w` that may be told something now.  No hold is as long as five minutes: one that seems
-- to be was made before the clock was set back.
WHERE w.disabled_at IS NULL
  AND (w.busy_until IS NULL OR w.busy_until <= clock_timestamp()
       OR w.busy_until > clock_timestamp() + interval '5 minutes')

-- webhook_columns --
SELECT w.id, w.oid, w.organization_id, w.name, w.url, w.events, w.secret_version, w.rotated_at,
       w.failing_since, w.disabled_at, w.disabled_reason, w.created_at, w.updated_at

-- is_presence --
-- A lock `l` by which a worker is counted among the living.
WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ShareLock' AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32) + l.objid::bigint = 7239871002
