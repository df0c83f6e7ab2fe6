-- insert_import --
INSERT INTO rowport.imports
    (id, oid, organization_id, record_type_id, type_version, state, phase, options, priority, name,
     created_by, feed_id, starts_by_itself, attributes, scheduled_for)
VALUES
    (%(id)s, %(oid)s, %(organization_id)s, %(record_type_id)s, %(type_version)s, %(state)s,
     %(phase)s, %(options)s, %(priority)s, %(name)s, %(created_by)s, %(feed_id)s,
     %(starts_by_itself)s, %(attributes)s, %(scheduled_for)s);

-- insert_import_file --
-- After the files it has; the caller holds the import, so that no two take one place.
INSERT INTO rowport.import_files
    (id, oid, organization_id, import_id, position, name, media_type, size_bytes, sha256, blob, rows)
SELECT %(id)s, %(oid)s, %(organization_id)s, %(import_id)s,
       coalesce(max(position), 0) + 1, %(name)s, %(media_type)s, %(size_bytes)s, %(sha256)s,
       %(blob)s, %(rows)s
FROM rowport.import_files
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s;

-- drop_import_files --
DELETE FROM rowport.import_files
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s;

-- import_by_id --
-- With its counts, summed over its chunks in the same snapshot; no row when there is none.
SELECT i.id, i.oid, i.organization_id, t.name AS type_name, t.oid AS type_oid,
       t.attributes AS type_attributes, i.type_version, i.state, i.phase, i.options, i.mapping,
       i.name, i.created_by, u.email AS created_by_email, d.oid AS feed_oid, i.starts_by_itself,
       i.attributes, i.scheduled_for, i.archived_at, i.error_code, i.error_message,
       i.error_retryable, i.waiting, i.created_at,
       greatest(i.updated_at, c.last_finished_at) AS updated_at, i.started_at, i.finished_at,
       c.rows, c.created, c.updated, c.unchanged, c.skipped, c.failed, c.chunks, c.chunks_done,
       f.files, f.inline_rows
FROM rowport.imports AS i
JOIN rowport.record_types AS t ON t.id = i.record_type_id
LEFT JOIN rowport.users AS u ON u.id = i.created_by
LEFT JOIN rowport.feeds AS d ON d.id = i.feed_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.rows), 0) AS rows, coalesce(sum(k.created), 0) AS created,
           coalesce(sum(k.updated), 0) AS updated, coalesce(sum(k.unchanged), 0) AS unchanged,
           coalesce(sum(k.skipped), 0) AS skipped, coalesce(sum(k.failed), 0) AS failed,
           count(*) AS chunks, count(*) FILTER (WHERE k.state = 'done') AS chunks_done,
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
WHERE i.organization_id = %(organization_id)s AND i.id = %(import_id)s;

-- import_by_oid --
SELECT i.id, i.oid, i.organization_id, t.name AS type_name, t.oid AS type_oid,
       t.attributes AS type_attributes, i.type_version, i.state, i.phase, i.options, i.mapping,
       i.name, i.created_by, u.email AS created_by_email, d.oid AS feed_oid, i.starts_by_itself,
       i.attributes, i.scheduled_for, i.archived_at, i.error_code, i.error_message,
       i.error_retryable, i.waiting, i.created_at,
       greatest(i.updated_at, c.last_finished_at) AS updated_at, i.started_at, i.finished_at,
       c.rows, c.created, c.updated, c.unchanged, c.skipped, c.failed, c.chunks, c.chunks_done,
       f.files, f.inline_rows
FROM rowport.imports AS i
JOIN rowport.record_types AS t ON t.id = i.record_type_id
LEFT JOIN rowport.users AS u ON u.id = i.created_by
LEFT JOIN rowport.feeds AS d ON d.id = i.feed_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.rows), 0) AS rows, coalesce(sum(k.created), 0) AS created,
           coalesce(sum(k.updated), 0) AS updated, coalesce(sum(k.unchanged), 0) AS unchanged,
           coalesce(sum(k.skipped), 0) AS skipped, coalesce(sum(k.failed), 0) AS failed,
           count(*) AS chunks, count(*) FILTER (WHERE k.state = 'done') AS chunks_done,
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
WHERE i.organization_id = %(organization_id)s AND i.oid = %(oid)s;

-- list_imports --
-- Newest first, a page of `limit` after the import (after_time, after_id); null: from the start.
SELECT i.id, i.oid, i.organization_id, t.name AS type_name, t.oid AS type_oid,
       t.attributes AS type_attributes, i.type_version, i.state, i.phase, i.options, i.mapping,
       i.name, i.created_by, u.email AS created_by_email, d.oid AS feed_oid, i.starts_by_itself,
       i.attributes, i.scheduled_for, i.archived_at, i.error_code, i.error_message,
       i.error_retryable, i.waiting, i.created_at,
       greatest(i.updated_at, c.last_finished_at) AS updated_at, i.started_at, i.finished_at,
       c.rows, c.created, c.updated, c.unchanged, c.skipped, c.failed, c.chunks, c.chunks_done,
       f.files, f.inline_rows
FROM rowport.imports AS i
JOIN rowport.record_types AS t ON t.id = i.record_type_id
LEFT JOIN rowport.users AS u ON u.id = i.created_by
LEFT JOIN rowport.feeds AS d ON d.id = i.feed_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.rows), 0) AS rows, coalesce(sum(k.created), 0) AS created,
           coalesce(sum(k.updated), 0) AS updated, coalesce(sum(k.unchanged), 0) AS unchanged,
           coalesce(sum(k.skipped), 0) AS skipped, coalesce(sum(k.failed), 0) AS failed,
           count(*) AS chunks, count(*) FILTER (WHERE k.state = 'done') AS chunks_done,
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
WHERE i.organization_id = %(organization_id)s
  AND (%(after_time)s::timestamptz IS NULL
       OR (i.created_at, i.id) < (%(after_time)s::timestamptz, %(after_id)s::uuid))
