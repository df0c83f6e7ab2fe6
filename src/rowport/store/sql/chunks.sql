-- delete_chunks --
-- A plan that is made again replaces what an interrupted one left.
DELETE FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s;

-- copy_chunks --
COPY rowport.chunks (import_id, number, organization_id, file_id, first_row, rows, first_line,
                     begin_byte, end_byte, hints, staged, priority, turn, state)
FROM STDIN;

-- release_chunks --
UPDATE rowport.chunks
SET state = 'waiting'
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND state = 'held'
  AND (number = 1 OR NOT %(as_one)s);

-- claim_chunk --
-- The chunk whose turn it is; no row when none waits.  Committed before the work begins: as if its
-- worker had died already, until somebody tells how the try ended.  No hold is as long as a
-- minute: one that seems to be was made before the clock was set back, and counts for nothing.
UPDATE rowport.chunks AS k
SET deaths = k.deaths + 1, run_after = clock_timestamp() + interval '3 seconds'
FROM (
    SELECT import_id, number
    FROM rowport.chunks
    WHERE state = 'waiting'
      AND (run_after <= clock_timestamp() OR run_after > clock_timestamp() + interval '1 minute')
    ORDER BY priority DESC, turn, import_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) AS next
WHERE k.import_id = next.import_id AND k.number = next.number
RETURNING k.import_id, k.number, k.organization_id, k.file_id, k.first_row, k.rows, k.first_line,
          k.begin_byte, k.end_byte, k.hints, k.staged, k.attempts,
          k.deaths - 1 AS deaths;

-- lock_chunk --
-- The lease: held until the transaction ends.  No row when another worker has it or had it.
SELECT 1 AS locked
FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
  AND number = %(number)s AND state = 'waiting'
FOR UPDATE SKIP LOCKED;

-- finish_chunk --
UPDATE rowport.chunks
SET state = %(state)s, created = %(created)s, updated = %(updated)s, unchanged = %(unchanged)s,
    skipped = %(skipped)s, failed = %(failed)s, fault = NULL, finished_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND number = %(number)s;

-- insert_chunk_result --
INSERT INTO rowport.chunk_results
    (import_id, number, organization_id, outcomes, errors, raw, before)
VALUES
    (%(import_id)s, %(number)s, %(organization_id)s, %(outcomes)s, %(errors)s, %(raw)s,
     %(before)s);

-- put_back_chunk --
-- The try does not count: nothing was wrong with the chunk.
UPDATE rowport.chunks
SET deaths = greatest(deaths - 1, 0), run_after = clock_timestamp() + %(delay)s,
    fault = coalesce(%(fault)s, fault)
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND number = %(number)s
  AND state = 'waiting';

-- delay_chunk --
-- The try counts; the chunk is tried again later.
UPDATE rowport.chunks
SET attempts = attempts + 1, deaths = greatest(deaths - 1, 0), run_after = clock_timestamp() + %(delay)s, fault = %(fault)s
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND number = %(number)s
  AND state = 'waiting';

-- hold_chunk --
-- While its process is being started nobody else shall claim it; nothing to do once it is locked.
UPDATE rowport.chunks AS k
SET run_after = clock_timestamp() + interval '3 seconds'
FROM (
    SELECT import_id, number
    FROM rowport.chunks
    WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
      AND number = %(number)s AND state = 'waiting'
    FOR UPDATE SKIP LOCKED
) AS free
WHERE k.import_id = free.import_id AND k.number = free.number;

-- void_waiting_chunks --
-- Those that no worker holds; what is in flight ends by itself.
UPDATE rowport.chunks AS k
SET state = 'void'
FROM (
    SELECT number
    FROM rowport.chunks
    WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
      AND state IN ('waiting', 'held')
    FOR UPDATE SKIP LOCKED
) AS free
WHERE k.import_id = %(import_id)s AND k.number = free.number;

-- chunks_of_import --
SELECT number, file_id, first_row, rows, first_line, begin_byte, end_byte, hints, staged
FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
ORDER BY number;

-- import_progress --
-- How many chunks are still to come, and how many rows failed.
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
       count(*) FILTER (WHERE state = 'held') AS held,
       coalesce(sum(failed), 0) AS failed
FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s;

-- any_chunk_waits --
-- Whether a worker could do something now: a row when a chunk waits that nobody holds.
SELECT 1 AS waits
FROM rowport.chunks
WHERE state = 'waiting'
  AND (run_after <= clock_timestamp() OR run_after > clock_timestamp() + interval '1 minute')
ORDER BY priority DESC, turn, import_id
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- publish_keys --
INSERT INTO rowport.chunk_keys (import_id, number, organization_id, digests)
VALUES (%(import_id)s, %(number)s, %(organization_id)s, %(digests)s)
ON CONFLICT (import_id, number) DO UPDATE SET digests = excluded.digests;

-- earlier_chunks --
-- Chunks before this one whose keys the destination cannot tell: those that are not done, and in a
-- dry run, which writes nothing, all of them.
SELECT k.number, p.digests IS NOT NULL AS published
FROM rowport.chunks AS k
LEFT JOIN rowport.chunk_keys AS p ON p.import_id = k.import_id AND p.number = k.number
WHERE k.organization_id = %(organization_id)s AND k.import_id = %(import_id)s
  AND k.number < %(number)s AND (k.state = 'waiting' OR %(dry_run)s)
ORDER BY k.number;

-- chunks_with_met_records --
-- Earlier chunks that met records and left them as they are, and so left no mark on them.
SELECT number
FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
  AND number < %(number)s AND state = 'done' AND unchanged + skipped > 0
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
SELECT f.import_id, f.number, f.first_row, f.rows, f.first_line, r.outcomes, r.errors, r.raw
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
SELECT k.number, k.first_row, k.rows, k.first_line, k.state, r.outcomes, r.errors, r.raw
FROM rowport.chunks AS k
LEFT JOIN rowport.chunk_results AS r ON r.import_id = k.import_id AND r.number = k.number
WHERE k.organization_id = %(organization_id)s AND k.import_id = %(import_id)s
  AND (NOT %(failed_only)s OR k.failed > 0)
ORDER BY k.number;
