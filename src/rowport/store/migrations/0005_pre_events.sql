-- Events of imports, webhooks that tell of them, and how long things are kept.
SET LOCAL lock_timeout = '5s';

ALTER TABLE rowport.imports ADD COLUMN expired jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN rowport.imports.expired IS
    'What is kept no more, by kind: {"results": {"at": ..., "days": 30, "gone": true}}.';
CREATE INDEX imports_by_end ON rowport.imports (organization_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX imports_half_expired ON rowport.imports (id) WHERE expired @? '$.* ? (@.gone == false)';

CREATE SEQUENCE rowport.event_positions;

CREATE TABLE rowport.events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    serial bigint GENERATED ALWAYS AS IDENTITY,
    position bigint UNIQUE,
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    import_id uuid REFERENCES rowport.imports (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN (
        'import.created', 'import.state', 'import.phase', 'import.progress', 'import.completed',
        'import.failed', 'import.canceled', 'import.expired', 'webhook.test')),
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT events_tell_of_an_import CHECK ((import_id IS NULL) = (kind = 'webhook.test'))
) WITH (fillfactor = 80);
COMMENT ON TABLE rowport.events IS 'The outbox: written with the change that it tells of, numbered after the commit.';
COMMENT ON COLUMN rowport.events.position IS
    'Given after the commit, in the order of commits, so that a reader behind a position misses nothing.';
CREATE INDEX events_unpublished ON rowport.events (serial) WHERE position IS NULL;
CREATE INDEX events_of_organization ON rowport.events (organization_id, position);
CREATE INDEX events_of_import ON rowport.events (import_id, position);
CREATE INDEX events_by_age ON rowport.events (created_at);

CREATE TABLE rowport.webhooks (
    id uuid PRIMARY KEY,
    oid text NOT NULL UNIQUE CHECK (oid ~ '^[0-9a-f]{24}$'),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
    url text NOT NULL,
    events text[] NOT NULL,
    secret_version integer NOT NULL DEFAULT 1 CHECK (secret_version >= 1),
    rotated_at timestamptz,
    failing_since timestamptz,
    busy_until timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, name),
    CONSTRAINT webhooks_disabled_says_why CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
COMMENT ON TABLE rowport.webhooks IS 'Who is told of which events. Its secret is derived, never stored.';
COMMENT ON COLUMN rowport.webhooks.busy_until IS
    'One delivery is on its way at a time; the hold of a worker that died passes.';

CREATE TABLE rowport.deliveries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    webhook_id uuid NOT NULL REFERENCES rowport.webhooks (id) ON DELETE CASCADE,
    event_id uuid NOT NULL REFERENCES rowport.events (id) ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    tries integer NOT NULL DEFAULT 0,
    round_tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    UNIQUE (webhook_id, event_id),
    CONSTRAINT deliveries_ended_says_when CHECK ((state = 'waiting') = (finished_at IS NULL))
) WITH (fillfactor = 70);
COMMENT ON TABLE rowport.deliveries IS 'One event for one webhook, until it is delivered or given up.';
COMMENT ON COLUMN rowport.deliveries.round_tries IS 'Tries since it was made or replayed last; tries counts all.';
CREATE INDEX deliveries_due ON rowport.deliveries (webhook_id, due_at, id) WHERE state = 'waiting';
CREATE INDEX deliveries_of_webhook ON rowport.deliveries (webhook_id, created_at DESC, id DESC);
CREATE INDEX deliveries_of_event ON rowport.deliveries (event_id);

CREATE TABLE rowport.delivery_tries (
    delivery_id uuid NOT NULL REFERENCES rowport.deliveries (id) ON DELETE CASCADE,
    number integer NOT NULL CHECK (number >= 1),
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    began_at timestamptz NOT NULL,
    duration_ms integer NOT NULL CHECK (duration_ms >= 0),
    status smallint,
    error text,
    answer text,
    PRIMARY KEY (delivery_id, number)
);
COMMENT ON TABLE rowport.delivery_tries IS 'What came of each try; a missing number: its worker died before it could tell.';

CREATE TABLE rowport.retention_rules (
    organization_id uuid NOT NULL REFERENCES rowport.organizations (id),
    kind text NOT NULL CHECK (kind IN ('upload', 'staging', 'results')),
    days integer NOT NULL CHECK (days BETWEEN 1 AND 36500),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organization_id, kind)
);
COMMENT ON TABLE rowport.retention_rules IS 'Days after an import''s end until it loses what; no row: never.';

-- What an event says of an import.  A function, since the trigger and progress both say it.
CREATE FUNCTION rowport.event_data(i rowport.imports) RETURNS jsonb LANGUAGE sql STABLE AS $$
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

-- A trigger, so that no statement, of whatever version, can change a state and not tell.
CREATE FUNCTION rowport.tell_import() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER tell_import AFTER INSERT OR UPDATE OF state, phase, expired ON rowport.imports
    FOR EACH ROW EXECUTE FUNCTION rowport.tell_import();

GRANT SELECT, INSERT, UPDATE, DELETE ON
    rowport.events, rowport.webhooks, rowport.deliveries, rowport.delivery_tries,
    rowport.retention_rules
    TO rowport_app;
DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'events', 'webhooks', 'deliveries', 'delivery_tries', 'retention_rules'
    ] LOOP
        EXECUTE format('ALTER TABLE rowport.%I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY one_organization ON rowport.%I TO rowport_app '
            'USING (organization_id = nullif(current_setting(''rowport.organization'', true), '''')::uuid) '
            'WITH CHECK (organization_id = nullif(current_setting(''rowport.organization'', true), '''')::uuid)',
            tenant_table);
    END LOOP;
END $$;
