-- Fairness: whose chunk comes next, and how many imports of an organization run at once.
SET LOCAL lock_timeout = '5s';

ALTER TABLE rowport.organizations
    ADD COLUMN running_limit integer CHECK (running_limit >= 1),
    ADD COLUMN weight smallint NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100);
COMMENT ON COLUMN rowport.organizations.running_limit IS
    'How many of its imports run at once; null: as many as the installation says.';
COMMENT ON COLUMN rowport.organizations.weight IS
    'Its share of the workers beside others that have work.';

ALTER TABLE rowport.imports ADD CONSTRAINT imports_priority_is_known
    CHECK (priority BETWEEN -1 AND 1) NOT VALID;
COMMENT ON COLUMN rowport.chunks.turn IS 'The order of the chunks of one import.';

-- Losing these with a crash of the server costs nothing: all begin anew, side by side.
CREATE UNLOGGED TABLE rowport.organization_turns (
    organization_id uuid PRIMARY KEY,
    start double precision NOT NULL,
    claims bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE rowport.organization_turns IS
    'When each organization may have its next chunk, by a clock that counts the claims of all.';
COMMENT ON COLUMN rowport.organization_turns.claims IS
    'How many chunks of it were claimed: the clock of its imports.';
CREATE UNLOGGED TABLE rowport.import_turns (
    import_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    start double precision NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE rowport.import_turns IS
    'When each import may have its next chunk, by the clock of its organization.';
GRANT SELECT, INSERT, UPDATE, DELETE ON rowport.organization_turns, rowport.import_turns TO rowport_app;
ALTER TABLE rowport.organization_turns ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON rowport.organization_turns TO rowport_app
    USING (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid);
ALTER TABLE rowport.import_turns ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON rowport.import_turns TO rowport_app
    USING (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('rowport.organization', true), '')::uuid);

DROP INDEX rowport.chunks_next;
CREATE INDEX chunks_next ON rowport.chunks (organization_id, import_id, turn)
    WHERE state IN ('waiting', 'undoing');
CREATE INDEX imports_running ON rowport.imports (organization_id)
    WHERE state IN ('running', 'pausing', 'canceling');

-- Imports that have chunks to be done, each with its place: first by organization, then among the
-- imports of one.  Weighted fair queueing by virtual time on both levels: whoever got a chunk comes
-- again after the sum of all weights divided by its own, and nobody can save up more than one such
-- round.  An import is due at the end of its next span, so that a heavier one comes first; its first
-- span begins when it is seen first, so that none can be put off for ever.
CREATE FUNCTION rowport.lanes(installation_limit integer)
RETURNS TABLE (
    organization_id uuid, import_id uuid, organization_start double precision,
    organization_step double precision, start double precision, step double precision,
    due double precision, is_new boolean, clock bigint, is_barred boolean, running bigint,
    running_limit integer
)
LANGUAGE sql STABLE
SET enable_seqscan = off
SET enable_bitmapscan = off
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

-- The chunk whose turn it is, taken; no row when none waits.  One claims at a time, for as long as
-- the claim takes.  That a claim is lost with a crash of the server does no harm, so it does not
-- wait for the disk.
CREATE FUNCTION rowport.claim_chunk(installation_limit integer) RETURNS SETOF rowport.chunks
LANGUAGE plpgsql
SET enable_seqscan = off
SET enable_bitmapscan = off
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
