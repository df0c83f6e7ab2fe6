"""Let go of what is kept no more: uploads, staged chunks and the fates of rows.

First it is said (in the import, with when and why), then deleted, then noted as gone.  Whoever dies
in between leaves something that the next run ends; running twice is running once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from rowport.model.errors import InvalidOptions
from rowport.model.retention import Due, RetentionKind
from rowport.ports.ledger import ImportRef

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from rowport.model.retention import RetentionRule
    from rowport.ports import BlobStore, Transaction
    from rowport.ports.ledger import Ledger

BATCH: Final = 200
LONGEST_DAYS: Final = 36_500


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept, and their end."""

    ledger: Ledger
    blobs: BlobStore

    def set(self, organization_id: UUID, kind: RetentionKind, days: int | None) -> None:
        """Keep a kind for so many days after an import's end; None: for ever.

        Raises:
            InvalidOptions: it is no number of days from 1 to 36,500.
        """
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise InvalidOptions(f"Days are a whole number from 1 to {LONGEST_DAYS}.")
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.retention.set(tx, organization_id, kind, days)

    def rules(self, organization_id: UUID) -> Sequence[RetentionRule]:
        """Give the rule of each kind."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.retention.rules(tx, organization_id)

    def run(
        self, organization_id: UUID | None = None, *, should_stop: Callable[[], bool] = _never
    ) -> Sequence[Due]:
        """Let go of everything that is due; gives what went.  None: of all organizations.

        Nothing of an import that has not ended is touched.
        """
        went: list[Due] = []
        while not should_stop():
            with self.ledger.database.transaction() as tx:
                batch = self.ledger.retention.due(tx, organization_id, limit=BATCH)
            done = [due for due in batch if not should_stop() and self._let_go(due)]
            went += done
            if not done:  # nothing is left, or only what was opened again meanwhile
                break
        return went

    def drop_old_replays(self) -> int:
        """Forget answers for idempotency keys that have expired."""
        total = 0
        while True:
            with self.ledger.database.transaction() as tx:
                dropped = self.ledger.replays.drop_old(tx, limit=BATCH)
            total += dropped
            if dropped < BATCH:
                return total

    def drop_old_events(self, days: int) -> int:
        """Forget events, and deliveries that have ended, older than so many days."""
        total = 0
        while True:
            with self.ledger.database.transaction() as tx:
                dropped = self.ledger.events.drop_old(tx, kept=timedelta(days=days), limit=BATCH)
            total += dropped
            if dropped < BATCH:
                return total

    def _let_go(self, due: Due) -> bool:
        with self.ledger.database.transaction() as tx:
            if not self.ledger.retention.mark(tx, due):
                return False
        # Behind the lock nobody opens the import again while its things are deleted.
        ref = ImportRef(organization_id=due.organization_id, import_id=due.import_id)
        with self.ledger.database.transaction() as tx:
            state = self.ledger.imports.lock(tx, ref)
            if state is None or not state.is_final:
                return False
            self._delete(tx, ref, due)
            self.ledger.retention.gone(tx, due)
        return True

    def _delete(self, tx: Transaction, ref: ImportRef, due: Due) -> None:
        match due.kind:
            case RetentionKind.UPLOAD:
                job = self.ledger.imports.get(tx, ref)
                for file in job.files if job else ():
                    self.blobs.delete(file.blob)
                self.blobs.delete(f"imports/{ref.import_id}/rows/")
            case RetentionKind.STAGING:
                self.blobs.delete(f"imports/{ref.import_id}/chunks/")
            case RetentionKind.RESULTS:
                self.ledger.retention.drop_results(tx, due)
            case _:
                assert_never(due.kind)
