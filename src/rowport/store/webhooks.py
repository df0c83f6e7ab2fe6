"""Webhooks and their deliveries in the ledger."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rowport.model.events import Event, EventKind
from rowport.model.ids import new_oid, new_uuid
from rowport.model.webhooks import ClaimedDelivery, Delivery, DeliveryState, DeliveryTry, Webhook
from rowport.store.saying import many, one, only, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from rowport.ports import Transaction


def _names(webhook: Webhook) -> dict[str, UUID]:
    return {"organization_id": webhook.organization_id, "id": webhook.id}


def _delivery_names(claimed: ClaimedDelivery) -> dict[str, UUID]:
    return {"organization_id": claimed.webhook.organization_id, "id": claimed.id}


class PostgresWebhooks:
    """Webhooks in the ledger."""

    def put(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        name: str,
        url: str,
        events: frozenset[EventKind],
        rotate: bool,
    ) -> Webhook:
        """Make a webhook, or change and enable the one of this name."""
        say(
            tx,
            "put_webhook",
            id=new_uuid(),
            oid=new_oid(),
            organization_id=organization_id,
            name=name,
            url=url,
            events=sorted(events),
            rotate=rotate,
        )
        return _to_webhook(only(tx, "webhook_by_name", organization_id=organization_id, name=name))

    def find(self, tx: Transaction, organization_id: UUID, name: str) -> Webhook | None:
        """Give the webhook of this name."""
        row = one(tx, "webhook_by_name", organization_id=organization_id, name=name)
        return None if row is None else _to_webhook(row)

    def list(self, tx: Transaction, organization_id: UUID) -> Sequence[Webhook]:
        """Give all webhooks, by name."""
        rows = many(tx, "list_webhooks", organization_id=organization_id)
        return [_to_webhook(row) for row in rows]

    def delete(self, tx: Transaction, webhook: Webhook) -> None:
        """Forget a webhook with its deliveries."""
        say(tx, "delete_webhook", **_names(webhook))

    def claim(self, tx: Transaction, *, hold: timedelta) -> ClaimedDelivery | None:
        """Take what is due longest and count the try; commit before sending."""
        row = one(tx, "claim_delivery", hold=hold)
        return None if row is None else _to_claimed(only(tx, "claimed_delivery", **row))

    def add(
        self, tx: Transaction, webhook: Webhook, event_id: UUID, *, delay: timedelta
    ) -> ClaimedDelivery:
        """Make a delivery and claim it; if nothing comes of that, it is due after `delay`."""
        organization_id = webhook.organization_id
        row = only(
            tx,
            "insert_delivery",
            organization_id=organization_id,
            webhook_id=webhook.id,
            event_id=event_id,
            delay=delay,
        )
        claimed = only(tx, "claim_this_delivery", organization_id=organization_id, id=row["id"])
        return _to_claimed(only(tx, "claimed_delivery", **claimed))

    def note_try(self, tx: Transaction, claimed: ClaimedDelivery, tried: DeliveryTry) -> None:
        """Write down what came of a try."""
        say(
            tx,
            "insert_try",
            number=tried.number,
            began_at=tried.began_at,
            duration_ms=tried.duration_ms,
            status=tried.status,
            error=tried.error,
            answer=tried.answer,
            **_delivery_names(claimed),
        )

    def delivered(self, tx: Transaction, claimed: ClaimedDelivery) -> None:
        """End a delivery well; its webhook is free, and does not fail any more."""
        # The webhook first, as whoever claims does: otherwise the two could wait for each other.
        say(tx, "free_webhook_well", **_names(claimed.webhook))
        say(tx, "end_delivery", state=DeliveryState.DELIVERED, **_delivery_names(claimed))

    def delay(self, tx: Transaction, claimed: ClaimedDelivery, delay: timedelta | None) -> None:
        """Let it be tried again after `delay`; None: give it up."""
        names = _delivery_names(claimed)
        if delay is None:
            say(tx, "end_delivery", state=DeliveryState.FAILED, **names)
        else:
            say(tx, "delay_delivery", delay=delay, **names)

    def failing(
        self, tx: Transaction, claimed: ClaimedDelivery, *, patience: timedelta
    ) -> tuple[datetime, bool]:
        """Free the webhook of a failed try; give since when it fails, and if that is too long."""
        row = one(tx, "free_webhook_ill", patience=patience, **_names(claimed.webhook))
        if row is None:  # it was deleted meanwhile
            return claimed.event.created_at, False
        return row["failing_since"], row["too_long"]

    def disable(self, tx: Transaction, webhook: Webhook, reason: str) -> None:
        """Tell it nothing more, and give up what waits for it."""
        say(tx, "disable_webhook", reason=reason, **_names(webhook))
        say(tx, "give_up_deliveries", **_names(webhook))

    def deliveries(
        self, tx: Transaction, webhook: Webhook, *, state: DeliveryState | None, limit: int
    ) -> Sequence[Delivery]:
        """Give its deliveries with all tries, the newest first."""
        organization_id = webhook.organization_id
        rows = many(
            tx,
            "list_deliveries",
            organization_id=organization_id,
            webhook_id=webhook.id,
            state=state,
            limit=limit,
        )
        ids = [row["id"] for row in rows]
        tries = many(tx, "tries_of_deliveries", organization_id=organization_id, ids=ids)
        logs = {key: list(log) for key, log in groupby(tries, key=itemgetter("delivery_id"))}
        return [_to_delivery(row, logs.get(row["id"], [])) for row in rows]

    def replay(
        self,
        tx: Transaction,
        webhook: Webhook,
        *,
        delivery_id: UUID | None,
        state: DeliveryState | None,
    ) -> int:
        """Let deliveries be tried anew; gives how many."""
        return say(
            tx,
            "replay_deliveries",
            organization_id=webhook.organization_id,
            webhook_id=webhook.id,
            id=delivery_id,
            state=state,
        )


def _to_webhook(row: Mapping[str, Any]) -> Webhook:
    return Webhook(**{**row, "events": frozenset(EventKind(kind) for kind in row["events"])})


WEBHOOK = (
    "oid", "organization_id", "name", "url", "events", "secret_version", "rotated_at",
    "failing_since", "disabled_at", "disabled_reason", "created_at", "updated_at",
)  # fmt: skip


def _to_claimed(row: Mapping[str, Any]) -> ClaimedDelivery:
    return ClaimedDelivery(
        id=row["id"],
        webhook=_to_webhook({"id": row["webhook_id"], **{name: row[name] for name in WEBHOOK}}),
        event=Event(
            id=row["event_id"],
            position=row["position"],
            organization_id=row["organization_id"],
            import_id=row["import_id"],
            kind=EventKind(row["kind"]),
            data=row["data"],
            created_at=row["event_created_at"],
        ),
        number=row["tries"],
        round_tries=row["round_tries"],
    )


def _to_delivery(row: Mapping[str, Any], log: Sequence[Mapping[str, Any]]) -> Delivery:
    tries = tuple(
        DeliveryTry(**{key: value for key, value in each.items() if key != "delivery_id"})
        for each in log
    )
    known = {"kind": EventKind(row["kind"]), "state": DeliveryState(row["state"]), "log": tries}
    return Delivery(**{**row, **known})
