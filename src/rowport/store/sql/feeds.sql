-- insert_feed --
INSERT INTO rowport.feeds
    (id, oid, organization_id, name, record_type_id, source_kind, source, schedule_kind, schedule,
     mapping, options, next_run_at, ends_at, created_by, attributes)
VALUES
    (%(id)s, %(oid)s, %(organization_id)s, %(name)s, %(record_type_id)s, %(source_kind)s,
     %(source)s, %(schedule_kind)s, %(schedule)s, %(mapping)s, %(options)s, %(next_run_at)s,
     %(ends_at)s, %(created_by)s, %(attributes)s);

-- feed_by_oid --
-- include feed_columns --
WHERE f.organization_id = %(organization_id)s AND f.oid = %(oid)s;

-- list_feeds --
-- include feed_columns --
WHERE f.organization_id = %(organization_id)s
ORDER BY f.created_at DESC, f.id DESC;

-- archive_feed --
UPDATE rowport.feeds
SET archived_at = coalesce(archived_at, clock_timestamp()), updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;
