-- The schema after all migrations: `make schema` writes it, nothing reads it.
CREATE SCHEMA rowport;
CREATE TABLE rowport.chunks (
    import_id uuid NOT NULL,
    number integer NOT NULL,
    organization_id uuid NOT NULL,
    file_id uuid NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    first_row bigint NOT NULL,
    rows integer NOT NULL,
    first_line bigint NOT NULL,
    begin_byte bigint NOT NULL,
    end_byte bigint NOT NULL,
    hints jsonb DEFAULT '{}'::jsonb NOT NULL,
    staged text,
    priority smallint DEFAULT 0 NOT NULL,
    turn bigint NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    run_after timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    created integer DEFAULT 0 NOT NULL,
    updated integer DEFAULT 0 NOT NULL,
    unchanged integer DEFAULT 0 NOT NULL,
    skipped integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    fault text,
    finished_at timestamp with time zone,
    again text,
    mended text[] DEFAULT '{}'::text[] NOT NULL,
    tried text[] DEFAULT '{}'::text[] NOT NULL,
    deaths smallint DEFAULT 0 NOT NULL,
    reversed integer DEFAULT 0 NOT NULL,
    kept integer DEFAULT 0 NOT NULL,
    errored integer DEFAULT 0 NOT NULL,
    CONSTRAINT chunks_again_check CHECK ((again = ANY (ARRAY['all'::text, 'mended'::text]))),
    CONSTRAINT chunks_counts_fit CHECK (((created >= 0) AND (updated >= 0) AND (unchanged >= 0) AND (skipped >= 0) AND (failed >= 0) AND (((((created + updated) + unchanged) + skipped) + failed) <= rows))),
    CONSTRAINT chunks_done_is_whole CHECK (((state <> 'done'::text) OR (((((created + updated) + unchanged) + skipped) + failed) = rows))),
    CONSTRAINT chunks_first_row_check CHECK ((first_row >= 1)),
    CONSTRAINT chunks_number_check CHECK ((number >= 1)),
    CONSTRAINT chunks_rows_check CHECK ((rows >= 1))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');
COMMENT ON TABLE rowport.chunks IS 'The chunk ledger. A row lock on a waiting chunk is the lease of the worker that loads it.';
COMMENT ON COLUMN rowport.chunks.staged IS 'Blob with the chunk as columns, for formats that cannot be split by bytes.';
COMMENT ON COLUMN rowport.chunks.turn IS 'The order of the chunks of one import.';
COMMENT ON COLUMN rowport.chunks.attempts IS 'Tries that ended in a fault of the chunk''s own.';
COMMENT ON COLUMN rowport.chunks.again IS 'In a later round: which of its rows are tried again, besides those that were never processed. Null in the first.';
COMMENT ON COLUMN rowport.chunks.mended IS 'Blobs with mended rows that were not loaded yet; of a row that stands in several the last one counts.';
COMMENT ON COLUMN rowport.chunks.tried IS 'Blobs with mended rows that were tried: what these rows say since.';
COMMENT ON COLUMN rowport.chunks.deaths IS 'Tries whose end nobody told: their worker died. While there are any, the chunk is tried in a process of its own.';
CREATE FUNCTION rowport.claim_chunk(installation_limit integer) RETURNS SETOF rowport.chunks
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
DECLARE
    lane record;
    taken integer;
BEGIN
    PERFORM pg_advisory_xact_lock(7239871005), set_config('synchronous_commit', 'off', true);
    FOR lane IN
        SELECT l.*, bool_or(l.is_new) OVER () AS any_is_new
        FROM rowport.lanes(installation_limit) AS l
        ORDER BY l.organization_start, l.organization_id, l.due, l.import_id
    LOOP
        CONTINUE WHEN lane.is_barred;
        SELECT k.number INTO taken
        FROM rowport.chunks AS k
        WHERE k.organization_id = lane.organization_id AND k.import_id = lane.import_id
          AND k.state IN ('waiting', 'undoing')
          AND (k.run_after <= clock_timestamp()
               OR k.run_after > clock_timestamp() + interval '1 minute')
        ORDER BY k.turn
        LIMIT 1
        FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        IF lane.any_is_new THEN
            DELETE FROM rowport.import_turns AS t
            USING rowport.imports AS i
            WHERE i.id = t.import_id AND i.finished_at IS NOT NULL
              AND NOT EXISTS (
                  SELECT FROM rowport.chunks AS k
                  WHERE k.organization_id = i.organization_id AND k.import_id = i.id
                    AND k.state IN ('waiting', 'undoing'));
            INSERT INTO rowport.import_turns (import_id, organization_id, start)
            SELECT l.import_id, l.organization_id, l.clock
            FROM rowport.lanes(installation_limit) AS l
            WHERE l.is_new
            ON CONFLICT DO NOTHING;
        END IF;
        UPDATE rowport.import_turns AS t
        SET start = least(lane.start, lane.clock) + lane.step
        WHERE t.import_id = lane.import_id;
        INSERT INTO rowport.organization_turns AS t (organization_id, start, claims)
        SELECT lane.organization_id,
               least(lane.organization_start, coalesce(sum(c.claims), 0)) + lane.organization_step,
               1
        FROM rowport.organization_turns AS c
        ON CONFLICT (organization_id) DO UPDATE
        SET start = excluded.start, claims = t.claims + 1;
        RETURN QUERY
            UPDATE rowport.chunks AS k
            SET deaths = k.deaths + 1, run_after = clock_timestamp() + interval '3 seconds'
            WHERE k.import_id = lane.import_id AND k.number = taken
            RETURNING k.*;
        RETURN;
    END LOOP;
END $$;
CREATE TABLE rowport.imports (
    id uuid NOT NULL,
    oid text NOT NULL,
    organization_id uuid NOT NULL,
    record_type_id uuid NOT NULL,
    type_version integer NOT NULL,
    state text NOT NULL,
    previous_state text,
    phase text,
    options jsonb NOT NULL,
    mapping jsonb,
    priority smallint DEFAULT 0 NOT NULL,
    error_code text,
    error_message text,
    error_retryable boolean,
    waiting text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    name text,
    created_by uuid,
    feed_id uuid,
    starts_by_itself boolean DEFAULT true NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    scheduled_for timestamp with time zone,
    archived_at timestamp with time zone,
    result text,
    starts integer DEFAULT 0 NOT NULL,
    state_since timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    stopped_by text,
    expired jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT imports_completed_has_result CHECK (((state = 'completed'::text) = (result IS NOT NULL))),
    CONSTRAINT imports_error_is_whole CHECK ((((error_code IS NULL) = (error_message IS NULL)) AND ((error_code IS NULL) = (error_retryable IS NULL)))),
    CONSTRAINT imports_failed_says_why CHECK (((state = 'failed'::text) = (error_code IS NOT NULL))),
    CONSTRAINT imports_final_is_finished CHECK (((state = ANY (ARRAY['completed'::text, 'failed'::text, 'canceled'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT imports_oid_check CHECK ((oid ~ '^[0-9a-f]{24}$'::text)),
    CONSTRAINT imports_phase_is_known CHECK ((phase = ANY (ARRAY['fetching'::text, 'reading'::text, 'validating'::text, 'loading'::text, 'finishing'::text]))),
    CONSTRAINT imports_result_is_known CHECK ((result = ANY (ARRAY['succeeded'::text, 'partial'::text, 'failed_rows'::text]))),
    CONSTRAINT imports_starts_check CHECK ((starts >= 0)),
    CONSTRAINT imports_state_is_known CHECK ((state = ANY (ARRAY['draft'::text, 'receiving'::text, 'reading'::text, 'needs_mapping'::text, 'ready'::text, 'queued'::text, 'running'::text, 'pausing'::text, 'paused'::text, 'canceling'::text, 'completed'::text, 'failed'::text, 'canceled'::text]))),
    CONSTRAINT imports_transition_is_legal CHECK (((previous_state IS NULL) OR (((previous_state || '>'::text) || state) = ANY (ARRAY['draft>receiving'::text, 'draft>canceled'::text, 'receiving>reading'::text, 'receiving>failed'::text, 'receiving>canceled'::text, 'reading>needs_mapping'::text, 'reading>ready'::text, 'reading>queued'::text, 'reading>failed'::text, 'reading>canceled'::text, 'needs_mapping>ready'::text, 'needs_mapping>canceled'::text, 'ready>needs_mapping'::text, 'ready>queued'::text, 'ready>canceled'::text, 'queued>running'::text, 'queued>completed'::text, 'queued>failed'::text, 'queued>pausing'::text, 'queued>canceling'::text, 'running>completed'::text, 'running>failed'::text, 'running>pausing'::text, 'running>canceling'::text, 'pausing>paused'::text, 'pausing>completed'::text, 'pausing>failed'::text, 'pausing>canceling'::text, 'paused>queued'::text, 'paused>canceling'::text, 'canceling>canceled'::text, 'canceling>completed'::text, 'completed>queued'::text, 'failed>queued'::text, 'failed>reading'::text, 'canceled>queued'::text]))))
);
COMMENT ON TABLE rowport.imports IS 'One execution. Its counts are sums over its chunks and stand nowhere else.';
COMMENT ON COLUMN rowport.imports.result IS 'What the counts of a completed import say, written when it completes, so that lists can filter by it.';
COMMENT ON COLUMN rowport.imports.starts IS 'How often it was queued: at first, resumed, and for each round. What was begun before the last start cannot commit.';
COMMENT ON COLUMN rowport.imports.stopped_by IS 'Who asked for the pause or the cancel that it is in.';
COMMENT ON COLUMN rowport.imports.expired IS 'What is kept no more, by kind: {"results": {"at": ..., "days": 30, "gone": true}}.';
CREATE FUNCTION rowport.event_data(i rowport.imports) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    SELECT jsonb_build_object(
        'id', i.id, 'oid', i.oid, 'name', i.name, 'type', t.name, 'state', i.state,
        'previous_state', i.previous_state, 'phase', i.phase, 'result',
        CASE i.result WHEN 'failed_rows' THEN 'failed' ELSE i.result END,
        'counts', jsonb_build_object(
            'total', c.rows, 'created', c.created, 'updated', c.updated, 'unchanged', c.unchanged,
            'skipped', c.skipped, 'failed', c.failed,
            'pending', c.rows - c.created - c.updated - c.unchanged - c.skipped - c.failed),
        'chunks', jsonb_build_object('total', c.chunks, 'done', c.done),
        'error', CASE WHEN i.error_code IS NOT NULL THEN jsonb_build_object(
            'code', i.error_code, 'message', left(i.error_message, 500),
            'retryable', i.error_retryable) END)
    FROM rowport.record_types AS t
    CROSS JOIN (
        SELECT coalesce(sum(k.rows), 0) AS rows, coalesce(sum(k.created), 0) AS created,
               coalesce(sum(k.updated), 0) AS updated, coalesce(sum(k.unchanged), 0) AS unchanged,
               coalesce(sum(k.skipped), 0) AS skipped, coalesce(sum(k.failed), 0) AS failed,
               count(*) AS chunks, count(*) FILTER (WHERE k.state = 'done') AS done
        FROM rowport.chunks AS k
        WHERE k.organization_id = i.organization_id AND k.import_id = i.id
    ) AS c
    WHERE t.organization_id = i.organization_id AND t.id = i.record_type_id
$$;
CREATE FUNCTION rowport.lanes(installation_limit integer) RETURNS TABLE(organization_id uuid, import_id uuid, organization_start double precision, organization_step double precision, start double precision, step double precision, due double precision, is_new boolean, clock bigint, is_barred boolean, running bigint, running_limit integer)
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
    WITH RECURSIVE lane AS (
        (
            SELECT k.organization_id, k.import_id
            FROM rowport.chunks AS k
            WHERE k.state IN ('waiting', 'undoing')
            ORDER BY k.organization_id, k.import_id
            LIMIT 1
        )
        UNION ALL
        SELECT n.organization_id, n.import_id
        FROM lane AS l
        CROSS JOIN LATERAL (
            SELECT k.organization_id, k.import_id
            FROM rowport.chunks AS k
            WHERE k.state IN ('waiting', 'undoing')
              AND (k.organization_id, k.import_id) > (l.organization_id, l.import_id)
            ORDER BY k.organization_id, k.import_id
            LIMIT 1
        ) AS n
    ), tenant AS MATERIALIZED (
        SELECT o.id, coalesce(o.running_limit, installation_limit) AS running_limit,
               sum(o.weight) OVER () / o.weight::double precision AS step,
               greatest(t.start, a.clock - sum(o.weight) OVER ()) AS start,
               coalesce(t.claims, 0) AS clock,
               (SELECT count(*)
                FROM rowport.imports AS r
                WHERE r.organization_id = o.id
                  AND r.state IN ('running', 'pausing', 'canceling')) AS running
        FROM (SELECT DISTINCT l.organization_id FROM lane AS l) AS d
        JOIN rowport.organizations AS o ON o.id = d.organization_id
        LEFT JOIN rowport.organization_turns AS t ON t.organization_id = o.id
        CROSS JOIN (
            SELECT coalesce(sum(c.claims), 0) AS clock FROM rowport.organization_turns AS c
        ) AS a
    ), placed AS (
        SELECT l.organization_id, l.import_id, o.start AS organization_start,
               o.step AS organization_step,
               greatest(coalesce(t.start, o.clock), o.clock - sum(w.weight) OVER mates) AS start,
               sum(w.weight) OVER mates / w.weight AS step, t.start IS NULL AS is_new, o.clock,
               i.state = 'queued' AND o.running >= o.running_limit AS is_barred, o.running,
               o.running_limit
        FROM lane AS l
        JOIN tenant AS o ON o.id = l.organization_id
        JOIN rowport.imports AS i ON i.id = l.import_id
        CROSS JOIN LATERAL (
            SELECT (4.0 ^ (i.priority + 1))::double precision AS weight
        ) AS w
        LEFT JOIN rowport.import_turns AS t ON t.import_id = l.import_id
        WINDOW mates AS (PARTITION BY l.organization_id)
    )
    SELECT p.organization_id, p.import_id, p.organization_start, p.organization_step, p.start,
           p.step, p.start + p.step, p.is_new, p.clock, coalesce(p.is_barred, false), p.running,
           p.running_limit
    FROM placed AS p
$$;
CREATE FUNCTION rowport.lease(import_id uuid, number integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended((((import_id)::text || '/'::text) || (number)::text), (0)::bigint);
CREATE FUNCTION rowport.tell_import() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    what text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        what := 'import.created';
    ELSIF NEW.state IS DISTINCT FROM OLD.state THEN
        what := CASE WHEN NEW.finished_at IS NULL THEN 'import.state' ELSE 'import.' || NEW.state END;
    ELSIF NEW.expired - ARRAY(SELECT jsonb_object_keys(OLD.expired)) <> '{}' THEN
        what := 'import.expired';
    ELSIF NEW.phase IS DISTINCT FROM OLD.phase THEN
        what := 'import.phase';
    ELSE
        RETURN NULL;
    END IF;
    INSERT INTO rowport.events (organization_id, import_id, kind, data)
    VALUES (NEW.organization_id, NEW.id, what, CASE what
        WHEN 'import.expired' THEN rowport.event_data(NEW) || jsonb_build_object('expired', NEW.expired)
        ELSE rowport.event_data(NEW) END);
    RETURN NULL;
END $$;
CREATE UNLOGGED TABLE rowport.chunk_keys (
    import_id uuid NOT NULL,
    number integer NOT NULL,
    organization_id uuid NOT NULL,
    digests bytea NOT NULL
);
COMMENT ON TABLE rowport.chunk_keys IS 'Keys of the valid rows of chunks in flight, so that the first valid row wins whatever the order of loading.';
CREATE TABLE rowport.chunk_results (
    import_id uuid NOT NULL,
    number integer NOT NULL,
    organization_id uuid NOT NULL,
    outcomes bytea NOT NULL,
    errors bytea,
    raw bytea,
    before bytea,
    written_by int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    undone bytea
);
ALTER TABLE ONLY rowport.chunk_results ALTER COLUMN outcomes SET STORAGE EXTERNAL;
ALTER TABLE ONLY rowport.chunk_results ALTER COLUMN errors SET STORAGE EXTERNAL;
ALTER TABLE ONLY rowport.chunk_results ALTER COLUMN raw SET STORAGE EXTERNAL;
ALTER TABLE ONLY rowport.chunk_results ALTER COLUMN before SET STORAGE EXTERNAL;
ALTER TABLE ONLY rowport.chunk_results ALTER COLUMN undone SET STORAGE EXTERNAL;
COMMENT ON TABLE rowport.chunk_results IS 'The fate of each row of a chunk as Parquet, written in the transaction that loaded it.';
COMMENT ON COLUMN rowport.chunk_results.written_by IS 'The xmin of the records that its rows wrote: a record with another one was changed since.';
COMMENT ON COLUMN rowport.chunk_results.undone IS 'What undoing made of each row that had written a record, as Parquet; null: it was not undone.';
CREATE TABLE rowport.deliveries (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    event_id uuid NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    round_tries integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT deliveries_ended_says_when CHECK (((state = 'waiting'::text) = (finished_at IS NULL))),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'delivered'::text, 'failed'::text])))
)
WITH (fillfactor='70');
COMMENT ON TABLE rowport.deliveries IS 'One event for one webhook, until it is delivered or given up.';
COMMENT ON COLUMN rowport.deliveries.round_tries IS 'Tries since it was made or replayed last; tries counts all.';
CREATE TABLE rowport.delivery_tries (
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    organization_id uuid NOT NULL,
    began_at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    status smallint,
    error text,
    answer text,
    CONSTRAINT delivery_tries_duration_ms_check CHECK ((duration_ms >= 0)),
    CONSTRAINT delivery_tries_number_check CHECK ((number >= 1))
);
COMMENT ON TABLE rowport.delivery_tries IS 'What came of each try; a missing number: its worker died before it could tell.';
CREATE SEQUENCE rowport.event_positions
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE rowport.events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    serial bigint NOT NULL,
    "position" bigint,
    organization_id uuid NOT NULL,
    import_id uuid,
    kind text NOT NULL,
    data jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT events_kind_check CHECK ((kind = ANY (ARRAY['import.created'::text, 'import.state'::text, 'import.phase'::text, 'import.progress'::text, 'import.completed'::text, 'import.failed'::text, 'import.canceled'::text, 'import.expired'::text, 'webhook.test'::text]))),
    CONSTRAINT events_tell_of_an_import CHECK (((import_id IS NULL) = (kind = 'webhook.test'::text)))
)
WITH (fillfactor='80');
COMMENT ON TABLE rowport.events IS 'The outbox: written with the change that it tells of, numbered after the commit.';
COMMENT ON COLUMN rowport.events."position" IS 'Given after the commit, in the order of commits, so that a reader behind a position misses nothing.';
ALTER TABLE rowport.events ALTER COLUMN serial ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowport.events_serial_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE rowport.feed_files (
    feed_id uuid NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    organization_id uuid NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    import_id uuid NOT NULL,
    taken_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
COMMENT ON TABLE rowport.feed_files IS 'Files that a feed has imported, so that each is imported once.';
CREATE TABLE rowport.feed_runs (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    feed_id uuid NOT NULL,
    slot timestamp with time zone NOT NULL,
    asked_by text,
    state text DEFAULT 'open'::text NOT NULL,
    looks integer DEFAULT 0 NOT NULL,
    files jsonb DEFAULT '[]'::jsonb NOT NULL,
    reason text,
    attempt integer DEFAULT 0 NOT NULL,
    busy_until timestamp with time zone,
    run_after timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT feed_runs_final_is_finished CHECK (((state = 'open'::text) = (finished_at IS NULL))),
    CONSTRAINT feed_runs_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'nothing'::text, 'skipped'::text, 'failed'::text])))
);
COMMENT ON TABLE rowport.feed_runs IS 'A feed that was due, or asked to run: one for each moment, however many workers there are.';
COMMENT ON COLUMN rowport.feed_runs.files IS 'What was found, with the decision on each file and its reason.';
COMMENT ON COLUMN rowport.feed_runs.attempt IS 'The fence: what an earlier attempt still does is refused.';
CREATE TABLE rowport.feeds (
    id uuid NOT NULL,
    oid text NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    record_type_id uuid NOT NULL,
    source_kind text NOT NULL,
    source jsonb DEFAULT '{}'::jsonb NOT NULL,
    schedule_kind text NOT NULL,
    schedule jsonb DEFAULT '{}'::jsonb NOT NULL,
    mapping jsonb DEFAULT '{}'::jsonb NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    next_run_at timestamp with time zone,
    ends_at timestamp with time zone,
    archived_at timestamp with time zone,
    created_by uuid,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    secrets bytea,
    paused_at timestamp with time zone,
    paused_by text,
    CONSTRAINT feeds_oid_check CHECK ((oid ~ '^[0-9a-f]{24}$'::text)),
    CONSTRAINT feeds_schedule_kind_check CHECK ((schedule_kind = ANY (ARRAY['once'::text, 'periodic'::text]))),
    CONSTRAINT feeds_source_kind_check CHECK ((source_kind = ANY (ARRAY['upload'::text, 's3'::text, 'sftp'::text, 'url'::text, 'folder'::text, 'inline'::text])))
);
COMMENT ON TABLE rowport.feeds IS 'Recurring definitions; each run is an import.';
COMMENT ON COLUMN rowport.feeds.secrets IS 'The secret settings of its source, encrypted with a key that is not in this database.';
CREATE TABLE rowport.import_files (
    id uuid NOT NULL,
    oid text NOT NULL,
    organization_id uuid NOT NULL,
    import_id uuid NOT NULL,
    "position" integer NOT NULL,
    name text NOT NULL,
    media_type text,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    blob text NOT NULL,
    layout jsonb,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    rows integer,
    error text,
    CONSTRAINT import_files_oid_check CHECK ((oid ~ '^[0-9a-f]{24}$'::text)),
    CONSTRAINT import_files_position_check CHECK (("position" >= 1)),
    CONSTRAINT import_files_rows_check CHECK ((rows >= 0)),
    CONSTRAINT import_files_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT import_files_size_bytes_check CHECK ((size_bytes >= 0))
);
COMMENT ON TABLE rowport.import_files IS 'The files of an import, in the order in which their rows are numbered.';
COMMENT ON COLUMN rowport.import_files.rows IS 'Known before reading only for rows that were sent inline.';
CREATE UNLOGGED TABLE rowport.import_turns (
    import_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    start double precision NOT NULL
)
WITH (fillfactor='50');
COMMENT ON TABLE rowport.import_turns IS 'When each import may have its next chunk, by the clock of its organization.';
CREATE TABLE rowport.mappings (
    id uuid NOT NULL,
    oid text NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    record_type_id uuid,
    columns jsonb NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT mappings_oid_check CHECK ((oid ~ '^[0-9a-f]{24}$'::text))
);
COMMENT ON TABLE rowport.mappings IS 'Saved mappings, header to field, to be used by later imports.';
CREATE TABLE rowport.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE UNLOGGED TABLE rowport.organization_turns (
    organization_id uuid NOT NULL,
    start double precision NOT NULL,
    claims bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');
COMMENT ON TABLE rowport.organization_turns IS 'When each organization may have its next chunk, by a clock that counts the claims of all.';
COMMENT ON COLUMN rowport.organization_turns.claims IS 'How many chunks of it were claimed: the clock of its imports.';
CREATE TABLE rowport.organizations (
    id uuid NOT NULL,
    oid text NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    running_limit integer,
    weight smallint DEFAULT 1 NOT NULL,
    CONSTRAINT organizations_oid_check CHECK ((oid ~ '^[0-9a-f]{24}$'::text)),
    CONSTRAINT organizations_running_limit_check CHECK ((running_limit >= 1)),
    CONSTRAINT organizations_slug_check CHECK ((slug ~ '^[a-z][a-z0-9_]{0,40}$'::text)),
    CONSTRAINT organizations_weight_check CHECK (((weight >= 1) AND (weight <= 100)))
);
COMMENT ON TABLE rowport.organizations IS 'Tenants. Every other table of tenant data carries organization_id.';
COMMENT ON COLUMN rowport.organizations.running_limit IS 'How many of its imports run at once; null: as many as the installation says.';
COMMENT ON COLUMN rowport.organizations.weight IS 'Its share of the workers beside others that have work.';
CREATE TABLE rowport.record_type_versions (
    record_type_id uuid NOT NULL,
    version integer NOT NULL,
    organization_id uuid NOT NULL,
    schema_document jsonb NOT NULL,
    key text[] NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT record_type_versions_version_check CHECK ((version >= 1))
);
COMMENT ON TABLE rowport.record_type_versions IS 'Each schema and key that a record type ever had; an import keeps the one it began with.';
CREATE TABLE rowport.record_types (
    id uuid NOT NULL,
    oid text NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    archived_at timestamp with time zone,
    CONSTRAINT record_types_name_check CHECK ((name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'::text)),
    CONSTRAINT record_types_oid_check CHECK ((oid ~ '^[0-9a-f]{24}$'::text)),
    CONSTRAINT record_types_version_check CHECK ((version >= 1))
);
COMMENT ON TABLE rowport.record_types IS 'What can be imported; version is the newest of record_type_versions.';
COMMENT ON COLUMN rowport.record_types.archived_at IS 'Since when nothing new is imported into it; its records and imports stay.';
CREATE TABLE rowport.replays (
    organization_id uuid NOT NULL,
    face text NOT NULL,
    key text NOT NULL,
    request_sha256 text NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    subject uuid NOT NULL
);
COMMENT ON TABLE rowport.replays IS 'Answers kept for idempotency keys; status is null while the first request runs.';
COMMENT ON COLUMN rowport.replays.subject IS 'The id of what the request makes; the same again when a request that was cut off is repeated.';
CREATE TABLE rowport.retention_rules (
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    days integer NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT retention_rules_days_check CHECK (((days >= 1) AND (days <= 36500))),
    CONSTRAINT retention_rules_kind_check CHECK ((kind = ANY (ARRAY['upload'::text, 'staging'::text, 'results'::text])))
);
COMMENT ON TABLE rowport.retention_rules IS 'Days after an import''s end until it loses what; no row: never.';
CREATE TABLE rowport.rounds (
    import_id uuid NOT NULL,
    number integer NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    asked_by text,
    file_name text,
    size_bytes bigint,
    sha256 text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT rounds_fix_has_a_file CHECK ((((kind = 'fix'::text) = (sha256 IS NOT NULL)) AND ((sha256 IS NULL) = (file_name IS NULL)) AND ((sha256 IS NULL) = (size_bytes IS NULL)))),
    CONSTRAINT rounds_kind_check CHECK ((kind = ANY (ARRAY['retry'::text, 'fix'::text]))),
    CONSTRAINT rounds_number_check CHECK ((number >= 2))
);
COMMENT ON TABLE rowport.rounds IS 'Each time that rows of an import were tried again; the first round is the import itself.';
CREATE TABLE rowport.secrets (
    name text NOT NULL,
    value bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
COMMENT ON TABLE rowport.secrets IS 'Keys of this installation, made at random; not tenant data and not for the application role.';
CREATE TABLE rowport.tokens (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT tokens_secret_sha256_check CHECK ((octet_length(secret_sha256) = 32))
);
COMMENT ON TABLE rowport.tokens IS 'Access tokens: 256 random bits, of which only the SHA-256 is kept.';
CREATE TABLE rowport.undos (
    import_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    asked_by text,
    error_code text,
    error_message text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT undos_error_is_whole CHECK ((((error_code IS NULL) = (error_message IS NULL)) AND ((error_code IS NULL) OR (finished_at IS NOT NULL))))
);
COMMENT ON TABLE rowport.undos IS 'Imports that are taken back, or were. The counts are sums over their chunks.';
CREATE TABLE rowport.uploads (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    size_bytes bigint NOT NULL,
    received bigint DEFAULT 0 NOT NULL,
    metadata text NOT NULL,
    name text,
    media_type text,
    sha256 text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT uploads_hashed_is_whole CHECK (((sha256 IS NULL) OR (received = size_bytes))),
    CONSTRAINT uploads_received_fits CHECK (((received >= 0) AND (received <= size_bytes))),
    CONSTRAINT uploads_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT uploads_size_bytes_check CHECK ((size_bytes >= 0))
)
WITH (fillfactor='70');
COMMENT ON TABLE rowport.uploads IS 'Files that arrive in parts. Their bytes lie in the blob store.';
COMMENT ON COLUMN rowport.uploads.received IS 'How many bytes are safe in the blob store: where the next part begins.';
CREATE TABLE rowport.users (
    id uuid NOT NULL,
    oid text NOT NULL,
    organization_id uuid NOT NULL,
    email text NOT NULL,
    first_name text DEFAULT ''::text NOT NULL,
    last_name text DEFAULT ''::text NOT NULL,
    role text DEFAULT 'member'::text NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT users_oid_check CHECK ((oid ~ '^[0-9a-f]{24}$'::text)),
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'member'::text])))
);
COMMENT ON TABLE rowport.users IS 'Who acts in an organization.';
CREATE TABLE rowport.webhooks (
    id uuid NOT NULL,
    oid text NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    secret_version integer DEFAULT 1 NOT NULL,
    rotated_at timestamp with time zone,
    failing_since timestamp with time zone,
    busy_until timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_reason text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT webhooks_disabled_says_why CHECK (((disabled_at IS NULL) = (disabled_reason IS NULL))),
    CONSTRAINT webhooks_name_check CHECK ((name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'::text)),
    CONSTRAINT webhooks_oid_check CHECK ((oid ~ '^[0-9a-f]{24}$'::text)),
    CONSTRAINT webhooks_secret_version_check CHECK ((secret_version >= 1))
);
COMMENT ON TABLE rowport.webhooks IS 'Who is told of which events. Its secret is derived, never stored.';
COMMENT ON COLUMN rowport.webhooks.busy_until IS 'One delivery is on its way at a time; the hold of a worker that died passes.';
ALTER TABLE ONLY rowport.chunk_keys
    ADD CONSTRAINT chunk_keys_pkey PRIMARY KEY (import_id, number);
ALTER TABLE ONLY rowport.chunk_results
    ADD CONSTRAINT chunk_results_pkey PRIMARY KEY (import_id, number);
ALTER TABLE ONLY rowport.chunks
    ADD CONSTRAINT chunks_pkey PRIMARY KEY (import_id, number);
ALTER TABLE rowport.chunks
    ADD CONSTRAINT chunks_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'held'::text, 'done'::text, 'void'::text, 'undoing'::text]))) NOT VALID;
