-- insert_upload --
INSERT INTO rowport.uploads
    (id, organization_id, size_bytes, metadata, name, media_type, expires_at)
VALUES
    (%(id)s, %(organization_id)s, %(size_bytes)s, %(metadata)s, %(name)s, %(media_type)s,
     clock_timestamp() + %(kept)s);

-- upload_by_id --
-- What has expired is not there any more, though nobody may have tidied up yet.
SELECT id, organization_id, size_bytes, received, metadata, name, media_type, sha256, created_at,
       expires_at
FROM rowport.uploads
WHERE organization_id = %(organization_id)s AND id = %(id)s AND expires_at > clock_timestamp();

-- advance_upload --
-- Only from where the caller found it: of two that write at once, one does not get on.
UPDATE rowport.uploads
SET received = %(received)s, expires_at = clock_timestamp() + %(kept)s
WHERE organization_id = %(organization_id)s AND id = %(id)s AND received = %(expected)s
  AND sha256 IS NULL
RETURNING id, organization_id, size_bytes, received, metadata, name, media_type, sha256,
          created_at, expires_at;

-- finish_upload --
UPDATE rowport.uploads
SET sha256 = %(sha256)s
WHERE organization_id = %(organization_id)s AND id = %(id)s AND received = size_bytes
RETURNING id, organization_id, size_bytes, received, metadata, name, media_type, sha256,
          created_at, expires_at;

-- delete_upload --
DELETE FROM rowport.uploads
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- expired_uploads --
-- Of all organizations, the oldest first.
SELECT id, organization_id, size_bytes, received, metadata, name, media_type, sha256, created_at,
       expires_at
FROM rowport.uploads
WHERE expires_at <= clock_timestamp()
ORDER BY expires_at, id
LIMIT %(limit)s;
