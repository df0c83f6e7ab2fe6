-- feeds_defined --
-- Feeds, each with its newest import (null: it never ran); a part of find_definitions and
-- count_definitions.  A filter that is null does not filter.
SELECT f.created_at, f.id, f.id AS feed_id, r.id AS run_id
FROM rowport.feeds AS f
LEFT JOIN LATERAL (
    SELECT i.id, i.state, i.result
    FROM rowport.imports AS i
    WHERE i.organization_id = %(organization_id)s AND i.feed_id = f.id
    ORDER BY i.created_at DESC, i.id DESC
    LIMIT 1
) AS r ON true
WHERE f.organization_id = %(organization_id)s
  AND f.record_type_id = ANY (%(type_ids)s::uuid[])
  AND (%(oid)s::text IS NULL OR f.oid = %(oid)s)
  AND (%(name)s::text IS NULL OR f.name = %(name)s)
  AND (%(source_kinds)s::text[] IS NULL OR f.source_kind = ANY (%(source_kinds)s))
  AND (%(schedule_kinds)s::text[] IS NULL OR f.schedule_kind = ANY (%(schedule_kinds)s))
  AND (%(fates)s::text[] IS NULL
       OR CASE WHEN f.archived_at IS NOT NULL THEN 'archived'
               ELSE coalesce(r.result, r.state, 'never_run') END = ANY (%(fates)s))
  AND (%(since)s::timestamptz IS NULL
       OR (r.id IS NULL AND f.created_at >= %(since)s AND f.created_at < %(until)s)
       OR EXISTS (
           SELECT 1
           FROM rowport.imports AS i
           WHERE i.organization_id = %(organization_id)s AND i.feed_id = f.id
             AND CASE WHEN EXISTS (SELECT 1 FROM rowport.import_files AS a WHERE a.import_id = i.id)
                      THEN coalesce(i.finished_at, i.scheduled_for, i.created_at)
                      ELSE coalesce(i.started_at, i.created_at) END >= %(since)s
             AND CASE WHEN EXISTS (SELECT 1 FROM rowport.import_files AS a WHERE a.import_id = i.id)
                      THEN coalesce(i.finished_at, i.scheduled_for, i.created_at)
                      ELSE coalesce(i.started_at, i.created_at) END < %(until)s))

-- imports_defined --
-- Imports that belong to no feed, as the other part.  A name is given as it is shown, with the
-- id behind it, or without.
SELECT i.created_at, i.id, NULL::uuid AS feed_id, i.id AS run_id
FROM rowport.imports AS i
WHERE i.organization_id = %(organization_id)s
  AND i.feed_id IS NULL
  AND i.record_type_id = ANY (%(type_ids)s::uuid[])
  AND (%(oid)s::text IS NULL OR i.oid = %(oid)s)
  AND (%(name)s::text IS NULL
       OR i.name = %(name)s
       OR (i.name IS NULL
           AND i.id IN (
               SELECT a.import_id
               FROM rowport.import_files AS a
               WHERE a.organization_id = %(organization_id)s AND a.position = 1
                 AND a.name = %(name)s))
       OR (i.oid = %(name_oid)s
           AND %(name_said)s = coalesce(
               i.name,
               (SELECT a.name FROM rowport.import_files AS a
                WHERE a.import_id = i.id ORDER BY a.position LIMIT 1),
               (SELECT t.name FROM rowport.record_types AS t WHERE t.id = i.record_type_id))))
  AND (%(source_kinds)s::text[] IS NULL OR 'upload' = ANY (%(source_kinds)s))
  AND (%(schedule_kinds)s::text[] IS NULL OR 'once' = ANY (%(schedule_kinds)s))
  AND (%(fates)s::text[] IS NULL
       OR CASE WHEN i.archived_at IS NOT NULL THEN 'archived'
               ELSE coalesce(i.result, i.state) END = ANY (%(fates)s))
  AND (%(since)s::timestamptz IS NULL
       OR (CASE WHEN EXISTS (SELECT 1 FROM rowport.import_files AS a WHERE a.import_id = i.id)
                THEN coalesce(i.finished_at, i.scheduled_for, i.created_at)
                ELSE coalesce(i.started_at, i.created_at) END >= %(since)s
           AND CASE WHEN EXISTS (SELECT 1 FROM rowport.import_files AS a WHERE a.import_id = i.id)
                    THEN coalesce(i.finished_at, i.scheduled_for, i.created_at)
                    ELSE coalesce(i.started_at, i.created_at) END < %(until)s))