ALTER TABLE rowport.chunks
    ADD CONSTRAINT chunks_undone_is_whole CHECK (((((reversed + kept) + errored) = 0) OR (((reversed + kept) + errored) = (created + updated)))) NOT VALID;
ALTER TABLE ONLY rowport.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.deliveries
    ADD CONSTRAINT deliveries_webhook_id_event_id_key UNIQUE (webhook_id, event_id);
ALTER TABLE ONLY rowport.delivery_tries
    ADD CONSTRAINT delivery_tries_pkey PRIMARY KEY (delivery_id, number);
ALTER TABLE ONLY rowport.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.events
    ADD CONSTRAINT events_position_key UNIQUE ("position");
ALTER TABLE ONLY rowport.feed_files
    ADD CONSTRAINT feed_files_pkey PRIMARY KEY (feed_id, name, version);
ALTER TABLE ONLY rowport.feed_runs
    ADD CONSTRAINT feed_runs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.feed_runs
    ADD CONSTRAINT feed_runs_slot_once UNIQUE (feed_id, slot);
ALTER TABLE ONLY rowport.feeds
    ADD CONSTRAINT feeds_oid_key UNIQUE (oid);
ALTER TABLE ONLY rowport.feeds
    ADD CONSTRAINT feeds_organization_id_name_key UNIQUE (organization_id, name);
