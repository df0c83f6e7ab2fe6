"""What happened to imports, for those who follow them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rowport.model.errors import ImportNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from rowport.model.events import Event
    from rowport.ports.ledger import ImportRef, Ledger
    from rowport.ports.telling import Listener

PAGE: Final = 100
PROGRESS_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Reads events, oldest first.

    Events are kept for a while only (ROWPORT_EVENT_DAYS; progress for a day): what an import is
    now, its resource says.
    """

    ledger: Ledger
    listen: Callable[[], Listener]
    """Makes a line on which new events are heard."""

    def after(
        self,
        organization_id: UUID,
        position: int,
        *,
        import_id: UUID | None = None,
        limit: int = PAGE,
    ) -> Sequence[Event]:
        """Give the first events behind a position, of one import or of all.

        Whoever goes on behind the last position that was given misses nothing and sees nothing
        twice.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.events.after(
                tx, organization_id, position, import_id=import_id, limit=limit
            )

    def newest(self, organization_id: UUID) -> int:
        """Give the position behind which everything is new."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.events.newest(tx, organization_id)

    def after_of_all(self, position: int, *, limit: int) -> Sequence[Event]:
        """Give the first events behind a position, of all organizations.

        For who hands them on: nobody sees those of another organization.
        """
        with self.ledger.database.transaction() as tx:
            return self.ledger.events.after_of_all(tx, position, limit=limit)

    def newest_of_all(self) -> int:
        """Give the position behind which everything is new in all organizations."""
        with self.ledger.database.transaction() as tx:
            return self.ledger.events.newest_of_all(tx)

    def is_all_told(self, organization_id: UUID, import_id: UUID, position: int) -> bool:
        """Tell whether an import has ended and nothing is or will be told behind a position.

        It may be tried again later, and then there is more to tell.

        Raises:
            ImportNotFound: the organization has no such import.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            is_over = self.ledger.events.is_all_told(tx, organization_id, import_id, position)
        if is_over is None:
            raise ImportNotFound
        return is_over


@dataclass(slots=True, kw_only=True)
class Telling:
    """Tells how far imports are; one instance a thread."""

    ledger: Ledger
    _told: dict[UUID, float] = field(default_factory=dict)

    def progress(self, ref: ImportRef) -> None:
        """Tell of progress after a chunk, at most once a second for an import.

        Outside the chunk's transaction: that one is for rows, and waits for nobody.
        """
        now = time.monotonic()
        if now - self._told.get(ref.import_id, -PROGRESS_S) < PROGRESS_S:
            return
        self._told = {k: at for k, at in self._told.items() if now - at < PROGRESS_S}
        self._told[ref.import_id] = now
        with self.ledger.database.transaction() as tx:
            self.ledger.events.note_progress(tx, ref.organization_id, ref.import_id)

    def publish(self) -> bool:
        """Publish what was left unpublished; tells whether a delivery is due."""
        with self.ledger.database.transaction() as tx:
            unpublished, due = self.ledger.events.unfinished(tx)
            if unpublished:
                self.ledger.events.publish(tx)
        return unpublished or due
