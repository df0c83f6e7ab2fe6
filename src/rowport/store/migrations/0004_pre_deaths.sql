-- What a worker's death says of its chunk.
SET LOCAL lock_timeout = '5s';

ALTER TABLE rowport.chunks
    ADD COLUMN deaths smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN rowport.chunks.attempts IS 'Tries that ended in a fault of the chunk''s own.';
COMMENT ON COLUMN rowport.chunks.deaths IS 'Tries whose end nobody told: their worker died. While there are any, the chunk is tried in a process of its own.';