ALTER TABLE ONLY rowport.feeds
    ADD CONSTRAINT feeds_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.import_files
    ADD CONSTRAINT import_files_import_id_position_key UNIQUE (import_id, "position");
ALTER TABLE ONLY rowport.import_files
    ADD CONSTRAINT import_files_oid_key UNIQUE (oid);
ALTER TABLE ONLY rowport.import_files
    ADD CONSTRAINT import_files_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.import_turns
    ADD CONSTRAINT import_turns_pkey PRIMARY KEY (import_id);
ALTER TABLE ONLY rowport.imports
    ADD CONSTRAINT imports_oid_key UNIQUE (oid);
ALTER TABLE ONLY rowport.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (id);
ALTER TABLE rowport.imports
    ADD CONSTRAINT imports_priority_is_known CHECK (((priority >= '-1'::integer) AND (priority <= 1))) NOT VALID;
ALTER TABLE ONLY rowport.mappings
    ADD CONSTRAINT mappings_oid_key UNIQUE (oid);
ALTER TABLE ONLY rowport.mappings
    ADD CONSTRAINT mappings_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY rowport.organization_turns
    ADD CONSTRAINT organization_turns_pkey PRIMARY KEY (organization_id);
ALTER TABLE ONLY rowport.organizations
    ADD CONSTRAINT organizations_oid_key UNIQUE (oid);
