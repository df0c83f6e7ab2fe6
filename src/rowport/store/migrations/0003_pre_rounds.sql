-- The life of an import after its start: pauses, rounds, and who holds a chunk.
SET LOCAL lock_timeout = '5s';

ALTER TABLE rowport.imports
    ADD COLUMN starts integer NOT NULL DEFAULT 0 CHECK (starts >= 0),
    ADD COLUMN state_since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN stopped_by text;
ALTER TABLE rowport.imports ALTER COLUMN state_since SET DEFAULT clock_timestamp();
UPDATE rowport.imports SET state_since = coalesce(finished_at, updated_at);
COMMENT ON COLUMN rowport.imports.starts IS
    'How often it was queued: at first, resumed, and for each round. What was begun before the last start cannot commit.';
COMMENT ON COLUMN rowport.imports.stopped_by IS 'Who asked for the pause or the cancel that it is in.';

ALTER TABLE rowport.chunks
    ADD COLUMN again text CHECK (again IN ('all', 'mended')),
    ADD COLUMN mended text[] NOT NULL DEFAULT '{}',
    ADD COLUMN tried text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN rowport.chunks.again IS
    'In a later round: which of its rows are tried again, besides those that were never processed. Null in the first.';
COMMENT ON COLUMN rowport.chunks.mended IS
    'Blobs with mended rows that were not loaded yet; of a row that stands in several the last one counts.';
COMMENT ON COLUMN rowport.chunks.tried IS
    'Blobs with mended rows that were tried: what these rows say since.';

CREATE TABLE rowport.rounds (
    import_id uuid NOT NULL REFERENCES rowport.imports (id) ON DELETE CASCADE,
    number integer NOT NULL CHECK (number >= 2),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    kind text NOT NULL CHECK (kind IN ('retry', 'fix')),
    asked_by text,
    file_name text,
    size_bytes bigint,
    sha256 text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (import_id, number),
    CONSTRAINT rounds_fix_has_a_file CHECK (
        (kind = 'fix') = (sha256 IS NOT NULL)
        AND (sha256 IS NULL) = (file_name IS NULL) AND (sha256 IS NULL) = (size_bytes IS NULL))
);
COMMENT ON TABLE rowport.rounds IS 'Each time that rows of an import were tried again; the first round is the import itself.';
CREATE UNIQUE INDEX rounds_take_a_file_once ON rowport.rounds (import_id, sha256) WHERE sha256 IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON rowport.rounds TO rowport_app;
ALTER TABLE rowport.rounds ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON rowport.rounds TO rowport_app
    USING (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid);

-- Under this number the session that holds a chunk can be seen in pg_locks.
CREATE FUNCTION rowport.lease(import_id uuid, number integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended(import_id::text || '/' || number::text, 0);
