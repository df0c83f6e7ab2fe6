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
-- include import_columns --
FROM rowport.imports AS i
-- include import_joins --
WHERE i.organization_id = %(organization_id)s AND i.id = %(import_id)s;

-- import_by_oid --
-- include import_columns --
FROM rowport.imports AS i
-- include import_joins --
WHERE i.organization_id = %(organization_id)s AND i.oid = %(oid)s;

-- list_imports --
-- Newest first, a page of `limit` after the import (after_time, after_id); null: from the start.
-- include import_columns --
FROM rowport.imports AS i
-- include import_joins --
WHERE i.organization_id = %(organization_id)s
  AND (%(after_time)s::timestamptz IS NULL
       OR (i.created_at, i.id) < (%(after_time)s::timestamptz, %(after_id)s::uuid))
ORDER BY i.created_at DESC, i.id DESC
LIMIT %(limit)s;

-- find_imports --
-- A page by number.  A filter that is null does not filter; {order} ends in the unique id.
-- include import_columns --
FROM (
    -- The page first: what it skips is neither counted up nor joined to its files.
    SELECT i.*
    FROM rowport.imports AS i
    JOIN rowport.record_types AS t ON t.id = i.record_type_id
    LEFT JOIN rowport.feeds AS d ON d.id = i.feed_id
    -- include import_filter --
    ORDER BY {order}
    LIMIT %(limit)s OFFSET %(offset)s
) AS i
-- include import_joins --
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
-- include import_filter --
;

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
-- The state, held until the transaction ends; no row when there is none.  A process that falls
-- silent loses it soon: nobody can steer the import meanwhile.
SELECT state, set_config('idle_in_transaction_session_timeout', '10s', true)
FROM rowport.imports
WHERE organization_id = %(organization_id)s AND id = %(import_id)s
FOR UPDATE;

-- share_import --
-- The state, which nobody can change until the transaction ends, and the start that it is in; a
-- process that falls silent loses it soon.
SELECT state, starts, set_config('idle_in_transaction_session_timeout', '10s', true)
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
    starts = starts + (%(state)s = 'queued')::int,
    state_since = clock_timestamp(),
    stopped_by = CASE WHEN %(state)s IN ('pausing', 'canceling') THEN %(by)s::text
                      WHEN %(state)s IN ('paused', 'canceled')
                      THEN coalesce(%(by)s::text, stopped_by) END,
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
-- Imports that a worker has to look at: every state that moves by itself, and those being undone.
SELECT m.id, m.organization_id, m.state
FROM (
    SELECT id, organization_id, state, created_at
    FROM rowport.imports
    WHERE finished_at IS NULL AND state IN ('reading', 'queued', 'running', 'pausing', 'canceling')
    UNION ALL
    SELECT i.id, i.organization_id, i.state, i.created_at
    FROM rowport.undos AS u
    JOIN rowport.imports AS i ON i.id = u.import_id
    WHERE u.finished_at IS NULL
) AS m
ORDER BY m.created_at, m.id;

-- set_attributes --
-- Keys given here replace those of the same name; others stay.
UPDATE rowport.imports
SET attributes = attributes || %(attributes)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- set_import_name --
UPDATE rowport.imports
SET name = %(name)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- set_options --
UPDATE rowport.imports
SET options = %(options)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- set_starts_by_itself --
UPDATE rowport.imports
SET starts_by_itself = %(starts_by_itself)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- set_type_version --
UPDATE rowport.imports
SET type_version = %(version)s
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- insert_round --
-- The import itself was the first round; the caller holds it, so that no two take one number.
INSERT INTO rowport.rounds
    (import_id, number, organization_id, kind, asked_by, file_name, size_bytes, sha256)
SELECT %(import_id)s, coalesce(max(number), 1) + 1, %(organization_id)s, %(kind)s, %(asked_by)s,
       %(file_name)s, %(size_bytes)s, %(sha256)s
FROM rowport.rounds
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s;

-- round_of_file --
SELECT number
FROM rowport.rounds
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND sha256 = %(sha256)s;
