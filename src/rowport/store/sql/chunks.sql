-- delete_chunks --
-- A plan that is made again replaces what an interrupted one left.
DELETE FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s;

-- copy_chunks --
COPY rowport.chunks (import_id, number, organization_id, file_id, first_row, rows, first_line,
                     begin_byte, end_byte, hints, staged, turn, state)
FROM STDIN;

-- release_chunks --
-- Somebody wants it to go on, so what was tried before counts for nothing.
UPDATE rowport.chunks
SET state = 'waiting', attempts = 0, run_after = '-infinity', fault = NULL
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND state = 'held'
  AND (turn = 1 OR NOT %(as_one)s);

-- plan_chunks_again --
-- For a later round: the chunks that have rows to be tried again, in new turns.  Mended rows that an
-- earlier round did not come to stay beside the new ones.
UPDATE rowport.chunks AS k
SET state = 'held', again = %(again)s, turn = o.turn, mended = k.mended || o.mended
FROM (
    SELECT c.number, row_number() OVER (ORDER BY c.number) AS turn,
           ARRAY(
               SELECT m.blob
               FROM unnest(%(numbers)s::integer[], %(blobs)s::text[]) AS m (number, blob)
               WHERE m.number = c.number
           ) AS mended
    FROM rowport.chunks AS c
    WHERE c.organization_id = %(organization_id)s AND c.import_id = %(import_id)s
      AND (c.number = ANY (%(numbers)s::integer[])
           OR %(again)s = 'all' AND c.failed > 0
           OR c.created + c.updated + c.unchanged + c.skipped + c.failed < c.rows)
) AS o
WHERE k.organization_id = %(organization_id)s AND k.import_id = %(import_id)s
  AND k.number = o.number;

-- claim_chunk --
-- The chunk whose turn it is; no row when none waits.  Committed before the work begins: as if its
-- worker had died already, until somebody tells how the try ended.  No hold is as long as a
-- minute: one that seems to be was made before the clock was set back, and counts for nothing.
-- Nobody begins while the schema is being changed: that waits for who has begun.
SELECT k.import_id, k.number, k.organization_id, k.file_id, k.first_row, k.rows, k.first_line,
       k.begin_byte, k.end_byte, k.hints, k.staged, k.again, k.mended, k.tried, k.state,
       k.attempts, k.deaths - 1 AS deaths
FROM rowport.claim_chunk(%(running_limit)s) AS k
WHERE (SELECT pg_try_advisory_xact_lock_shared(7239871001));

-- lock_chunk --
-- The lease: held until the transaction ends.  No row when another worker has it or had it.  The
-- chunk is told as it is now: it may have been planned anew since it was claimed.  A row lock does
-- not say whose it is, so the session is marked as well.
WITH mine AS MATERIALIZED (
    SELECT import_id, number, file_id, first_row, rows, first_line, begin_byte, end_byte, hints,
           staged, again, mended, tried, state
    FROM rowport.chunks
    WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
      AND number = %(number)s AND state IN ('waiting', 'undoing')
    FOR UPDATE SKIP LOCKED
)
SELECT m.number, m.file_id, m.first_row, m.rows, m.first_line, m.begin_byte, m.end_byte, m.hints,
       m.staged, m.again, m.mended, m.tried, m.state, i.starts,
       pg_advisory_xact_lock_shared(rowport.lease(m.import_id, m.number))
FROM mine AS m
JOIN rowport.imports AS i ON i.id = m.import_id;

-- finish_chunk --
UPDATE rowport.chunks
SET state = %(state)s, created = %(created)s, updated = %(updated)s, unchanged = %(unchanged)s,
    skipped = %(skipped)s, failed = %(failed)s, fault = NULL, deaths = 0,
    tried = tried || mended, mended = '{}',
    finished_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND number = %(number)s;

-- insert_chunk_result --
INSERT INTO rowport.chunk_results
    (import_id, number, organization_id, outcomes, errors, raw, before, written_by)
VALUES
    (%(import_id)s, %(number)s, %(organization_id)s, %(outcomes)s, %(errors)s, %(raw)s,
     %(before)s, %(written_by)s::int8multirange)
ON CONFLICT (import_id, number) DO UPDATE
SET outcomes = excluded.outcomes, errors = excluded.errors, raw = excluded.raw,
    before = excluded.before, written_by = chunk_results.written_by + excluded.written_by;

-- chunk_result --
SELECT outcomes, errors, raw, before
FROM rowport.chunk_results
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND number = %(number)s;

-- put_back_chunk --
-- The try does not count: nothing was wrong with the chunk.
UPDATE rowport.chunks
SET deaths = greatest(deaths - 1, 0), run_after = clock_timestamp() + %(delay)s,
    fault = coalesce(%(fault)s, fault)
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND number = %(number)s
  AND state IN ('waiting', 'undoing');