-- find_definitions --
-- A page of both, the newest first.  Each part is cut where the page ends, so that neither is
-- sorted whole.
SELECT d.feed_id, d.run_id
FROM (
    ({feeds_defined} ORDER BY created_at DESC, id DESC LIMIT %(reach)s)
    UNION ALL
    ({imports_defined} ORDER BY created_at DESC, id DESC LIMIT %(reach)s)
) AS d
ORDER BY d.created_at DESC, d.id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- count_definitions --
-- How many all pages of find_definitions hold.
SELECT (SELECT count(*) FROM ({feeds_defined}) AS f)
     + (SELECT count(*) FROM ({imports_defined}) AS i) AS total;

-- count_feeds --
SELECT count(*) AS total
FROM rowport.feeds AS f
WHERE f.organization_id = %(organization_id)s
  AND f.record_type_id = ANY (%(type_ids)s::uuid[]);

-- count_own_imports --
-- Imports that belong to no feed, made in a span of time; null: from the first, to the last.
SELECT count(*) AS total
FROM rowport.imports AS i
WHERE i.organization_id = %(organization_id)s
  AND i.feed_id IS NULL
  AND i.record_type_id = ANY (%(type_ids)s::uuid[])
  AND i.created_at >= coalesce(%(made_since)s::timestamptz, '-infinity')
  AND i.created_at < coalesce(%(made_until)s::timestamptz, 'infinity');

-- a_while_ago --
-- Every transaction that wrote an import before this time has ended: they last milliseconds, and
-- where one does not, the total lacks its import until the next count.
SELECT clock_timestamp() - interval '10 seconds' AS moment;

-- feeds_by_ids --
-- include feed_columns --
WHERE f.organization_id = %(organization_id)s AND f.id = ANY (%(ids)s::uuid[])
ORDER BY f.id;

-- imports_by_ids --
-- With their counts, as import_by_id gives them.
-- include import_columns --
FROM rowport.imports AS i
-- include import_joins --
WHERE i.organization_id = %(organization_id)s AND i.id = ANY (%(ids)s::uuid[])
ORDER BY i.id;

-- file_runs --
-- The files of a feed's imports, or of one import, with their own counts; a part of find_file_runs
-- and count_file_runs.
SELECT i.created_at, i.id, a.position, a.oid, a.name, a.size_bytes, i.state, i.error_message,
       coalesce(i.scheduled_for, i.created_at) AS scheduled_at, i.finished_at,
       CASE WHEN c.chunks = 0 THEN coalesce(a.rows, 0) ELSE c.rows END AS rows,
       c.created, c.updated, c.unchanged, c.skipped, c.failed
FROM rowport.imports AS i
JOIN rowport.import_files AS a ON a.import_id = i.id
CROSS JOIN LATERAL (
    SELECT count(*) AS chunks, coalesce(sum(k.rows), 0) AS rows,
           coalesce(sum(k.created), 0) AS created, coalesce(sum(k.updated), 0) AS updated,
           coalesce(sum(k.unchanged), 0) AS unchanged, coalesce(sum(k.skipped), 0) AS skipped,
           coalesce(sum(k.failed), 0) AS failed
    FROM rowport.chunks AS k
    WHERE k.import_id = i.id AND k.file_id = a.id
) AS c
WHERE i.organization_id = %(organization_id)s
  AND (%(feed_id)s::uuid IS NULL OR i.feed_id = %(feed_id)s)
  AND (%(import_id)s::uuid IS NULL OR i.id = %(import_id)s)
  AND (%(since)s::timestamptz IS NULL
       OR (coalesce(i.finished_at, i.scheduled_for, i.created_at) >= %(since)s
           AND coalesce(i.finished_at, i.scheduled_for, i.created_at) < %(until)s))
  AND (%(fates)s::text[] IS NULL
       OR CASE WHEN i.state <> 'completed' THEN i.state
               WHEN c.failed = 0 THEN 'succeeded'
               WHEN c.failed = c.rows THEN 'failed_rows'
               ELSE 'partial' END = ANY (%(fates)s))

-- find_file_runs --
-- A page of them, the newest first.
SELECT r.oid, r.name, r.size_bytes, r.state, r.error_message, r.scheduled_at, r.finished_at,
       r.rows, r.created, r.updated, r.unchanged, r.skipped, r.failed
FROM ({file_runs}) AS r
ORDER BY r.created_at DESC, r.id DESC, r.position
LIMIT %(limit)s OFFSET %(offset)s;

-- count_file_runs --
-- How many all pages of find_file_runs hold.
SELECT count(*) AS total
FROM ({file_runs}) AS r;

-- lock_feed --
-- Weaker than FOR UPDATE, so that an import of the feed may be written meanwhile (foreign key).
SELECT id
FROM rowport.feeds
WHERE organization_id = %(organization_id)s AND oid = %(oid)s
FOR NO KEY UPDATE;
