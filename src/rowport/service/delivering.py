"""Deliver events to webhooks: at least once, with the same id on each try.

A try is counted and its webhook held in a transaction that commits before anything is sent; what
came of it is written in another.  Whoever dies between the two leaves a hold that passes.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from rowport import __version__
from rowport.model.webhooks import DeliveryTry
from rowport.outbound.posting import Posted, post
from rowport.service.signatures import derived_secret, signature_header

if TYPE_CHECKING:
    from collections.abc import Collection

    from rowport.model.events import Event
    from rowport.model.webhooks import ClaimedDelivery, Webhook
    from rowport.ports import Transaction
    from rowport.ports.ledger import Ledger

KEY_NAME: Final = "webhooks"
KEY_BYTES: Final = 32
HOLD: Final = timedelta(seconds=30)
"""Longer than a try takes; a webhook whose worker died waits so long for the next."""
DELAYS: Final = tuple(
    timedelta(seconds=s) for s in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""After each failed try: 75 hours in all.  The specification's example schedule."""
PATIENCE: Final = timedelta(days=5)
"""A webhook that only failed for so long is disabled."""
OVERLAP: Final = timedelta(hours=24)
"""How long the secret before a rotation signs too."""
GONE: Final = 410
JITTER: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    """Sends what is due; any number of threads may share one."""

    ledger: Ledger
    allowed: Collection[str]
    """Hosts (`host:port`) that may be private."""

    def claim(self) -> ClaimedDelivery | None:
        """Take what is due longest of all organizations; None when nothing is."""
        with self.ledger.database.transaction() as tx:
            return self.ledger.webhooks.claim(tx, hold=HOLD)

    def deliver(self, claimed: ClaimedDelivery) -> DeliveryTry:
        """Send a claimed delivery once and write down what came of it.

        Raises:
            Unavailable: the database went away; the delivery is tried again.
        """
        began_at = datetime.now(UTC)
        body = body_of(claimed.event)
        posted = post(
            claimed.webhook.url,
            headers=self._headers(claimed, body, began_at),
            body=body,
            allowed=self.allowed,
        )
        tried = DeliveryTry(
            number=claimed.number,
            began_at=began_at,
            duration_ms=posted.duration_ms,
            status=posted.status,
            error=_error(posted),
            answer=_readable(posted.answer) if posted.answer else None,
        )
        with self.ledger.database.transaction() as tx:
            if tried.error is None:
                self.ledger.webhooks.delivered(tx, claimed)
            else:
                self._failed(tx, claimed, tried, posted)
            self.ledger.webhooks.note_try(tx, claimed, tried)
        return tried

    def _failed(
        self, tx: Transaction, claimed: ClaimedDelivery, tried: DeliveryTry, posted: Posted
    ) -> None:
        webhooks = self.ledger.webhooks
        since, is_too_long = webhooks.failing(tx, claimed, patience=PATIENCE)
        webhooks.delay(tx, claimed, next_delay(claimed.round_tries, posted.retry_after_s))
        if posted.status == GONE:
            webhooks.disable(tx, claimed.webhook, "The receiver answered 410 Gone.")
        elif is_too_long:
            reason = f"Every try failed since {since:%Y-%m-%d %H:%M} UTC; the last: {tried.error}."
            webhooks.disable(tx, claimed.webhook, reason)

    def _headers(self, claimed: ClaimedDelivery, body: bytes, now: datetime) -> dict[str, str]:
        with self.ledger.database.transaction() as tx:
            key = self.ledger.access.secret(tx, KEY_NAME, secrets.token_bytes(KEY_BYTES))
        message_id, timestamp = f"evt_{claimed.event.id.hex}", int(time.time())
        return {
            "Content-Type": "application/json",
            "User-Agent": f"Rowport/{__version__}",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature_header(
                valid_secrets(key, claimed.webhook, now),
                message_id=message_id,
                timestamp=timestamp,
                body=body,
            ),
        }


def valid_secrets(key: bytes, webhook: Webhook, now: datetime) -> list[bytes]:
    """Give the secrets that sign now, the newest first: two for a day after a rotation."""
    version = webhook.secret_version
    found = [derived_secret(key, webhook.id, version)]
    if version > 1 and webhook.rotated_at is not None and now - webhook.rotated_at < OVERLAP:
        found.append(derived_secret(key, webhook.id, version - 1))
    return found


def body_of(event: Event) -> bytes:
    """Give what is sent of an event; the same bytes on each try."""
    stamp = event.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    said = {"type": str(event.kind), "timestamp": stamp, "data": dict(event.data)}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def next_delay(tries: int, retry_after_s: int | None) -> timedelta | None:
    """Give how long to wait after so many failed tries; None: give up.

    The receiver may ask for more, and gets it.
    """
    if tries > len(DELAYS):
        return None
    jitter = 1 + JITTER * (secrets.randbelow(2001) - 1000) / 1000
    return max(DELAYS[tries - 1] * jitter, timedelta(seconds=retry_after_s or 0))


def _error(posted: Posted) -> str | None:
    match posted.status:
        case None:
            return posted.error
        case status if 200 <= status < 300:  # noqa: PLR2004  HTTP's classes
            return None
        case status if 300 <= status < 400:  # noqa: PLR2004  redirects
            return f"the receiver answered {status}; redirects are not followed"
        case status:
            return f"the receiver answered {status}"


def _readable(answer: bytes) -> str:
    return answer.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
