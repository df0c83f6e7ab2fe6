-- insert_feed --
INSERT INTO rowport.feeds
    (id, oid, organization_id, name, record_type_id, source_kind, source, schedule_kind, schedule,
     mapping, options, next_run_at, ends_at, created_by, attributes)
VALUES
    (%(id)s, %(oid)s, %(organization_id)s, %(name)s, %(record_type_id)s, %(source_kind)s,
     %(source)s, %(schedule_kind)s, %(schedule)s, %(mapping)s, %(options)s, %(next_run_at)s,
     %(ends_at)s, %(created_by)s, %(attributes)s);

-- feed_by_oid --
SELECT f.id, f.oid, f.organization_id, f.name, f.record_type_id, t.name AS type_name,
       t.attributes AS type_attributes, f.source_kind, f.source, f.schedule_kind, f.schedule,
       f.mapping, f.options, f.next_run_at, f.ends_at, f.archived_at, u.email AS created_by_email,
       f.attributes, f.created_at, f.updated_at
FROM rowport.feeds AS f
JOIN rowport.record_types AS t ON t.id = f.record_type_id
LEFT JOIN rowport.users AS u ON u.id = f.created_by
WHERE f.organization_id = %(organization_id)s AND f.oid = %(oid)s;

-- list_feeds --
SELECT f.id, f.oid, f.organization_id, f.name, f.record_type_id, t.name AS type_name,
       t.attributes AS type_attributes, f.source_kind, f.source, f.schedule_kind, f.schedule,
       f.mapping, f.options, f.next_run_at, f.ends_at, f.archived_at, u.email AS created_by_email,
       f.attributes, f.created_at, f.updated_at
FROM rowport.feeds AS f
JOIN rowport.record_types AS t ON t.id = f.record_type_id
LEFT JOIN rowport.users AS u ON u.id = f.created_by
WHERE f.organization_id = %(organization_id)s
ORDER BY f.created_at DESC, f.id DESC;

-- archive_feed --
UPDATE rowport.feeds
SET archived_at = coalesce(archived_at, clock_timestamp()), updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;
