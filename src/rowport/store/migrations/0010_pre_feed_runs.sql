-- Runs of feeds: what was due when, which files were found, and what was decided of each.
SET LOCAL lock_timeout = '5s';

ALTER TABLE rowport.feeds
    ADD COLUMN secrets bytea,
    ADD COLUMN paused_at timestamptz,
    ADD COLUMN paused_by text;
COMMENT ON COLUMN rowport.feeds.secrets IS
    'The secret settings of its source, encrypted with a key that is not in this database.';
CREATE INDEX feeds_due ON rowport.feeds (next_run_at)
    WHERE next_run_at IS NOT NULL AND archived_at IS NULL AND paused_at IS NULL;

CREATE TABLE rowport.feed_runs (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    feed_id uuid NOT NULL REFERENCES rowport.feeds (id) ON DELETE CASCADE,
    slot timestamptz NOT NULL,
    asked_by text,
    state text NOT NULL DEFAULT 'open',
    looks integer NOT NULL DEFAULT 0,
    files jsonb NOT NULL DEFAULT '[]',
    reason text,
    attempt integer NOT NULL DEFAULT 0,
    busy_until timestamptz,
    run_after timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    CONSTRAINT feed_runs_slot_once UNIQUE (feed_id, slot),
    CONSTRAINT feed_runs_state_is_known CHECK (state IN ('open', 'done', 'nothing', 'skipped', 'failed')),
    CONSTRAINT feed_runs_final_is_finished CHECK ((state = 'open') = (finished_at IS NULL))
);
COMMENT ON TABLE rowport.feed_runs IS 'A feed that was due, or asked to run: one for each moment, however many workers there are.';
COMMENT ON COLUMN rowport.feed_runs.files IS 'What was found, with the decision on each file and its reason.';
COMMENT ON COLUMN rowport.feed_runs.attempt IS 'The fence: what an earlier attempt still does is refused.';
CREATE UNIQUE INDEX feed_runs_one_open ON rowport.feed_runs (feed_id) WHERE state = 'open';
CREATE INDEX feed_runs_next ON rowport.feed_runs (run_after) WHERE state = 'open';

CREATE TABLE rowport.feed_files (
    feed_id uuid NOT NULL REFERENCES rowport.feeds (id) ON DELETE CASCADE,
    name text NOT NULL,
    version text NOT NULL,
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    import_id uuid NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (feed_id, name, version)
);
COMMENT ON TABLE rowport.feed_files IS 'Files that a feed has imported, so that each is imported once.';
CREATE INDEX feed_files_by_content ON rowport.feed_files (feed_id, sha256);

GRANT SELECT, INSERT, UPDATE, DELETE ON rowport.feed_runs, rowport.feed_files TO rowport_app;
ALTER TABLE rowport.feed_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON rowport.feed_runs TO rowport_app
    USING (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid);
ALTER TABLE rowport.feed_files ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON rowport.feed_files TO rowport_app
    USING (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid);
