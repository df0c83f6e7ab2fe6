-- insert_user --
-- Nothing happens when the organization has this address.
INSERT INTO rowport.users (id, oid, organization_id, email, first_name, last_name, role, attributes)
VALUES (%(id)s, %(oid)s, %(organization_id)s, %(email)s, %(first_name)s, %(last_name)s, %(role)s,
        %(attributes)s)
ON CONFLICT (organization_id, email) DO NOTHING;

-- user_by_email --
SELECT id, oid, organization_id, email, first_name, last_name, role, attributes, created_at,
       updated_at
FROM rowport.users
WHERE organization_id = %(organization_id)s AND email = %(email)s;

-- user_by_id --
SELECT id, oid, organization_id, email, first_name, last_name, role, attributes, created_at,
       updated_at
FROM rowport.users
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- users_by_ids --
SELECT id, oid, organization_id, email, first_name, last_name, role, attributes, created_at,
       updated_at
FROM rowport.users
WHERE organization_id = %(organization_id)s AND id = ANY (%(ids)s::uuid[])
ORDER BY id;

-- insert_token --
INSERT INTO rowport.tokens (id, organization_id, user_id, name, secret_sha256, scopes, expires_at)
VALUES (%(id)s, %(organization_id)s, %(user_id)s, %(name)s, %(secret_sha256)s, %(scopes)s,
        %(expires_at)s);

-- principal_by_secret --
-- Asked before any organization is known: the hash is the proof.  No row: unknown, expired, revoked.
SELECT k.id AS token_id, k.name AS token_name, k.scopes, u.id, u.oid, u.organization_id, u.email,
       u.first_name, u.last_name, u.role, u.attributes, u.created_at, u.updated_at,
       o.oid AS organization_oid, o.slug, o.name AS organization_name, o.time_zone,
       o.attributes AS organization_attributes,
       coalesce(k.last_used_at < clock_timestamp() - interval '1 minute', true) AS is_stale
FROM rowport.tokens AS k
JOIN rowport.users AS u ON u.id = k.user_id
JOIN rowport.organizations AS o ON o.id = k.organization_id
WHERE k.secret_sha256 = %(secret_sha256)s
  AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp());

-- touch_token --
-- Once a minute is enough: it tells people when a token was last used, nothing depends on it.
UPDATE rowport.tokens
SET last_used_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- lock_first_token --
-- Two servers may start at once; one of them makes the first token.
SELECT pg_advisory_xact_lock(hashtextextended('rowport.first_token', 0));

-- has_admin_token --
-- Whether there ever was one, in any organization.
SELECT EXISTS (SELECT 1 FROM rowport.tokens AS k WHERE 'admin' = ANY (k.scopes)) AS has;

-- has_secret --
-- Also of a token that was revoked: it does not come back.
SELECT EXISTS (SELECT 1 FROM rowport.tokens AS k WHERE k.secret_sha256 = %(secret_sha256)s) AS has;

-- revoke_token --
UPDATE rowport.tokens
SET revoked_at = coalesce(revoked_at, clock_timestamp())
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- list_tokens --
SELECT id, organization_id, user_id, name, scopes, created_at, expires_at, revoked_at, last_used_at
FROM rowport.tokens
WHERE organization_id = %(organization_id)s
ORDER BY created_at DESC, id DESC;

-- set_organization --
UPDATE rowport.organizations
SET name = %(name)s, time_zone = %(time_zone)s, attributes = %(attributes)s
WHERE id = %(organization_id)s;

-- secret_by_name --
SELECT value
FROM rowport.secrets
WHERE name = %(name)s;

-- insert_secret --
-- Whoever comes second takes the first one's.
INSERT INTO rowport.secrets (name, value)
VALUES (%(name)s, %(value)s)
ON CONFLICT (name) DO NOTHING;

-- be_the_application --
-- The rest of the transaction sees one organization only.
SELECT set_config('role', 'rowport_app', true),
       set_config('rowport.organization', %(organization_id)s::text, true);
