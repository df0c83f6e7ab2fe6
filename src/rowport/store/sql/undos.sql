-- begin_undo --
-- Once for each import; one that failed goes on.  The caller holds the import.
INSERT INTO rowport.undos (import_id, organization_id, asked_by)
VALUES (%(import_id)s, %(organization_id)s, %(asked_by)s)
ON CONFLICT (import_id) DO UPDATE
SET finished_at = NULL, error_code = NULL, error_message = NULL,
    asked_by = coalesce(excluded.asked_by, undos.asked_by);

-- plan_undo --
-- Every chunk whose rows wrote records and that is not undone yet, the last one first: what a row
-- relied on was made by rows before it.
UPDATE rowport.chunks AS k
SET state = 'undoing', turn = o.turn, attempts = 0, deaths = 0, run_after = '-infinity',
    fault = NULL
FROM (
    SELECT number, row_number() OVER (ORDER BY number DESC) AS turn
    FROM rowport.chunks
    WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
      AND created + updated > 0 AND reversed + kept + errored = 0
) AS o
WHERE k.organization_id = %(organization_id)s AND k.import_id = %(import_id)s
  AND k.number = o.number;

-- undo_is_open --
-- Whether the import is being undone; nobody can end that until the transaction ends.
SELECT import_id
FROM rowport.undos
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND finished_at IS NULL
FOR SHARE;

-- chunk_journal --
-- What the rows of a chunk wrote, and under which transactions.
SELECT r.outcomes, r.before,
       ARRAY(SELECT ARRAY[lower(m.span), upper(m.span)] FROM unnest(r.written_by) AS m (span))
           AS written_by
FROM rowport.chunk_results AS r
WHERE r.organization_id = %(organization_id)s AND r.import_id = %(import_id)s
  AND r.number = %(number)s;

-- finish_undo_of_chunk --
UPDATE rowport.chunks
SET state = CASE WHEN created + updated + unchanged + skipped + failed = rows
                 THEN 'done' ELSE 'void' END,
    reversed = %(reversed)s, kept = %(kept)s, errored = %(errored)s, fault = NULL,
    deaths = 0
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND number = %(number)s;

-- keep_undone --
UPDATE rowport.chunk_results
SET undone = %(undone)s
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND number = %(number)s;

-- later_undoing --
-- A row when a chunk behind this one is not undone yet.
SELECT number
FROM rowport.chunks
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s
  AND number > %(number)s AND state = 'undoing'
LIMIT 1;

-- end_undo --
-- When no chunk is left to be undone.
UPDATE rowport.undos AS u
SET finished_at = clock_timestamp()
WHERE u.organization_id = %(organization_id)s AND u.import_id = %(import_id)s
  AND u.finished_at IS NULL
  AND NOT EXISTS (
      SELECT FROM rowport.chunks AS k WHERE k.import_id = u.import_id AND k.state = 'undoing');

-- fail_undo --
UPDATE rowport.undos
SET finished_at = clock_timestamp(), error_code = %(code)s, error_message = %(message)s
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND finished_at IS NULL;

-- as_left --
-- Of what records were before an import changed them: which were as the import that is named as
-- their author had left them, and the chunk of that import.
SELECT a.place, k.import_id, k.number
FROM unnest(%(author)s::uuid[], %(row)s::bigint[], %(mark)s::bigint[])
     WITH ORDINALITY AS a (author, row, mark, place)
JOIN rowport.chunks AS k
  ON k.organization_id = %(organization_id)s AND k.import_id = a.author
 AND a.row >= k.first_row AND a.row < k.first_row + k.rows
JOIN rowport.chunk_results AS r ON r.import_id = k.import_id AND r.number = k.number
WHERE a.mark <@ r.written_by
ORDER BY a.place;

-- hand_over --
-- These chunks' records are again as they had left them, though another transaction wrote them.
UPDATE rowport.chunk_results AS r
SET written_by = r.written_by + %(written_by)s::int8multirange
FROM (
    SELECT c.import_id, c.number
    FROM rowport.chunk_results AS c
    JOIN unnest(%(import_ids)s::uuid[], %(numbers)s::integer[]) AS n (import_id, number)
      ON c.import_id = n.import_id AND c.number = n.number
    WHERE c.organization_id = %(organization_id)s
    ORDER BY c.import_id, c.number
    FOR UPDATE OF c
) AS theirs
WHERE r.import_id = theirs.import_id AND r.number = theirs.number;
