-- claim_replay --
-- Takes the key, also when its answer has expired or its request was cut off, which then goes on
-- making the same thing; no row when a living one holds it.  One that was begun in the future was
-- begun before the clock was set back.
INSERT INTO rowport.replays AS r (organization_id, face, key, request_sha256, subject, expires_at)
VALUES (%(organization_id)s, %(face)s, %(key)s, %(request_sha256)s, %(subject)s,
        clock_timestamp() + %(lifetime)s)
ON CONFLICT (organization_id, face, key) DO UPDATE
SET subject = CASE
        WHEN r.expires_at > clock_timestamp() AND r.request_sha256 = excluded.request_sha256
        THEN r.subject ELSE excluded.subject END,
    request_sha256 = excluded.request_sha256, expires_at = excluded.expires_at,
    created_at = clock_timestamp(), status = NULL, headers = NULL, body = NULL
WHERE r.expires_at <= clock_timestamp()
   OR (r.status IS NULL
       AND r.created_at NOT BETWEEN clock_timestamp() - interval '5 minutes'
                                AND clock_timestamp() + interval '1 minute'
       AND r.request_sha256 = excluded.request_sha256)
RETURNING r.subject;

-- replay_by_key --
SELECT request_sha256, subject, status, headers, body
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

-- release_replay --
-- The request was cut off, and nobody knows what it did: whoever repeats it goes on at once.
UPDATE rowport.replays
SET created_at = '-infinity'
WHERE organization_id = %(organization_id)s AND face = %(face)s AND key = %(key)s
  AND status IS NULL;

-- drop_old_replays --
DELETE FROM rowport.replays
WHERE ctid IN (
    SELECT o.ctid
    FROM rowport.replays AS o
    WHERE o.expires_at < clock_timestamp() - interval '1 hour'
    LIMIT %(limit)s
);
