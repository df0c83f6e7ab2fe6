-- The ledger: organizations, record types, imports, their files and chunks, the fate of each row.
SET LOCAL lock_timeout = '5s';

CREATE TABLE rowport.organizations (
    id uuid PRIMARY KEY,
    oid text NOT NULL UNIQUE CHECK (oid ~ '^[0-9a-f]{24}$'),
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9_]{0,40}$'),
    name text NOT NULL,
    time_zone text NOT NULL DEFAULT 'UTC',
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE rowport.organizations IS 'Tenants. Every other table of tenant data carries organization_id.';

CREATE TABLE rowport.record_types (
    id uuid PRIMARY KEY,
    oid text NOT NULL UNIQUE CHECK (oid ~ '^[0-9a-f]{24}$'),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
    version integer NOT NULL CHECK (version >= 1),
    table_schema text NOT NULL,
    table_name text NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, name),
    UNIQUE (table_schema, table_name)
);
COMMENT ON TABLE rowport.record_types IS 'What can be imported; version is the newest of record_type_versions.';

CREATE TABLE rowport.record_type_versions (
    record_type_id uuid NOT NULL REFERENCES rowport.record_types (id) ON DELETE CASCADE,
    version integer NOT NULL CHECK (version >= 1),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    schema_document jsonb NOT NULL,
    key text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (record_type_id, version)
);
COMMENT ON TABLE rowport.record_type_versions IS 'Each schema and key that a record type ever had; an import keeps the one it began with.';

CREATE TABLE rowport.imports (
    id uuid PRIMARY KEY,
    oid text NOT NULL UNIQUE CHECK (oid ~ '^[0-9a-f]{24}$'),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    record_type_id uuid NOT NULL REFERENCES rowport.record_types (id),
    type_version integer NOT NULL,
    state text NOT NULL,
    previous_state text,
    phase text,
    options jsonb NOT NULL,
    mapping jsonb,
    priority smallint NOT NULL DEFAULT 0,
    error_code text,
    error_message text,
    error_retryable boolean,
    waiting text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    FOREIGN KEY (record_type_id, type_version) REFERENCES rowport.record_type_versions (record_type_id, version),
    CONSTRAINT imports_state_is_known CHECK (state IN (
        'draft', 'receiving', 'reading', 'needs_mapping', 'ready', 'queued', 'running', 'pausing',
        'paused', 'canceling', 'completed', 'failed', 'canceled')),
    -- The edges of rowport.model.states.TRANSITIONS; a test holds the two equal.
    CONSTRAINT imports_transition_is_legal CHECK (previous_state IS NULL OR previous_state || '>' || state IN (
        'draft>receiving', 'draft>canceled',
        'receiving>reading', 'receiving>failed', 'receiving>canceled',
        'reading>needs_mapping', 'reading>ready', 'reading>queued', 'reading>failed', 'reading>canceled',
        'needs_mapping>ready', 'needs_mapping>canceled',
        'ready>needs_mapping', 'ready>queued', 'ready>canceled',
        'queued>running', 'queued>completed', 'queued>failed', 'queued>pausing', 'queued>canceling',
        'running>completed', 'running>failed', 'running>pausing', 'running>canceling',
        'pausing>paused', 'pausing>completed', 'pausing>failed', 'pausing>canceling',
        'paused>queued', 'paused>canceling',
        'canceling>canceled', 'canceling>completed',
        'completed>queued', 'failed>queued', 'failed>reading', 'canceled>queued')),
    CONSTRAINT imports_phase_is_known CHECK (phase IN ('fetching', 'reading', 'validating', 'loading', 'finishing')),
    CONSTRAINT imports_failed_says_why CHECK ((state = 'failed') = (error_code IS NOT NULL)),
    CONSTRAINT imports_error_is_whole CHECK (
        (error_code IS NULL) = (error_message IS NULL) AND (error_code IS NULL) = (error_retryable IS NULL)),
    CONSTRAINT imports_final_is_finished CHECK (
        (state IN ('completed', 'failed', 'canceled')) = (finished_at IS NOT NULL))
);
COMMENT ON TABLE rowport.imports IS 'One execution. Its counts are sums over its chunks and stand nowhere else.';
CREATE INDEX imports_by_age ON rowport.imports (organization_id, created_at DESC, id DESC);
CREATE INDEX imports_open ON rowport.imports (id) WHERE finished_at IS NULL;

