"""What the service needs of the ledger to tell of changes, to deliver and to forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

    from rowport.model.events import Event
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
