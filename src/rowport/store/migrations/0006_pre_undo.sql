-- Undo: which transactions wrote the records of a chunk, and what was given back.
SET LOCAL lock_timeout = '5s';

ALTER TABLE rowport.chunk_results
    ADD COLUMN written_by int8multirange NOT NULL DEFAULT '{}',
    ADD COLUMN undone bytea;
ALTER TABLE rowport.chunk_results ALTER COLUMN undone SET STORAGE EXTERNAL;
COMMENT ON COLUMN rowport.chunk_results.written_by IS
    'The xmin of the records that its rows wrote: a record with another one was changed since.';
COMMENT ON COLUMN rowport.chunk_results.undone IS
    'What undoing made of each row that had written a record, as Parquet; null: it was not undone.';

ALTER TABLE rowport.chunks
    ADD COLUMN reversed integer NOT NULL DEFAULT 0,
    ADD COLUMN kept integer NOT NULL DEFAULT 0,
    ADD COLUMN errored integer NOT NULL DEFAULT 0;
ALTER TABLE rowport.chunks DROP CONSTRAINT chunks_state_check;
ALTER TABLE rowport.chunks ADD CONSTRAINT chunks_state_check
    CHECK (state IN ('waiting', 'held', 'done', 'void', 'undoing')) NOT VALID;
-- Undone whole or not at all.
ALTER TABLE rowport.chunks ADD CONSTRAINT chunks_undone_is_whole
    CHECK (reversed + kept + errored IN (0, created + updated)) NOT VALID;
DROP INDEX rowport.chunks_next;
CREATE INDEX chunks_next ON rowport.chunks (priority DESC, turn, import_id)
    WHERE state IN ('waiting', 'undoing');

CREATE TABLE rowport.undos (
    import_id uuid PRIMARY KEY REFERENCES rowport.imports (id) ON DELETE CASCADE,
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    asked_by text,
    error_code text,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    CONSTRAINT undos_error_is_whole CHECK (
        (error_code IS NULL) = (error_message IS NULL)
        AND (error_code IS NULL OR finished_at IS NOT NULL))
);
COMMENT ON TABLE rowport.undos IS 'Imports that are taken back, or were. The counts are sums over their chunks.';
CREATE INDEX undos_open ON rowport.undos (import_id) WHERE finished_at IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON rowport.undos TO rowport_app;
ALTER TABLE rowport.undos ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON rowport.undos TO rowport_app
    USING (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid);
