"""The documents of events, webhooks and deliveries; the command line prints the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.wire.times import rfc3339

if TYPE_CHECKING:
    from rowport.model.events import Event
    from rowport.model.webhooks import Delivery, DeliveryTry, Webhook

Document = dict[str, object]


def event_resource(event: Event) -> Document:
    """Say an event."""
    return {
        "id": str(event.id),
        "position": event.position,
        "type": str(event.kind),
        "import_id": str(event.import_id) if event.import_id else None,
        "timestamp": rfc3339(event.created_at),
        "data": dict(event.data),
    }


def webhook_resource(webhook: Webhook) -> Document:
    """Say a webhook; its secret is said by whoever made it, once."""
    return {
        "id": str(webhook.id),
        "oid": webhook.oid,
        "name": webhook.name,
        "url": webhook.url,
        "events": sorted(webhook.events),
        "failing_since": rfc3339(webhook.failing_since),
        "disabled_at": rfc3339(webhook.disabled_at),
        "disabled_reason": webhook.disabled_reason,
        "rotated_at": rfc3339(webhook.rotated_at),
        "created_at": rfc3339(webhook.created_at),
        "updated_at": rfc3339(webhook.updated_at),
    }


def delivery_resource(delivery: Delivery) -> Document:
    """Say a delivery with its log."""
    return {
        "id": str(delivery.id),
        "event_id": str(delivery.event_id),
        "type": str(delivery.kind),
        "import_id": str(delivery.import_id) if delivery.import_id else None,
        "state": str(delivery.state),
        "tries": delivery.tries,
        "due_at": rfc3339(delivery.due_at) if delivery.finished_at is None else None,
        "created_at": rfc3339(delivery.created_at),
        "finished_at": rfc3339(delivery.finished_at),
        "log": [try_resource(each) for each in delivery.log],
    }


def try_resource(tried: DeliveryTry) -> Document:
    """Say what came of a try."""
    return {
        "number": tried.number,
        "began_at": rfc3339(tried.began_at),
        "duration_ms": tried.duration_ms,
        "status": tried.status,
        "error": tried.error,
        "answer": tried.answer,
    }