-- delay_chunk --
-- The try counts; the chunk is tried again later.
UPDATE rowport.chunks
SET attempts = attempts + 1, deaths = greatest(deaths - 1, 0),
    run_after = clock_timestamp() + %(delay)s, fault = %(fault)s
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND number = %(number)s
  AND state IN ('waiting', 'undoing');

-- hold_chunk --
-- While its process is being started nobody else shall claim it; nothing to do once it is locked.
UPDATE rowport.chunks AS k
SET run_after = clock_timestamp() + interval '3 seconds'
FROM (
    SELECT import_id, number
    FROM rowport.chunks
    WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
      AND number = %(number)s AND state IN ('waiting', 'undoing')
    FOR UPDATE SKIP LOCKED
) AS free
WHERE k.import_id = free.import_id AND k.number = free.number;

-- void_waiting_chunks --
-- Those that no worker holds; what is in flight ends by itself.  One whose rows all have a fate
-- from an earlier round is as done as it was.  So are those that a failed undo did not come to.
UPDATE rowport.chunks AS k
SET state = CASE WHEN k.created + k.updated + k.unchanged + k.skipped + k.failed = k.rows
                 THEN 'done' ELSE 'void' END
FROM (
    SELECT number
    FROM rowport.chunks
    WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
      AND (state IN ('waiting', 'held')
           OR state = 'undoing' AND NOT EXISTS (
               SELECT FROM rowport.undos AS u
               WHERE u.import_id = %(import_id)s AND u.finished_at IS NULL))
    FOR UPDATE SKIP LOCKED
) AS free
WHERE k.import_id = %(import_id)s AND k.number = free.number;

-- hold_waiting_chunks --
-- Those that no worker holds; what is in flight ends by itself.
UPDATE rowport.chunks AS k
SET state = 'held'
FROM (
    SELECT number
    FROM rowport.chunks
    WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
      AND state = 'waiting'
    FOR UPDATE SKIP LOCKED
) AS free
WHERE k.import_id = %(import_id)s AND k.number = free.number;

-- end_overdue_leases --
-- End the sessions that hold chunks of an import whose owner asked for a stop some time ago, or
-- that has ended.  Their transactions roll back; a process that was frozen finds its line cut.  A
-- state that began in the future began before the clock was set back, and is as old as any.
SELECT pg_terminate_backend(l.pid) AS ended
FROM rowport.imports AS i
JOIN rowport.chunks AS k ON k.import_id = i.id AND k.state = 'waiting'
JOIN pg_locks AS l
  ON l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.pid <> pg_backend_pid()
 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
 AND (l.classid::bigint << 32) | l.objid::bigint = rowport.lease(k.import_id, k.number)
WHERE i.organization_id = %(organization_id)s AND i.id = %(import_id)s
  AND (i.finished_at IS NOT NULL
       OR clock_timestamp() NOT BETWEEN i.state_since AND i.state_since + %(patience)s);

-- chunks_of_import --
SELECT number, file_id, first_row, rows, first_line, begin_byte, end_byte, hints, staged, again,
       mended, tried, state
FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
ORDER BY number;

-- import_progress --
-- How many chunks are still to come, and how many rows failed for good: those that are about to be
-- tried again do not count.
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
       count(*) FILTER (WHERE state = 'held') AS held,
       coalesce(sum(failed) FILTER (WHERE state IN ('done', 'void')), 0) AS failed
FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s;

-- any_chunk_waits --
-- Whether a worker could do something now: a row when a chunk waits that nobody holds, and whose
-- import may run.
SELECT 1 AS waits
FROM rowport.lanes(%(running_limit)s) AS l
CROSS JOIN LATERAL (
    SELECT k.number
    FROM rowport.chunks AS k
    WHERE k.organization_id = l.organization_id AND k.import_id = l.import_id
      AND k.state IN ('waiting', 'undoing')
      AND (k.run_after <= clock_timestamp()
           OR k.run_after > clock_timestamp() + interval '1 minute')
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) AS free
WHERE NOT l.is_barred
LIMIT 1;

-- publish_keys --
INSERT INTO rowport.chunk_keys (import_id, number, organization_id, digests)
VALUES (%(import_id)s, %(number)s, %(organization_id)s, %(digests)s)
ON CONFLICT (import_id, number) DO UPDATE SET digests = excluded.digests;

-- earlier_chunks --
-- Chunks before this one whose keys the destination cannot tell: those that are still to come, a
-- pause or not, and in a dry run, which writes nothing, all of them.
SELECT k.number, p.digests IS NOT NULL AS published
FROM rowport.chunks AS k
LEFT JOIN rowport.chunk_keys AS p ON p.import_id = k.import_id AND p.number = k.number
WHERE k.organization_id = %(organization_id)s AND k.import_id = %(import_id)s
  AND k.number < %(number)s AND (k.state IN ('waiting', 'held') OR %(dry_run)s)
ORDER BY k.number;

