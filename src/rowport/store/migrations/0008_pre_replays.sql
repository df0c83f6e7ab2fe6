-- What a request under an idempotency key makes is made once, also when the request was cut off:
-- its id is chosen when the key is first seen.
SET LOCAL lock_timeout = '5s';

ALTER TABLE rowport.replays ADD COLUMN subject uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE rowport.replays ALTER COLUMN subject DROP DEFAULT;
COMMENT ON COLUMN rowport.replays.subject IS
    'The id of what the request makes; the same again when a request that was cut off is repeated.';
CREATE INDEX replays_by_expiry ON rowport.replays (expires_at);
