-- Record types can be put away: nothing new is imported into them, and what was is kept.
SET LOCAL lock_timeout = '5s';

ALTER TABLE rowport.record_types ADD COLUMN archived_at timestamptz;
COMMENT ON COLUMN rowport.record_types.archived_at IS
    'Since when nothing new is imported into it; its records and imports stay.';