ALTER TABLE ONLY rowport.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.organizations
    ADD CONSTRAINT organizations_slug_key UNIQUE (slug);
ALTER TABLE ONLY rowport.record_type_versions
    ADD CONSTRAINT record_type_versions_pkey PRIMARY KEY (record_type_id, version);
ALTER TABLE ONLY rowport.record_types
    ADD CONSTRAINT record_types_oid_key UNIQUE (oid);
ALTER TABLE ONLY rowport.record_types
    ADD CONSTRAINT record_types_organization_id_name_key UNIQUE (organization_id, name);
ALTER TABLE ONLY rowport.record_types
    ADD CONSTRAINT record_types_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.record_types
    ADD CONSTRAINT record_types_table_schema_table_name_key UNIQUE (table_schema, table_name);
ALTER TABLE ONLY rowport.replays
    ADD CONSTRAINT replays_pkey PRIMARY KEY (organization_id, face, key);
ALTER TABLE ONLY rowport.retention_rules
    ADD CONSTRAINT retention_rules_pkey PRIMARY KEY (organization_id, kind);
ALTER TABLE ONLY rowport.rounds
    ADD CONSTRAINT rounds_pkey PRIMARY KEY (import_id, number);
ALTER TABLE ONLY rowport.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (name);
ALTER TABLE ONLY rowport.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.tokens
    ADD CONSTRAINT tokens_secret_sha256_key UNIQUE (secret_sha256);
