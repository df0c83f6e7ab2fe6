-- claim_replay --
-- Takes the key, also when its answer has expired; no row when a living one holds it.
INSERT INTO rowport.replays (organization_id, face, key, request_sha256, expires_at)
VALUES (%(organization_id)s, %(face)s, %(key)s, %(request_sha256)s,
        clock_timestamp() + %(lifetime)s)
ON CONFLICT (organization_id, face, key) DO UPDATE
SET request_sha256 = excluded.request_sha256, expires_at = excluded.expires_at,
    created_at = clock_timestamp(), status = NULL, headers = NULL, body = NULL
WHERE rowport.replays.expires_at <= clock_timestamp()
   OR (rowport.replays.status IS NULL
       AND rowport.replays.created_at < clock_timestamp() - interval '5 minutes')
RETURNING key;

-- replay_by_key --
SELECT request_sha256, status, headers, body
FROM rowport.replays
WHERE organization_id = %(organization_id)s AND face = %(face)s AND key = %(key)s;

-- keep_replay --
UPDATE rowport.replays
SET status = %(status)s, headers = %(headers)s, body = %(body)s
WHERE organization_id = %(organization_id)s AND face = %(face)s AND key = %(key)s;

-- drop_replay --
-- The request failed before it did anything: it may be sent again.
DELETE FROM rowport.replays
WHERE organization_id = %(organization_id)s AND face = %(face)s AND key = %(key)s
  AND status IS NULL;