ORDER BY i.created_at DESC, i.id DESC
LIMIT %(limit)s;

-- find_imports --
-- A page by number.  A filter that is null does not filter; {order} ends in the unique id.
SELECT i.id, i.oid, i.organization_id, t.name AS type_name, t.oid AS type_oid,
       t.attributes AS type_attributes, i.type_version, i.state, i.phase, i.options, i.mapping,
       i.name, i.created_by, u.email AS created_by_email, d.oid AS feed_oid, i.starts_by_itself,
       i.attributes, i.scheduled_for, i.archived_at, i.error_code, i.error_message,
       i.error_retryable, i.waiting, i.created_at,
       greatest(i.updated_at, c.last_finished_at) AS updated_at, i.started_at, i.finished_at,
       c.rows, c.created, c.updated, c.unchanged, c.skipped, c.failed, c.chunks, c.chunks_done,
       f.files, f.inline_rows
FROM (
    -- The page first: what it skips is neither counted up nor joined to its files.
    SELECT i.*
    FROM rowport.imports AS i
    JOIN rowport.record_types AS t ON t.id = i.record_type_id
    LEFT JOIN rowport.feeds AS d ON d.id = i.feed_id
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
    ORDER BY {order}
    LIMIT %(limit)s OFFSET %(offset)s
) AS i
JOIN rowport.record_types AS t ON t.id = i.record_type_id
LEFT JOIN rowport.users AS u ON u.id = i.created_by
LEFT JOIN rowport.feeds AS d ON d.id = i.feed_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.rows), 0) AS rows, coalesce(sum(k.created), 0) AS created,
           coalesce(sum(k.updated), 0) AS updated, coalesce(sum(k.unchanged), 0) AS unchanged,
           coalesce(sum(k.skipped), 0) AS skipped, coalesce(sum(k.failed), 0) AS failed,
           count(*) AS chunks, count(*) FILTER (WHERE k.state = 'done') AS chunks_done,
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
ORDER BY {order};

-- count_imports --
-- How many imports all pages of find_imports hold, and how many of them are from before a moment
-- that every import in the making is younger than.
SELECT count(*) AS total,
       count(*) FILTER (WHERE i.created_at < statement_timestamp() - interval '30 seconds')
           AS settled,
       statement_timestamp() - interval '30 seconds' AS horizon
FROM rowport.imports AS i
JOIN rowport.record_types AS t ON t.id = i.record_type_id
LEFT JOIN rowport.feeds AS d ON d.id = i.feed_id
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
  AND (%(modes)s::text[] IS NULL OR i.options ->> 'mode' = ANY (%(modes)s));

-- types_of_imports --
-- The record types whose imports find_imports looks at.
SELECT t.id
FROM rowport.record_types AS t
WHERE t.organization_id = %(organization_id)s
  AND (%(facet)s::text IS NULL OR t.attributes ? %(facet)s)
  AND (%(type_oid)s::text IS NULL OR t.oid = %(type_oid)s)
  AND (%(facets)s::jsonb[] IS NULL OR t.attributes @> ANY (%(facets)s::jsonb[]))
ORDER BY t.id;

-- lock_import --
-- The state, held until the transaction ends; no row when there is none.
SELECT state
FROM rowport.imports
WHERE organization_id = %(organization_id)s AND id = %(import_id)s
FOR UPDATE;

-- share_import --
-- The state, which nobody can change until the transaction ends.
SELECT state
FROM rowport.imports
WHERE organization_id = %(organization_id)s AND id = %(import_id)s
FOR SHARE;

-- move_import --
-- Only from the state that the caller locked.
UPDATE rowport.imports
SET previous_state = state, state = %(state)s, phase = %(phase)s,
    error_code = %(error_code)s, error_message = %(error_message)s,
    error_retryable = %(error_retryable)s,
    started_at = CASE WHEN %(state)s = 'running' THEN coalesce(started_at, clock_timestamp())
                      ELSE started_at END,
    finished_at = CASE WHEN %(is_final)s THEN clock_timestamp() END,
    result = %(result)s,
    waiting = NULL, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s AND state = %(expected)s;

-- set_phase --
UPDATE rowport.imports
SET phase = %(phase)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s
  AND phase IS DISTINCT FROM %(phase)s;

-- set_mapping --
UPDATE rowport.imports
SET mapping = %(mapping)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- set_layout --
UPDATE rowport.import_files
SET layout = %(layout)s
WHERE organization_id = %(organization_id)s AND id = %(file_id)s;

-- open_imports --
-- Imports that a worker has to look at: every state that moves by itself.
SELECT id, organization_id, state
FROM rowport.imports
WHERE finished_at IS NULL AND state IN ('reading', 'queued', 'running', 'pausing', 'canceling')
ORDER BY created_at, id;

-- set_attributes --
-- Keys given here replace those of the same name; others stay.
UPDATE rowport.imports
SET attributes = attributes || %(attributes)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- set_options --
UPDATE rowport.imports
SET options = %(options)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- set_starts_by_itself --
UPDATE rowport.imports
SET starts_by_itself = %(starts_by_itself)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;
