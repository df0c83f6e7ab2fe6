-- insert_feed --
INSERT INTO rowport.feeds
    (id, oid, organization_id, name, record_type_id, source_kind, source, schedule_kind, schedule,
     mapping, options, secrets, next_run_at, ends_at, created_by, attributes)
VALUES
    (%(id)s, %(oid)s, %(organization_id)s, %(name)s, %(record_type_id)s, %(source_kind)s,
     %(source)s, %(schedule_kind)s, %(schedule)s, %(mapping)s, %(options)s, %(secrets)s,
     %(next_run_at)s,
     %(ends_at)s, %(created_by)s, %(attributes)s);

-- feed_by_oid --
-- include feed_columns --
WHERE f.organization_id = %(organization_id)s AND f.oid = %(oid)s;

-- list_feeds --
-- include feed_columns --
WHERE f.organization_id = %(organization_id)s
ORDER BY f.created_at DESC, f.id DESC;

-- archive_feed --
UPDATE rowport.feeds
SET archived_at = coalesce(archived_at, clock_timestamp()), updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- lock_feed_by_name --
-- include feed_columns --
WHERE f.organization_id = %(organization_id)s AND f.name = %(name)s
FOR UPDATE OF f;

-- change_feed --
UPDATE rowport.feeds
SET record_type_id = %(record_type_id)s, source_kind = %(source_kind)s, source = %(source)s,
    schedule_kind = %(schedule_kind)s, schedule = %(schedule)s, mapping = %(mapping)s,
    options = %(options)s, secrets = %(secrets)s, next_run_at = %(next_run_at)s,
    ends_at = %(ends_at)s, attributes = attributes || %(attributes)s, archived_at = NULL,
    updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- pause_feed --
UPDATE rowport.feeds
SET paused_at = clock_timestamp(), paused_by = %(by)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s AND paused_at IS NULL;

-- resume_feed --
UPDATE rowport.feeds
SET paused_at = NULL, paused_by = NULL, next_run_at = %(next_run_at)s,
    updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- due_feeds --
-- include feed_columns --
WHERE f.next_run_at <= clock_timestamp() AND f.archived_at IS NULL AND f.paused_at IS NULL
ORDER BY f.next_run_at
LIMIT %(limit)s
FOR UPDATE OF f SKIP LOCKED;

-- set_next_run --
UPDATE rowport.feeds SET next_run_at = %(next_run_at)s
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- open_feed_run --
INSERT INTO rowport.feed_runs (id, organization_id, feed_id, slot, asked_by)
VALUES (%(id)s, %(organization_id)s, %(feed_id)s, %(slot)s, %(asked_by)s)
ON CONFLICT DO NOTHING;

-- skip_feed_run --
INSERT INTO rowport.feed_runs (id, organization_id, feed_id, slot, state, reason, finished_at)
VALUES (%(id)s, %(organization_id)s, %(feed_id)s, %(slot)s, 'skipped', %(reason)s,
        clock_timestamp())
ON CONFLICT DO NOTHING;

-- feed_is_busy_with --
SELECT format('its run of %%s', to_char(r.slot AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
       AS what
FROM rowport.feed_runs AS r
WHERE r.feed_id = %(feed_id)s AND r.state = 'open'
UNION ALL
SELECT format('its import %%s, which is %%s', i.id, i.state)
FROM rowport.imports AS i
WHERE i.organization_id = %(organization_id)s AND i.feed_id = %(feed_id)s
  AND i.finished_at IS NULL
LIMIT 1;

-- waiting_feed_runs --
-- A hold that lies further ahead than any is taken was made before the clock was set back.
SELECT r.id
FROM rowport.feed_runs AS r
WHERE r.state = 'open' AND r.run_after <= clock_timestamp()
  AND (r.busy_until IS NULL OR r.busy_until <= clock_timestamp()
       OR r.busy_until > clock_timestamp() + interval '10 minutes')
ORDER BY r.run_after
LIMIT %(limit)s;

-- claim_feed_run --
UPDATE rowport.feed_runs AS r
SET attempt = r.attempt + 1, busy_until = clock_timestamp() + %(busy_for)s
FROM rowport.feeds AS f
WHERE r.id = %(id)s AND f.id = r.feed_id AND r.state = 'open'
  AND r.run_after <= clock_timestamp()
  AND (r.busy_until IS NULL OR r.busy_until <= clock_timestamp()
       OR r.busy_until > clock_timestamp() + interval '10 minutes')
RETURNING r.id, r.organization_id, r.feed_id, f.oid AS feed_oid, r.slot, r.asked_by, r.state,
          r.looks, r.files, r.reason, r.attempt, r.created_at, r.finished_at;

-- hold_feed_run --
UPDATE rowport.feed_runs SET busy_until = clock_timestamp() + %(busy_for)s
WHERE organization_id = %(organization_id)s AND id = %(id)s AND attempt = %(attempt)s
  AND state = 'open';

-- note_feed_run --
UPDATE rowport.feed_runs
SET files = coalesce(%(files)s, files), reason = %(reason)s, state = %(state)s, looks = looks + 1,
    busy_until = NULL, run_after = clock_timestamp() + coalesce(%(again_in)s, interval '0'),
    finished_at = CASE WHEN %(state)s <> 'open' THEN clock_timestamp() END
WHERE organization_id = %(organization_id)s AND id = %(id)s AND attempt = %(attempt)s
  AND state = 'open'
RETURNING files;

-- feed_runs --
SELECT r.id, r.organization_id, r.feed_id, f.oid AS feed_oid, r.slot, r.asked_by, r.state, r.looks,
       r.files, r.reason, r.attempt, r.created_at, r.finished_at
FROM rowport.feed_runs AS r
JOIN rowport.feeds AS f ON f.id = r.feed_id
WHERE r.organization_id = %(organization_id)s AND r.feed_id = %(feed_id)s
ORDER BY r.slot DESC
LIMIT %(limit)s;

-- known_feed_files --
SELECT k.name, k.version, k.import_id
FROM rowport.feed_files AS k
WHERE k.organization_id = %(organization_id)s AND k.feed_id = %(feed_id)s
  AND k.name = ANY (%(names)s);

-- known_feed_content --
SELECT k.import_id
FROM rowport.feed_files AS k
WHERE k.organization_id = %(organization_id)s AND k.feed_id = %(feed_id)s
  AND k.sha256 = %(sha256)s
LIMIT 1;

-- take_feed_file --
INSERT INTO rowport.feed_files
    (feed_id, name, version, organization_id, size_bytes, sha256, import_id)
VALUES
    (%(feed_id)s, %(name)s, %(version)s, %(organization_id)s, %(size_bytes)s, %(sha256)s,
     %(import_id)s)
ON CONFLICT (feed_id, name, version) DO UPDATE
SET sha256 = EXCLUDED.sha256, import_id = EXCLUDED.import_id, taken_at = clock_timestamp();
