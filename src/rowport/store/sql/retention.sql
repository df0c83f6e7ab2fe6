-- set_retention --
INSERT INTO rowport.retention_rules (organization_id, kind, days)
VALUES (%(organization_id)s, %(kind)s, %(days)s)
ON CONFLICT (organization_id, kind) DO UPDATE
SET days = excluded.days, updated_at = clock_timestamp();

-- drop_retention --
DELETE FROM rowport.retention_rules
WHERE organization_id = %(organization_id)s AND kind = %(kind)s;

-- list_retention --
SELECT kind, days
FROM rowport.retention_rules
WHERE organization_id = %(organization_id)s
ORDER BY kind;

-- due_to_expire --
-- Of ended imports what a rule lets go, and what was let go and not deleted to its end.  An undo needs
-- it all until it has ended.
SELECT d.organization_id, d.import_id, d.kind, d.days
FROM (
    SELECT i.organization_id, i.id AS import_id, r.kind, r.days, i.finished_at
    FROM rowport.retention_rules AS r
    JOIN rowport.imports AS i ON i.organization_id = r.organization_id
    WHERE i.finished_at <= clock_timestamp() - make_interval(days => r.days)
      AND NOT i.expired ? r.kind
      AND NOT EXISTS (SELECT 1 FROM rowport.undos AS u WHERE u.import_id = i.id AND u.finished_at IS NULL)
    UNION ALL
    SELECT i.organization_id, i.id, k.key, (k.value ->> 'days')::integer, i.finished_at
    FROM rowport.imports AS i
    CROSS JOIN LATERAL jsonb_each(i.expired) AS k
    WHERE i.expired @? '$.* ? (@.gone == false)' AND k.value -> 'gone' = 'false'
      AND i.finished_at IS NOT NULL
) AS d
WHERE %(organization_id)s::uuid IS NULL OR d.organization_id = %(organization_id)s
ORDER BY d.finished_at, d.import_id, d.kind
LIMIT %(limit)s;

-- mark_expired --
-- Only of an import that has ended, and for long enough; no row when it was opened again meanwhile.
-- What was marked before keeps its time.
UPDATE rowport.imports
SET expired = jsonb_build_object(%(kind)s::text, jsonb_build_object(
        'at', clock_timestamp(), 'days', %(days)s::integer, 'gone', false)) || expired
WHERE organization_id = %(organization_id)s AND id = %(import_id)s
  AND (expired ? %(kind)s
       OR finished_at <= clock_timestamp() - make_interval(days => %(days)s::integer)
          AND NOT EXISTS (SELECT 1 FROM rowport.undos AS u WHERE u.import_id = imports.id AND u.finished_at IS NULL));

-- note_gone --
UPDATE rowport.imports
SET expired = jsonb_set(expired, ARRAY[%(kind)s::text, 'gone'], 'true')
WHERE organization_id = %(organization_id)s AND id = %(import_id)s;

-- drop_results --
DELETE FROM rowport.chunk_results
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s;