-- chunks_without_keys --
-- Earlier chunks that are done and whose keys are gone: chunk_keys does not outlive a crash.
SELECT k.number
FROM rowport.chunks AS k
LEFT JOIN rowport.chunk_keys AS p ON p.import_id = k.import_id AND p.number = k.number
WHERE k.organization_id = %(organization_id)s AND k.import_id = %(import_id)s
  AND k.number < %(number)s AND k.state = 'done' AND p.digests IS NULL
ORDER BY k.number;

-- chunks_with_met_records --
-- Chunks that met records and left them as they are, and so left no mark on them: the earlier ones,
-- and in a later round all, with when each was loaded last.
SELECT number, finished_at
FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
  AND (number < %(number)s AND state = 'done' OR %(any_number)s) AND unchanged + skipped > 0
ORDER BY number;

-- chunks_with_records --
-- Chunks in which rows made or met records, with when each was loaded last.
SELECT number, finished_at
FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
  AND created + updated + unchanged + skipped > 0
ORDER BY number;

-- outcomes_of_chunks --
SELECT number, outcomes
FROM rowport.chunk_results
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
  AND number = ANY (%(numbers)s)
ORDER BY number;

-- digests_of_chunks --
SELECT number, digests
FROM rowport.chunk_keys
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
  AND number = ANY (%(numbers)s)
ORDER BY number;

-- forget_keys --
DELETE FROM rowport.chunk_keys
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s;

-- failed_results --
-- Of each of several imports the chunks with failed rows; with a limit only the first ones, which
-- hold that many failed rows.
SELECT f.import_id, f.number, f.first_row, f.rows, f.first_line, r.outcomes, r.errors, r.raw,
       r.undone
FROM (
    SELECT k.organization_id, k.import_id, k.number, k.first_row, k.rows, k.first_line,
           sum(k.failed) OVER (PARTITION BY k.import_id ORDER BY k.number) - k.failed AS earlier
    FROM rowport.chunks AS k
    WHERE k.organization_id = %(organization_id)s AND k.import_id = ANY (%(import_ids)s::uuid[])
      AND k.failed > 0
) AS f
JOIN rowport.chunk_results AS r ON r.import_id = f.import_id AND r.number = f.number
WHERE f.organization_id = %(organization_id)s
  AND (%(limit)s::bigint IS NULL OR f.earlier < %(limit)s)
ORDER BY f.import_id, f.number;

-- chunk_results --
-- What was written of each chunk, with where it begins; a chunk without a result is pending.
SELECT k.number, k.first_row, k.rows, k.first_line, k.state, r.outcomes, r.errors, r.raw,
       r.undone
FROM rowport.chunks AS k
LEFT JOIN rowport.chunk_results AS r ON r.import_id = k.import_id AND r.number = k.number
WHERE k.organization_id = %(organization_id)s AND k.import_id = %(import_id)s
  AND (NOT %(failed_only)s OR k.failed > 0)
ORDER BY k.number;

-- page_results --
-- The chunks that hold a page of rows: those behind a row that have rows of the wanted outcome (all
-- rows without one), as many as the page needs.  The first may end with the row before, so that
-- it counts for nothing.
SELECT f.number, f.first_row, f.rows, f.first_line, r.outcomes, r.errors, r.raw,
       r.undone
FROM (
    SELECT c.organization_id, c.import_id, c.number, c.first_row, c.rows, c.first_line,
           sum(c.fitting) OVER chunks - c.fitting - first_value(c.fitting) OVER chunks AS passed
    FROM (
        SELECT k.organization_id, k.import_id, k.number, k.first_row, k.rows, k.first_line,
               CASE %(outcome)s
                   WHEN 'created' THEN k.created
                   WHEN 'updated' THEN k.updated
                   WHEN 'unchanged' THEN k.unchanged
                   WHEN 'skipped' THEN k.skipped
                   WHEN 'failed' THEN k.failed
                   WHEN 'pending'
                   THEN k.rows - k.created - k.updated - k.unchanged - k.skipped - k.failed
                   ELSE k.rows
               END AS fitting
        FROM rowport.chunks AS k
        WHERE k.organization_id = %(organization_id)s AND k.import_id = %(import_id)s
          AND k.first_row + k.rows > %(after)s + 1
    ) AS c
    WHERE c.fitting > 0
    WINDOW chunks AS (ORDER BY c.number)
) AS f
LEFT JOIN rowport.chunk_results AS r ON r.import_id = f.import_id AND r.number = f.number
WHERE f.organization_id = %(organization_id)s AND f.passed < %(limit)s
ORDER BY f.number;

-- chunk_errors --
-- The errors of each chunk that has any, in order.
SELECT r.errors
FROM rowport.chunks AS k
JOIN rowport.chunk_results AS r ON r.import_id = k.import_id AND r.number = k.number
WHERE k.organization_id = %(organization_id)s AND k.import_id = %(import_id)s
  AND k.failed > 0 AND r.errors IS NOT NULL
ORDER BY k.number;
