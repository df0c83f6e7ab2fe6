-- record_type_by_name --
-- The newest version, archived or not; no row when the organization has no such type.
SELECT t.id, t.oid, t.organization_id, t.name, v.version, v.schema_document, v.key,
       t.table_schema, t.table_name, t.attributes, t.archived_at, t.created_at, t.updated_at
FROM rowport.record_types AS t
JOIN rowport.record_type_versions AS v ON v.record_type_id = t.id AND v.version = t.version
WHERE t.organization_id = %(organization_id)s AND t.name = %(name)s;

-- record_type_of_import --
-- The version that the import began with.
SELECT t.id, t.oid, t.organization_id, t.name, v.version, v.schema_document, v.key,
       t.table_schema, t.table_name, t.attributes, t.archived_at, t.created_at, t.updated_at
FROM rowport.imports AS i
JOIN rowport.record_types AS t ON t.id = i.record_type_id
JOIN rowport.record_type_versions AS v ON v.record_type_id = t.id AND v.version = i.type_version
WHERE i.organization_id = %(organization_id)s AND i.id = %(import_id)s;

-- list_record_types --
-- Archived ones too: their records are still there, and refer to others.
SELECT t.id, t.oid, t.organization_id, t.name, v.version, v.schema_document, v.key,
       t.table_schema, t.table_name, t.attributes, t.archived_at, t.created_at, t.updated_at
FROM rowport.record_types AS t
JOIN rowport.record_type_versions AS v ON v.record_type_id = t.id AND v.version = t.version
WHERE t.organization_id = %(organization_id)s
ORDER BY t.name, t.id;

-- lock_record_type_name --
-- Serialises writers of one name, also of one that does not exist yet.
SELECT pg_advisory_xact_lock(hashtextextended(%(organization_id)s::text || '/' || %(name)s, 1));

-- insert_record_type --
INSERT INTO rowport.record_types
    (id, oid, organization_id, name, version, table_schema, table_name, attributes)
VALUES
    (%(id)s, %(oid)s, %(organization_id)s, %(name)s, 1, %(table_schema)s, %(table_name)s,
     %(attributes)s);

-- insert_record_type_version --
INSERT INTO rowport.record_type_versions
    (record_type_id, version, organization_id, schema_document, key)
VALUES
    (%(id)s, %(version)s, %(organization_id)s, %(schema_document)s, %(key)s);

-- set_record_type_attributes --
-- Keys given here replace those of the same name; others stay.
UPDATE rowport.record_types
SET attributes = attributes || %(attributes)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- archive_record_type --
UPDATE rowport.record_types
SET archived_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- revive_record_type --
UPDATE rowport.record_types
SET archived_at = NULL, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- feed_of_record_type --
-- One of the feeds that import it.
SELECT name
FROM rowport.feeds
WHERE organization_id = %(organization_id)s AND record_type_id = %(id)s AND archived_at IS NULL
ORDER BY name
LIMIT 1;

-- advance_record_type --
UPDATE rowport.record_types
SET version = %(version)s, attributes = %(attributes)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;
