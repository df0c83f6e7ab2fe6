"""Webhooks as their owners see them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rowport.model.errors import InvalidOptions, NotFound, WebhookDisabled, WebhookNotFound
from rowport.model.events import TERMINAL, EventKind
from rowport.model.webhooks import DeliveryState
from rowport.outbound.guard import Unsafe, resolve
from rowport.service.delivering import KEY_BYTES, KEY_NAME
from rowport.service.signatures import derived_secret, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rowport.model.webhooks import Delivery, DeliveryTry, Webhook
    from rowport.ports.ledger import Ledger
    from rowport.service.delivering import Delivering

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
CHOICES: Final = tuple(kind for kind in EventKind if kind is not EventKind.TEST)
SOON: Final = timedelta(minutes=1)
"""A test that could not be told of here is tried again by a worker then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Who is told of which events."""

    ledger: Ledger
    delivering: Delivering

    def put(
        self,
        organization_id: UUID,
        name: str,
        url: str,
        *,
        events: frozenset[EventKind] = TERMINAL,
        rotate: bool = False,
    ) -> tuple[Webhook, str | None]:
        """Make a webhook, or change and enable the one of this name.

        The secret is given when it is new (made, or rotated), and never again.

        Raises:
            InvalidOptions: the name, the URL or the events cannot be.
        """
        if not NAME.fullmatch(name):
            raise InvalidOptions(
                "A webhook's name has 1 to 63 letters, digits, dots, dashes and underscores."
            )
        if not events or EventKind.TEST in events:
            raise InvalidOptions(f"A webhook is told of some of: {', '.join(CHOICES)}.")
        self._check(url)
        with self.ledger.database.tenant(organization_id) as tx:
            is_new = self.ledger.webhooks.find(tx, organization_id, name) is None
            webhook = self.ledger.webhooks.put(
                tx, organization_id, name=name, url=url, events=events, rotate=rotate
            )
        return webhook, self._secret(webhook) if is_new or rotate else None

    def get(self, organization_id: UUID, name: str) -> Webhook:
        """Give a webhook by its name.

        Raises:
            WebhookNotFound: this organization has none of this name.
        """
        if not NAME.fullmatch(name):  # no database text holds a NUL
            raise WebhookNotFound(f"There is no webhook {name[:63]!r}.")
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.webhooks.find(tx, organization_id, name)
        if found is None:
            raise WebhookNotFound(f"There is no webhook {name}.")
        return found

    def list(self, organization_id: UUID) -> Sequence[Webhook]:
        """Give all webhooks, by name."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.webhooks.list(tx, organization_id)

    def delete(self, organization_id: UUID, name: str) -> Webhook:
        """Forget a webhook with its deliveries.

        Raises:
            WebhookNotFound: as above.
        """
        webhook = self.get(organization_id, name)
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.webhooks.delete(tx, webhook)
        return webhook

    def deliveries(
        self,
        organization_id: UUID,
        name: str,
        *,
        state: DeliveryState | None = None,
        limit: int = 50,
    ) -> Sequence[Delivery]:
        """Give its deliveries with all tries, the newest first.

        Raises:
            WebhookNotFound: as above.
        """
        webhook = self.get(organization_id, name)
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.webhooks.deliveries(tx, webhook, state=state, limit=limit)

    def replay(self, organization_id: UUID, name: str, *, delivery_id: UUID | None = None) -> int:
        """Send one delivery again, or all that failed; gives how many.

        The receiver sees the ids of before.

        Raises:
            WebhookNotFound: as above.
            WebhookDisabled: nothing is sent to it.
            NotFound: it has no such delivery.
        """
        webhook = self.get(organization_id, name)
        if webhook.disabled_at is not None:
            raise WebhookDisabled(
                f"The webhook {name} is disabled: {webhook.disabled_reason} "
                "Put it again to enable it."
            )
        state = DeliveryState.FAILED if delivery_id is None else None
        with self.ledger.database.tenant(organization_id) as tx:
            count = self.ledger.webhooks.replay(tx, webhook, delivery_id=delivery_id, state=state)
        if delivery_id is not None and not count:
            raise NotFound(f"The webhook {name} has no delivery {delivery_id}.")
        return count

    def test(self, organization_id: UUID, name: str) -> DeliveryTry:
        """Send a `webhook.test` event from here and now, and give what came of it.

        Raises:
            WebhookNotFound: as above.
        """
        webhook = self.get(organization_id, name)
        with self.ledger.database.tenant(organization_id) as tx:
            event_id = self.ledger.events.add_test(tx, organization_id, {"webhook": name})
            claimed = self.ledger.webhooks.add(tx, webhook, event_id, delay=SOON)
        return self.delivering.deliver(claimed)

    def _check(self, url: str) -> None:
        try:
            resolve(url, self.delivering.allowed)
        except Unsafe:
            raise InvalidOptions(
                "The URL is no plain http or https URL, its host cannot be found, or it leads to "
                "an address that is not public. Whoever runs Rowport can allow a private host "
                "with ROWPORT_OUTBOUND_ALLOW=HOST:PORT."
            ) from None

    def _secret(self, webhook: Webhook) -> str:
        with self.ledger.database.transaction() as tx:
            key = self.ledger.access.secret(tx, KEY_NAME, secrets.token_bytes(KEY_BYTES))
        return shown(derived_secret(key, webhook.id, webhook.secret_version))
