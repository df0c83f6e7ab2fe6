-- usage --
-- What imports of the newest months come to; null: of all organizations.
WITH wanted AS (
    SELECT i.id, i.organization_id, o.slug, i.expired ? 'upload' AS is_upload_gone,
           to_char(i.created_at AT TIME ZONE o.time_zone, 'YYYY-MM') AS month
    FROM rowport.imports AS i
    JOIN rowport.organizations AS o ON o.id = i.organization_id
    WHERE (%(organization_id)s::uuid IS NULL OR i.organization_id = %(organization_id)s)
      AND i.created_at >= (date_trunc('month', clock_timestamp() AT TIME ZONE o.time_zone)
                           - make_interval(months => %(months)s - 1)) AT TIME ZONE o.time_zone
), imports AS (
    SELECT organization_id, slug, month, count(*) AS number
    FROM wanted
    GROUP BY organization_id, slug, month
), chunks AS (
    SELECT w.organization_id, w.month, sum(k.rows) AS rows, sum(k.created) AS created,
           sum(k.updated) AS updated, sum(k.unchanged) AS unchanged, sum(k.skipped) AS skipped,
           sum(k.failed) AS failed
    FROM wanted AS w
    JOIN rowport.chunks AS k ON k.organization_id = w.organization_id AND k.import_id = w.id
    GROUP BY w.organization_id, w.month
), files AS (
    SELECT w.organization_id, w.month, sum(a.size_bytes) AS received,
           sum(a.size_bytes) FILTER (WHERE NOT w.is_upload_gone) AS kept
    FROM wanted AS w
    JOIN rowport.import_files AS a ON a.organization_id = w.organization_id AND a.import_id = w.id
    GROUP BY w.organization_id, w.month
), results AS (
    -- Lengths of what lies outside of the row are known without reading it.
    SELECT w.organization_id, w.month,
           sum(octet_length(e.outcomes) + coalesce(octet_length(e.errors), 0)
               + coalesce(octet_length(e.raw), 0) + coalesce(octet_length(e.before), 0)
               + coalesce(octet_length(e.undone), 0)) AS kept
    FROM wanted AS w
    JOIN rowport.chunk_results AS e
        ON e.organization_id = w.organization_id AND e.import_id = w.id
    GROUP BY w.organization_id, w.month
)
SELECT i.organization_id, i.slug, i.month, i.number AS imports, coalesce(c.rows, 0) AS rows,
       coalesce(c.created, 0) AS created, coalesce(c.updated, 0) AS updated,
       coalesce(c.unchanged, 0) AS unchanged, coalesce(c.skipped, 0) AS skipped,
       coalesce(c.failed, 0) AS failed, coalesce(f.received, 0)::bigint AS received_bytes,
       coalesce(f.kept, 0)::bigint AS kept_upload_bytes,
       coalesce(r.kept, 0)::bigint AS kept_result_bytes
FROM imports AS i
LEFT JOIN chunks AS c USING (organization_id, month)
LEFT JOIN files AS f USING (organization_id, month)
LEFT JOIN results AS r USING (organization_id, month)
ORDER BY i.month DESC, i.slug;

-- files_in_counts --
-- The files of an import with the sums of their own chunks.
SELECT a.id, a.oid, a.name, a.size_bytes, a.sha256, a.blob, a.media_type, a.rows AS inline_rows,
       a.layout, c.rows, c.created, c.updated, c.unchanged, c.skipped, c.failed, c.chunks, c.done
FROM rowport.import_files AS a
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.rows), 0) AS rows, coalesce(sum(k.created), 0) AS created,
           coalesce(sum(k.updated), 0) AS updated, coalesce(sum(k.unchanged), 0) AS unchanged,
           coalesce(sum(k.skipped), 0) AS skipped, coalesce(sum(k.failed), 0) AS failed,
           count(*) AS chunks,
           count(*) FILTER (
               WHERE k.created + k.updated + k.unchanged + k.skipped + k.failed = k.rows) AS done
    FROM rowport.chunks AS k
    WHERE k.organization_id = a.organization_id AND k.import_id = a.import_id AND k.file_id = a.id
) AS c
WHERE a.organization_id = %(organization_id)s AND a.import_id = %(import_id)s
ORDER BY a.position, a.id;
