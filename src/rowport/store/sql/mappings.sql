-- insert_mapping --
INSERT INTO rowport.mappings (id, oid, organization_id, name, record_type_id, columns, attributes)
VALUES (%(id)s, %(oid)s, %(organization_id)s, %(name)s, %(record_type_id)s, %(columns)s,
        %(attributes)s);

-- update_mapping --
UPDATE rowport.mappings
SET name = %(name)s, record_type_id = %(record_type_id)s, columns = %(columns)s,
    attributes = %(attributes)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- delete_mapping --
DELETE FROM rowport.mappings
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- mapping_by_id --
SELECT id, oid, organization_id, name, record_type_id, columns, attributes, created_at, updated_at
FROM rowport.mappings
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- mapping_by_oid --
SELECT id, oid, organization_id, name, record_type_id, columns, attributes, created_at, updated_at
FROM rowport.mappings
WHERE organization_id = %(organization_id)s AND oid = %(oid)s;

-- list_mappings --
SELECT id, oid, organization_id, name, record_type_id, columns, attributes, created_at, updated_at
FROM rowport.mappings
WHERE organization_id = %(organization_id)s
ORDER BY created_at DESC, id DESC;