ALTER TABLE ONLY rowport.undos
    ADD CONSTRAINT undos_pkey PRIMARY KEY (import_id);
ALTER TABLE ONLY rowport.uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.users
    ADD CONSTRAINT users_oid_key UNIQUE (oid);
ALTER TABLE ONLY rowport.users
    ADD CONSTRAINT users_organization_id_email_key UNIQUE (organization_id, email);
ALTER TABLE ONLY rowport.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY rowport.webhooks
    ADD CONSTRAINT webhooks_oid_key UNIQUE (oid);
ALTER TABLE ONLY rowport.webhooks
    ADD CONSTRAINT webhooks_organization_id_name_key UNIQUE (organization_id, name);
ALTER TABLE ONLY rowport.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);
CREATE INDEX chunks_next ON rowport.chunks USING btree (organization_id, import_id, turn) WHERE (state = ANY (ARRAY['waiting'::text, 'undoing'::text]));
CREATE INDEX chunks_open ON rowport.chunks USING btree (import_id) WHERE (state = ANY (ARRAY['waiting'::text, 'held'::text]));
CREATE INDEX deliveries_due ON rowport.deliveries USING btree (webhook_id, due_at, id) WHERE (state = 'waiting'::text);
CREATE INDEX deliveries_of_event ON rowport.deliveries USING btree (event_id);
CREATE INDEX deliveries_of_webhook ON rowport.deliveries USING btree (webhook_id, created_at DESC, id DESC);
CREATE INDEX events_by_age ON rowport.events USING btree (created_at);
CREATE INDEX events_of_import ON rowport.events USING btree (import_id, "position");
CREATE INDEX events_of_organization ON rowport.events USING btree (organization_id, "position");
CREATE INDEX events_unpublished ON rowport.events USING btree (serial) WHERE ("position" IS NULL);
CREATE INDEX feed_files_by_content ON rowport.feed_files USING btree (feed_id, sha256);
CREATE INDEX feed_runs_next ON rowport.feed_runs USING btree (run_after) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX feed_runs_one_open ON rowport.feed_runs USING btree (feed_id) WHERE (state = 'open'::text);
CREATE INDEX feeds_by_age ON rowport.feeds USING btree (organization_id, created_at DESC, id DESC);
CREATE INDEX feeds_due ON rowport.feeds USING btree (next_run_at) WHERE ((next_run_at IS NOT NULL) AND (archived_at IS NULL) AND (paused_at IS NULL));
CREATE INDEX imports_by_age ON rowport.imports USING btree (organization_id, created_at DESC, id DESC);
CREATE INDEX imports_by_end ON rowport.imports USING btree (organization_id, finished_at) WHERE (finished_at IS NOT NULL);
CREATE INDEX imports_half_expired ON rowport.imports USING btree (id) WHERE (expired @? '$.*?(@."gone" == false)'::jsonpath);
CREATE INDEX imports_of_feed ON rowport.imports USING btree (feed_id, created_at DESC, id DESC) WHERE (feed_id IS NOT NULL);
CREATE INDEX imports_of_type ON rowport.imports USING btree (organization_id, record_type_id, created_at DESC, id DESC);
CREATE INDEX imports_open ON rowport.imports USING btree (id) WHERE (finished_at IS NULL);
CREATE INDEX imports_running ON rowport.imports USING btree (organization_id) WHERE (state = ANY (ARRAY['running'::text, 'pausing'::text, 'canceling'::text]));
CREATE INDEX mappings_of_organization ON rowport.mappings USING btree (organization_id, created_at DESC, id DESC);
CREATE INDEX replays_by_expiry ON rowport.replays USING btree (expires_at);
CREATE UNIQUE INDEX rounds_take_a_file_once ON rowport.rounds USING btree (import_id, sha256) WHERE (sha256 IS NOT NULL);
CREATE INDEX tokens_of_organization ON rowport.tokens USING btree (organization_id, created_at DESC, id DESC);
CREATE INDEX undos_open ON rowport.undos USING btree (import_id) WHERE (finished_at IS NULL);
CREATE INDEX uploads_expiring ON rowport.uploads USING btree (expires_at);
CREATE TRIGGER tell_import AFTER INSERT OR UPDATE OF state, phase, expired ON rowport.imports FOR EACH ROW EXECUTE FUNCTION rowport.tell_import();
ALTER TABLE ONLY rowport.chunk_results
    ADD CONSTRAINT chunk_results_import_id_number_fkey FOREIGN KEY (import_id, number) REFERENCES rowport.chunks(import_id, number) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.chunk_results
    ADD CONSTRAINT chunk_results_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.chunks
    ADD CONSTRAINT chunks_file_id_fkey FOREIGN KEY (file_id) REFERENCES rowport.import_files(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.chunks
    ADD CONSTRAINT chunks_import_id_fkey FOREIGN KEY (import_id) REFERENCES rowport.imports(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.chunks
    ADD CONSTRAINT chunks_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.deliveries
    ADD CONSTRAINT deliveries_event_id_fkey FOREIGN KEY (event_id) REFERENCES rowport.events(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.deliveries
    ADD CONSTRAINT deliveries_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.deliveries
    ADD CONSTRAINT deliveries_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES rowport.webhooks(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.delivery_tries
    ADD CONSTRAINT delivery_tries_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES rowport.deliveries(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.delivery_tries
    ADD CONSTRAINT delivery_tries_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.events
    ADD CONSTRAINT events_import_id_fkey FOREIGN KEY (import_id) REFERENCES rowport.imports(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.events
    ADD CONSTRAINT events_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.feed_files
    ADD CONSTRAINT feed_files_feed_id_fkey FOREIGN KEY (feed_id) REFERENCES rowport.feeds(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.feed_files
    ADD CONSTRAINT feed_files_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.feed_runs
    ADD CONSTRAINT feed_runs_feed_id_fkey FOREIGN KEY (feed_id) REFERENCES rowport.feeds(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.feed_runs
    ADD CONSTRAINT feed_runs_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.feeds
    ADD CONSTRAINT feeds_created_by_fkey FOREIGN KEY (created_by) REFERENCES rowport.users(id);
ALTER TABLE ONLY rowport.feeds
    ADD CONSTRAINT feeds_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.feeds
    ADD CONSTRAINT feeds_record_type_id_fkey FOREIGN KEY (record_type_id) REFERENCES rowport.record_types(id);
ALTER TABLE ONLY rowport.import_files
    ADD CONSTRAINT import_files_import_id_fkey FOREIGN KEY (import_id) REFERENCES rowport.imports(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.import_files
    ADD CONSTRAINT import_files_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.imports
    ADD CONSTRAINT imports_created_by_fkey FOREIGN KEY (created_by) REFERENCES rowport.users(id);
ALTER TABLE ONLY rowport.imports
    ADD CONSTRAINT imports_feed_id_fkey FOREIGN KEY (feed_id) REFERENCES rowport.feeds(id);
ALTER TABLE ONLY rowport.imports
    ADD CONSTRAINT imports_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.imports
    ADD CONSTRAINT imports_record_type_id_fkey FOREIGN KEY (record_type_id) REFERENCES rowport.record_types(id);
ALTER TABLE ONLY rowport.imports
    ADD CONSTRAINT imports_record_type_id_type_version_fkey FOREIGN KEY (record_type_id, type_version) REFERENCES rowport.record_type_versions(record_type_id, version);
ALTER TABLE ONLY rowport.mappings
    ADD CONSTRAINT mappings_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.mappings
    ADD CONSTRAINT mappings_record_type_id_fkey FOREIGN KEY (record_type_id) REFERENCES rowport.record_types(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.record_type_versions
    ADD CONSTRAINT record_type_versions_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.record_type_versions
    ADD CONSTRAINT record_type_versions_record_type_id_fkey FOREIGN KEY (record_type_id) REFERENCES rowport.record_types(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.record_types
    ADD CONSTRAINT record_types_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.replays
    ADD CONSTRAINT replays_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.retention_rules
    ADD CONSTRAINT retention_rules_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.rounds
    ADD CONSTRAINT rounds_import_id_fkey FOREIGN KEY (import_id) REFERENCES rowport.imports(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.rounds
    ADD CONSTRAINT rounds_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.tokens
    ADD CONSTRAINT tokens_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.tokens
    ADD CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES rowport.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.undos
    ADD CONSTRAINT undos_import_id_fkey FOREIGN KEY (import_id) REFERENCES rowport.imports(id) ON DELETE CASCADE;
ALTER TABLE ONLY rowport.undos
    ADD CONSTRAINT undos_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.uploads
    ADD CONSTRAINT uploads_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.users
    ADD CONSTRAINT users_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE ONLY rowport.webhooks
    ADD CONSTRAINT webhooks_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES rowport.organizations(id);
ALTER TABLE rowport.chunk_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.chunk_results ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.delivery_tries ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.feed_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.feed_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.feeds ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.import_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.import_turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.imports ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.mappings ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON rowport.chunk_keys TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.chunk_results TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.chunks TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.deliveries TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.delivery_tries TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.events TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.feed_files TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.feed_runs TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.feeds TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.import_files TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.import_turns TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.imports TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.mappings TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.organization_turns TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.organizations TO rowport_app USING ((id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.record_type_versions TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.record_types TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.replays TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.retention_rules TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.rounds TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.tokens TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.undos TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.uploads TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.users TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
CREATE POLICY one_organization ON rowport.webhooks TO rowport_app USING ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid)) WITH CHECK ((organization_id = (NULLIF(current_setting('rowport.organization'::text, true), ''::text))::uuid));
ALTER TABLE rowport.organization_turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.record_type_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.record_types ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.replays ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.retention_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.rounds ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.undos ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE rowport.webhooks ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA rowport TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.chunks TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.imports TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.chunk_keys TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.chunk_results TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.deliveries TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.delivery_tries TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.events TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.feed_files TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.feed_runs TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.feeds TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.import_files TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.import_turns TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.mappings TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.organization_turns TO rowport_app;
GRANT SELECT ON TABLE rowport.organizations TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.record_type_versions TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.record_types TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.replays TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.retention_rules TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.rounds TO rowport_app;
GRANT SELECT ON TABLE rowport.tokens TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.undos TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.uploads TO rowport_app;
GRANT SELECT ON TABLE rowport.users TO rowport_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowport.webhooks TO rowport_app;
