-- put_webhook --
-- Makes it, or changes the one of this name, which is enabled again.
INSERT INTO rowport.webhooks AS w (id, oid, organization_id, name, url, events)
VALUES (%(id)s, %(oid)s, %(organization_id)s, %(name)s, %(url)s, %(events)s)
ON CONFLICT (organization_id, name) DO UPDATE
SET url = excluded.url, events = excluded.events,
    secret_version = w.secret_version + %(rotate)s::boolean::integer,
    rotated_at = CASE WHEN %(rotate)s THEN clock_timestamp() ELSE w.rotated_at END,
    failing_since = NULL, disabled_at = NULL, disabled_reason = NULL,
    updated_at = clock_timestamp()
RETURNING id;

-- webhook_by_name --
-- include webhook_columns --
FROM rowport.webhooks AS w
WHERE w.organization_id = %(organization_id)s AND w.name = %(name)s;

-- list_webhooks --
-- include webhook_columns --
FROM rowport.webhooks AS w
WHERE w.organization_id = %(organization_id)s
ORDER BY w.name, w.id;

-- delete_webhook --
DELETE FROM rowport.webhooks
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- claim_delivery --
-- The delivery that is due longest, of all organizations, with its try counted and its webhook held;
-- committed before anything is sent, so that a try that kills its worker counts.
WITH next AS (
    SELECT w.id AS webhook_id, f.id
    FROM rowport.webhooks AS w
    CROSS JOIN LATERAL (
        SELECT n.id, n.due_at
        FROM rowport.deliveries AS n
        WHERE n.webhook_id = w.id AND n.state = 'waiting' AND n.due_at <= clock_timestamp()
        ORDER BY n.due_at, n.id
        LIMIT 1
    ) AS f
    -- include free_webhook --
    ORDER BY f.due_at, f.id
    LIMIT 1
    FOR NO KEY UPDATE OF w SKIP LOCKED
), held AS (
    UPDATE rowport.webhooks AS h
    SET busy_until = clock_timestamp() + %(hold)s
    FROM next
    WHERE h.id = next.webhook_id
)
UPDATE rowport.deliveries AS d
SET tries = d.tries + 1, round_tries = d.round_tries + 1
FROM next
WHERE d.id = next.id AND d.state = 'waiting'
RETURNING d.id, d.organization_id;

-- claim_this_delivery --
UPDATE rowport.deliveries
SET tries = tries + 1, round_tries = round_tries + 1
WHERE organization_id = %(organization_id)s AND id = %(id)s AND state = 'waiting'
RETURNING id, organization_id;

-- claimed_delivery --
-- All that is needed to send it.
SELECT d.id, d.tries, d.round_tries, e.id AS event_id, coalesce(e.position, 0) AS position,
       e.import_id, e.kind, e.data, e.created_at AS event_created_at, w.id AS webhook_id, w.oid,
       w.organization_id, w.name, w.url, w.events, w.secret_version, w.rotated_at, w.failing_since,
       w.disabled_at, w.disabled_reason, w.created_at, w.updated_at
FROM rowport.deliveries AS d
JOIN rowport.events AS e ON e.id = d.event_id
JOIN rowport.webhooks AS w ON w.id = d.webhook_id
WHERE d.organization_id = %(organization_id)s AND d.id = %(id)s;

-- insert_delivery --
INSERT INTO rowport.deliveries (organization_id, webhook_id, event_id, due_at)
VALUES (%(organization_id)s, %(webhook_id)s, %(event_id)s, clock_timestamp() + %(delay)s)
RETURNING id;

-- insert_try --
-- Nothing happens when the delivery is gone with its webhook.
INSERT INTO rowport.delivery_tries
    (delivery_id, number, organization_id, began_at, duration_ms, status, error, answer)
SELECT d.id, %(number)s, d.organization_id, %(began_at)s, %(duration_ms)s, %(status)s, %(error)s,
       %(answer)s
FROM rowport.deliveries AS d
WHERE d.organization_id = %(organization_id)s AND d.id = %(id)s
ON CONFLICT (delivery_id, number) DO NOTHING;

-- end_delivery --
UPDATE rowport.deliveries
SET state = %(state)s, finished_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s AND state = 'waiting';

-- delay_delivery --
UPDATE rowport.deliveries
SET due_at = clock_timestamp() + %(delay)s
WHERE organization_id = %(organization_id)s AND id = %(id)s AND state = 'waiting';

-- free_webhook_well --
UPDATE rowport.webhooks
SET busy_until = NULL, failing_since = NULL
WHERE organization_id = %(organization_id)s AND id = %(id)s;

-- free_webhook_ill --
-- Gives whether it has failed for too long.
UPDATE rowport.webhooks
SET busy_until = NULL, failing_since = coalesce(failing_since, clock_timestamp())
WHERE organization_id = %(organization_id)s AND id = %(id)s
RETURNING failing_since, failing_since <= clock_timestamp() - %(patience)s AS too_long;

-- disable_webhook --
UPDATE rowport.webhooks
SET disabled_at = clock_timestamp(), disabled_reason = %(reason)s, updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(id)s AND disabled_at IS NULL;

-- give_up_deliveries --
-- They may be replayed when the webhook is enabled again.
UPDATE rowport.deliveries
SET state = 'failed', finished_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND webhook_id = %(id)s AND state = 'waiting';

-- list_deliveries --
-- The newest first; a state that is null does not filter.
SELECT d.id, d.event_id, e.kind, e.import_id, d.state, d.tries, d.due_at, d.created_at, d.finished_at
FROM rowport.deliveries AS d
JOIN rowport.events AS e ON e.id = d.event_id
WHERE d.organization_id = %(organization_id)s AND d.webhook_id = %(webhook_id)s
  AND (%(state)s::text IS NULL OR d.state = %(state)s)
ORDER BY d.created_at DESC, d.id DESC
LIMIT %(limit)s;

-- tries_of_deliveries --
SELECT y.delivery_id, y.number, y.began_at, y.duration_ms, y.status, y.error, y.answer
FROM rowport.delivery_tries AS y
WHERE y.organization_id = %(organization_id)s AND y.delivery_id = ANY (%(ids)s::uuid[])
ORDER BY y.delivery_id, y.number;

-- replay_deliveries --
-- With a new round of tries, and the same ids for the receiver.
UPDATE rowport.deliveries
SET state = 'waiting', finished_at = NULL, round_tries = 0, due_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND webhook_id = %(webhook_id)s
  AND (%(id)s::uuid IS NULL OR id = %(id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s);
