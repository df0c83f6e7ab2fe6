"""What the service needs of the ledger to tell of changes, to deliver and to forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from rowport.model.events import Event, EventKind
    from rowport.model.figures import Figures
    from rowport.model.retention import Due, RetentionKind, RetentionRule
    from rowport.model.usage import FileUse, MonthOfUse
    from rowport.model.webhooks import (
        ClaimedDelivery,
        Delivery,
        DeliveryState,
        DeliveryTry,
        Webhook,
    )
    from rowport.ports import Transaction


class EventLedger(Protocol):
    """Events: written with the change that they tell of, published after its commit."""

    def note_progress(self, tx: Transaction, organization_id: UUID, import_id: UUID) -> bool:
        """Tell how far an import is, unless that was told within a second; tells whether it did."""
        ...

    def publish(self, tx: Transaction) -> int:
        """Number what has committed, make deliveries of it and wake listeners; gives how many."""
        ...

    def after(
        self,
        tx: Transaction,
        organization_id: UUID,
        position: int,
        *,
        import_id: UUID | None,
        limit: int,
    ) -> Sequence[Event]:
        """Give the first events behind a position, in order."""
        ...

    def newest(self, tx: Transaction, organization_id: UUID) -> int:
        """Give the position behind which everything is new; 0 when nothing ever happened."""
        ...

    def after_of_all(self, tx: Transaction, position: int, *, limit: int) -> Sequence[Event]:
        """Give the first events behind a position, of all organizations, in order."""
        ...

    def newest_of_all(self, tx: Transaction) -> int:
        """Give the position behind which everything is new in all organizations."""
        ...

    def is_all_told(
        self, tx: Transaction, organization_id: UUID, import_id: UUID, position: int
    ) -> bool | None:
        """Tell whether an import has ended and all of it is told up to a position.

        None: there is no such import.
        """
        ...

    def add_test(self, tx: Transaction, organization_id: UUID, data: Mapping[str, object]) -> UUID:
        """Write an event that is of no import."""
        ...

    def drop_old(self, tx: Transaction, *, kept: timedelta, limit: int) -> int:
        """Forget old events of all organizations that nobody waits for; gives how many."""
        ...

    def unfinished(self, tx: Transaction) -> tuple[bool, bool]:
        """Tell whether events wait to be published, and whether a delivery is due."""
        ...


class Listener(Protocol):
    """A line on which this process hears of new events; one for all that listen here."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for new events; False when none came in time.

        Raises:
            Unavailable: the line broke; the next call makes a new one.
        """
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class WebhookLedger(Protocol):
    """Webhooks, what is to be delivered to them, and what came of it."""

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
        ...

    def find(self, tx: Transaction, organization_id: UUID, name: str) -> Webhook | None:
        """Give the webhook of this name."""
        ...

    def list(self, tx: Transaction, organization_id: UUID) -> Sequence[Webhook]:
        """Give all webhooks, by name."""
        ...

    def delete(self, tx: Transaction, webhook: Webhook) -> None:
        """Forget a webhook with its deliveries."""
        ...

    def claim(self, tx: Transaction, *, hold: timedelta) -> ClaimedDelivery | None:
        """Take what is due longest and count the try; commit before sending.

        The webhook is told nothing else until the try ended or `hold` has passed.
        """
        ...

    def add(
        self, tx: Transaction, webhook: Webhook, event_id: UUID, *, delay: timedelta
    ) -> ClaimedDelivery:
        """Make a delivery and claim it; if nothing comes of that, it is due after `delay`."""
        ...

    def note_try(self, tx: Transaction, claimed: ClaimedDelivery, tried: DeliveryTry) -> None:
        """Write down what came of a try."""
        ...

    def delivered(self, tx: Transaction, claimed: ClaimedDelivery) -> None:
        """End a delivery well; its webhook is free, and does not fail any more."""
        ...

    def delay(self, tx: Transaction, claimed: ClaimedDelivery, delay: timedelta | None) -> None:
        """Let it be tried again after `delay`; None: give it up."""
        ...

    def failing(
        self, tx: Transaction, claimed: ClaimedDelivery, *, patience: timedelta
    ) -> tuple[datetime, bool]:
        """Free the webhook of a failed try; give since when it fails, and if that is too long."""
        ...

    def disable(self, tx: Transaction, webhook: Webhook, reason: str) -> None:
        """Tell it nothing more, and give up what waits for it."""
        ...

    def deliveries(
        self, tx: Transaction, webhook: Webhook, *, state: DeliveryState | None, limit: int
    ) -> Sequence[Delivery]:
        """Give its deliveries with all tries, the newest first."""
        ...

    def replay(
        self,
        tx: Transaction,
        webhook: Webhook,
        *,
        delivery_id: UUID | None,
        state: DeliveryState | None,
    ) -> int:
        """Let deliveries be tried anew; gives how many."""
        ...


class FigureLedger(Protocol):
    """Numbers about the whole installation."""

    def now(self, tx: Transaction) -> Figures:
        """Say how things stand; reads every import and chunk."""
        ...


class UsageLedger(Protocol):
    """What organizations use."""

    def months(
        self, tx: Transaction, organization_id: UUID | None, *, months: int
    ) -> Sequence[MonthOfUse]:
        """Give the newest months, this one first; None: of all organizations."""
        ...

    def files(self, tx: Transaction, organization_id: UUID, import_id: UUID) -> Sequence[FileUse]:
        """Give the files of an import in their order, each with its own counts."""
        ...


class RetentionLedger(Protocol):
    """How long what belongs to an import is kept after its end."""

    def set(
        self, tx: Transaction, organization_id: UUID, kind: RetentionKind, days: int | None
    ) -> None:
        """Keep a kind for so many days after an import's end; None: for ever."""
        ...

    def rules(self, tx: Transaction, organization_id: UUID) -> Sequence[RetentionRule]:
        """Give the rule of each kind."""
        ...

    def due(self, tx: Transaction, organization_id: UUID | None, *, limit: int) -> Sequence[Due]:
        """Give what is to be let go, the oldest first; None: of all organizations."""
        ...

    def mark(self, tx: Transaction, due: Due) -> bool:
        """Say that it is kept no more; False when the import was opened again meanwhile."""
        ...

    def gone(self, tx: Transaction, due: Due) -> None:
        """Say that it is deleted to its end."""
        ...

    def drop_results(self, tx: Transaction, due: Due) -> None:
        """Forget the fates of an import's rows; its counts stay."""
        ...
