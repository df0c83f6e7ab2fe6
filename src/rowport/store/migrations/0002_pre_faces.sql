-- What faces stand on: users, tokens, saved mappings, feeds, replayed answers, tenant isolation.
SET LOCAL lock_timeout = '5s';

CREATE TABLE rowport.users (
    id uuid PRIMARY KEY,
    oid text NOT NULL UNIQUE CHECK (oid ~ '^[0-9a-f]{24}$'),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    email text NOT NULL,
    first_name text NOT NULL DEFAULT '',
    last_name text NOT NULL DEFAULT '',
    role text NOT NULL DEFAULT 'member' CHECK (role IN ('admin', 'member')),
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, email)
);
COMMENT ON TABLE rowport.users IS 'Who acts in an organization.';

CREATE TABLE rowport.tokens (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    user_id uuid NOT NULL REFERENCES rowport.users (id) ON DELETE CASCADE,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(secret_sha256) = 32),
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
COMMENT ON TABLE rowport.tokens IS 'Access tokens: 256 random bits, of which only the SHA-256 is kept.';
CREATE INDEX tokens_of_organization ON rowport.tokens (organization_id, created_at DESC, id DESC);

CREATE TABLE rowport.mappings (
    id uuid PRIMARY KEY,
    oid text NOT NULL UNIQUE CHECK (oid ~ '^[0-9a-f]{24}$'),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    name text NOT NULL,
    record_type_id uuid REFERENCES rowport.record_types (id) ON DELETE CASCADE,
    columns jsonb NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE rowport.mappings IS 'Saved mappings, header to field, to be used by later imports.';
CREATE INDEX mappings_of_organization ON rowport.mappings (organization_id, created_at DESC, id DESC);

CREATE TABLE rowport.feeds (
    id uuid PRIMARY KEY,
    oid text NOT NULL UNIQUE CHECK (oid ~ '^[0-9a-f]{24}$'),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    name text NOT NULL,
    record_type_id uuid NOT NULL REFERENCES rowport.record_types (id),
    source_kind text NOT NULL CHECK (source_kind IN ('upload', 's3', 'sftp', 'url', 'folder', 'inline')),
    source jsonb NOT NULL DEFAULT '{}',
    schedule_kind text NOT NULL CHECK (schedule_kind IN ('once', 'periodic')),
    schedule jsonb NOT NULL DEFAULT '{}',
    mapping jsonb NOT NULL DEFAULT '{}',
    options jsonb NOT NULL DEFAULT '{}',
    next_run_at timestamptz,
    ends_at timestamptz,
    archived_at timestamptz,
    created_by uuid REFERENCES rowport.users (id),
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, name)
);
COMMENT ON TABLE rowport.feeds IS 'Recurring definitions; each run is an import.';
CREATE INDEX feeds_by_age ON rowport.feeds (organization_id, created_at DESC, id DESC);

CREATE TABLE rowport.replays (
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    face text NOT NULL,
    key text NOT NULL,
    request_sha256 text NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, face, key)
);
COMMENT ON TABLE rowport.replays IS 'Answers kept for idempotency keys; status is null while the first request runs.';

CREATE TABLE rowport.secrets (
    name text PRIMARY KEY,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE rowport.secrets IS 'Keys of this installation, made at random; not tenant data and not for the application role.';

ALTER TABLE rowport.imports
    ADD COLUMN name text,
    ADD COLUMN created_by uuid REFERENCES rowport.users (id),
    ADD COLUMN feed_id uuid REFERENCES rowport.feeds (id),
    ADD COLUMN starts_by_itself boolean NOT NULL DEFAULT true,
    ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN scheduled_for timestamptz,
    ADD COLUMN archived_at timestamptz,
    ADD COLUMN result text;
UPDATE rowport.imports AS i
SET result = CASE WHEN c.failed = 0 THEN 'succeeded' WHEN c.failed = c.rows THEN 'failed_rows' ELSE 'partial' END
FROM (
    SELECT k.import_id, sum(k.failed) AS failed, sum(k.rows) AS rows FROM rowport.chunks AS k GROUP BY k.import_id
) AS c
WHERE c.import_id = i.id AND i.state = 'completed';
UPDATE rowport.imports SET result = 'succeeded' WHERE state = 'completed' AND result IS NULL;
ALTER TABLE rowport.imports
    ADD CONSTRAINT imports_result_is_known CHECK (result IN ('succeeded', 'partial', 'failed_rows')),
    ADD CONSTRAINT imports_completed_has_result CHECK ((state = 'completed') = (result IS NOT NULL));
COMMENT ON COLUMN rowport.imports.result IS
    'What the counts of a completed import say, written when it completes, so that lists can filter by it.';
CREATE INDEX imports_of_feed ON rowport.imports (feed_id, created_at DESC, id DESC) WHERE feed_id IS NOT NULL;
CREATE INDEX imports_of_type ON rowport.imports (organization_id, record_type_id, created_at DESC, id DESC);

ALTER TABLE rowport.import_files
    ADD COLUMN rows integer CHECK (rows >= 0),
    ADD COLUMN error text;
COMMENT ON COLUMN rowport.import_files.rows IS 'Known before reading only for rows that were sent inline.';

-- Tenant isolation: faces work as a role that neither owns anything nor is a superuser, and sees
-- only the organization that its transaction names.  Every statement names it as well.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'rowport_app') THEN
        BEGIN
            CREATE ROLE rowport_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- roles belong to the whole server: another database of it was faster
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'rowport_app', 'MEMBER') THEN
        EXECUTE format('GRANT rowport_app TO %I', current_user);
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'The database role % may neither create the role rowport_app nor join it. '
        'Let an administrator run once: CREATE ROLE rowport_app NOLOGIN; GRANT rowport_app TO %;',
        current_user, quote_ident(current_user);
END $$;
GRANT USAGE ON SCHEMA rowport, rowport_jobs TO rowport_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    rowport.record_types, rowport.record_type_versions, rowport.imports, rowport.import_files,
    rowport.chunks, rowport.chunk_results, rowport.chunk_keys, rowport.mappings, rowport.feeds,
    rowport.replays
    TO rowport_app;
GRANT SELECT ON rowport.organizations, rowport.users, rowport.tokens TO rowport_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowport_jobs TO rowport_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA rowport_jobs TO rowport_app;

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'record_types', 'record_type_versions', 'imports', 'import_files', 'chunks',
        'chunk_results', 'chunk_keys', 'mappings', 'feeds', 'replays', 'users', 'tokens'
    ] LOOP
        EXECUTE format('ALTER TABLE rowport.%I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY one_organization ON rowport.%I TO rowport_app '
            'USING (organization_id = nullif(current_setting(''rowport.organization'', true), '''')::uuid) '
            'WITH CHECK (organization_id = nullif(current_setting(''rowport.organization'', true), '''')::uuid)',
            tenant_table);
    END LOOP;
END $$;
ALTER TABLE rowport.organizations ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON rowport.organizations TO rowport_app
    USING (id = nullif(current_setting('rowport.organization', true), '')::uuid);
