-- organization_by_slug --
-- No row when there is none.
SELECT id, oid, slug, name, time_zone, running_limit, weight, attributes, created_at
FROM rowport.organizations
WHERE slug = %(slug)s;

-- organization_by_id --
-- No row when there is none.
SELECT id, oid, slug, name, time_zone, running_limit, weight, attributes, created_at
FROM rowport.organizations
WHERE id = %(id)s;

-- list_organizations --
SELECT id, oid, slug, name, time_zone, running_limit, weight, attributes, created_at
FROM rowport.organizations
ORDER BY slug;

-- insert_organization --
-- Nothing happens when the slug exists: two processes may start at once.
INSERT INTO rowport.organizations (id, oid, slug, name)
VALUES (%(id)s, %(oid)s, %(slug)s, %(name)s)
ON CONFLICT (slug) DO NOTHING;

-- set_shares --
UPDATE rowport.organizations
SET running_limit = %(running_limit)s, weight = %(weight)s
WHERE id = %(id)s;
