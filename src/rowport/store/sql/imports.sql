-- insert_import --
INSERT INTO rowport.imports
    (id, oid, organization_id, record_type_id, type_version, state, phase, options, priority)
VALUES
    (%(id)s, %(oid)s, %(organization_id)s, %(record_type_id)s, %(type_version)s, %(state)s,
     %(phase)s, %(options)s, %(priority)s);

-- insert_import_file --
INSERT INTO rowport.import_files
    (id, oid, organization_id, import_id, position, name, media_type, size_bytes, sha256, blob)
VALUES
    (%(id)s, %(oid)s, %(organization_id)s, %(import_id)s, %(position)s, %(name)s, %(media_type)s,
     %(size_bytes)s, %(sha256)s, %(blob)s);

-- import_by_id --
-- With its counts, summed over its chunks in the same snapshot; no row when there is none.
SELECT i.id, i.oid, i.organization_id, t.name AS type_name, i.type_version, i.state, i.phase,
       i.options, i.mapping, i.error_code, i.error_message, i.error_retryable, i.waiting,
       i.created_at, i.updated_at, i.started_at, i.finished_at,
       c.rows, c.created, c.updated, c.unchanged, c.skipped, c.failed, c.chunks, c.chunks_done,
       f.files
FROM rowport.imports AS i
JOIN rowport.record_types AS t ON t.id = i.record_type_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.rows), 0) AS rows, coalesce(sum(k.created), 0) AS created,
           coalesce(sum(k.updated), 0) AS updated, coalesce(sum(k.unchanged), 0) AS unchanged,
           coalesce(sum(k.skipped), 0) AS skipped, coalesce(sum(k.failed), 0) AS failed,
           count(*) AS chunks, count(*) FILTER (WHERE k.state = 'done') AS chunks_done
    FROM rowport.chunks AS k
    WHERE k.import_id = i.id
) AS c
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'id', a.id, 'oid', a.oid, 'name', a.name, 'size_bytes', a.size_bytes,
               'sha256', a.sha256, 'blob', a.blob, 'media_type', a.media_type,
               'layout', a.layout) ORDER BY a.position), '[]') AS files
    FROM rowport.import_files AS a
    WHERE a.import_id = i.id
) AS f
WHERE i.organization_id = %(organization_id)s AND i.id = %(import_id)s;

-- list_imports --
-- Newest first, a page of `limit` after the import (after_time, after_id); null: from the start.
SELECT i.id, i.oid, i.organization_id, t.name AS type_name, i.type_version, i.state, i.phase,
       i.options, i.mapping, i.error_code, i.error_message, i.error_retryable, i.waiting,
       i.created_at, i.updated_at, i.started_at, i.finished_at,
       c.rows, c.created, c.updated, c.unchanged, c.skipped, c.failed, c.chunks, c.chunks_done,
       f.files
FROM rowport.imports AS i
JOIN rowport.record_types AS t ON t.id = i.record_type_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.rows), 0) AS rows, coalesce(sum(k.created), 0) AS created,
           coalesce(sum(k.updated), 0) AS updated, coalesce(sum(k.unchanged), 0) AS unchanged,
           coalesce(sum(k.skipped), 0) AS skipped, coalesce(sum(k.failed), 0) AS failed,
           count(*) AS chunks, count(*) FILTER (WHERE k.state = 'done') AS chunks_done
    FROM rowport.chunks AS k
    WHERE k.import_id = i.id
) AS c
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'id', a.id, 'oid', a.oid, 'name', a.name, 'size_bytes', a.size_bytes,
               'sha256', a.sha256, 'blob', a.blob, 'media_type', a.media_type,
               'layout', a.layout) ORDER BY a.position), '[]') AS files
    FROM rowport.import_files AS a
    WHERE a.import_id = i.id
) AS f
WHERE i.organization_id = %(organization_id)s
  AND (%(after_time)s::timestamptz IS NULL
       OR (i.created_at, i.id) < (%(after_time)s::timestamptz, %(after_id)s::uuid))
ORDER BY i.created_at DESC, i.id DESC
LIMIT %(limit)s;

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