CREATE TABLE rowport.import_files (
    id uuid PRIMARY KEY,
    oid text NOT NULL UNIQUE CHECK (oid ~ '^[0-9a-f]{24}$'),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    import_id uuid NOT NULL REFERENCES rowport.imports (id) ON DELETE CASCADE,
    position integer NOT NULL CHECK (position >= 1),
    name text NOT NULL,
    media_type text,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    blob text NOT NULL,
    layout jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (import_id, position)
);
COMMENT ON TABLE rowport.import_files IS 'The files of an import, in the order in which their rows are numbered.';

CREATE TABLE rowport.chunks (
    import_id uuid NOT NULL REFERENCES rowport.imports (id) ON DELETE CASCADE,
    number integer NOT NULL CHECK (number >= 1),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    file_id uuid NOT NULL REFERENCES rowport.import_files (id) ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'held', 'done', 'void')),
    first_row bigint NOT NULL CHECK (first_row >= 1),
    rows integer NOT NULL CHECK (rows >= 1),
    first_line bigint NOT NULL,
    begin_byte bigint NOT NULL,
    end_byte bigint NOT NULL,
    hints jsonb NOT NULL DEFAULT '{}',
    staged text,
    priority smallint NOT NULL DEFAULT 0,
    turn bigint NOT NULL,
    attempts smallint NOT NULL DEFAULT 0,
    run_after timestamptz NOT NULL DEFAULT '-infinity',
    created integer NOT NULL DEFAULT 0,
    updated integer NOT NULL DEFAULT 0,
    unchanged integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    fault text,
    finished_at timestamptz,
    PRIMARY KEY (import_id, number),
    -- A chunk's counters and its mark are one: done means that every row has an outcome.
    CONSTRAINT chunks_done_is_whole CHECK (
        state <> 'done' OR created + updated + unchanged + skipped + failed = rows),
    CONSTRAINT chunks_counts_fit CHECK (
        created >= 0 AND updated >= 0 AND unchanged >= 0 AND skipped >= 0 AND failed >= 0
        AND created + updated + unchanged + skipped + failed <= rows)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
COMMENT ON TABLE rowport.chunks IS 'The chunk ledger. A row lock on a waiting chunk is the lease of the worker that loads it.';
COMMENT ON COLUMN rowport.chunks.turn IS 'Fairness: chunk n of an import competes with chunk n of every other.';
COMMENT ON COLUMN rowport.chunks.staged IS 'Blob with the chunk as columns, for formats that cannot be split by bytes.';
CREATE INDEX chunks_next ON rowport.chunks (priority DESC, turn, import_id) WHERE state = 'waiting';
CREATE INDEX chunks_open ON rowport.chunks (import_id) WHERE state IN ('waiting', 'held');

CREATE TABLE rowport.chunk_results (
    import_id uuid NOT NULL,
    number integer NOT NULL,
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    outcomes bytea NOT NULL,
    errors bytea,
    raw bytea,
    before bytea,
    PRIMARY KEY (import_id, number),
    FOREIGN KEY (import_id, number) REFERENCES rowport.chunks (import_id, number) ON DELETE CASCADE
);
COMMENT ON TABLE rowport.chunk_results IS 'The fate of each row of a chunk as Parquet, written in the transaction that loaded it.';
ALTER TABLE rowport.chunk_results
    ALTER COLUMN outcomes SET STORAGE EXTERNAL,
    ALTER COLUMN errors SET STORAGE EXTERNAL,
    ALTER COLUMN raw SET STORAGE EXTERNAL,
    ALTER COLUMN before SET STORAGE EXTERNAL;

-- Unlogged: a crash empties it, and the chunks it spoke of are done again or were done already.
CREATE UNLOGGED TABLE rowport.chunk_keys (
    import_id uuid NOT NULL,
    number integer NOT NULL,
    organization_id uuid NOT NULL,
    digests bytea NOT NULL,
    PRIMARY KEY (import_id, number)
);
COMMENT ON TABLE rowport.chunk_keys IS 'Keys of the valid rows of chunks in flight, so that the first valid row wins whatever the order of loading.';
