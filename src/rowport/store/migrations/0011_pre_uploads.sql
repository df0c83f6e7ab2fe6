-- Uploads: files that arrive in parts before they are imported.
SET LOCAL lock_timeout = '5s';

CREATE TABLE rowport.uploads (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    received bigint NOT NULL DEFAULT 0,
    metadata text NOT NULL,
    name text,
    media_type text,
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT uploads_received_fits CHECK (received BETWEEN 0 AND size_bytes),
    CONSTRAINT uploads_hashed_is_whole CHECK (sha256 IS NULL OR received = size_bytes)
) WITH (fillfactor = 70);
COMMENT ON TABLE rowport.uploads IS 'Files that arrive in parts. Their bytes lie in the blob store.';
COMMENT ON COLUMN rowport.uploads.received IS
    'How many bytes are safe in the blob store: where the next part begins.';
CREATE INDEX uploads_expiring ON rowport.uploads (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON rowport.uploads TO rowport_app;
ALTER TABLE rowport.uploads ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON rowport.uploads TO rowport_app
    USING (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid);
