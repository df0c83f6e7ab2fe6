"""What the service needs of the ledger to give everybody their turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from rowport.model.imports import Priority
    from rowport.ports import Transaction


class TurnLedger(Protocol):
    """Priorities, the limit of running imports, and files that wait to be read."""

    def set_priority(
        self, tx: Transaction, organization_id: UUID, import_id: UUID, priority: Priority
    ) -> None:
        """Let it have its turn more often, or less, from its next chunk on."""
        ...

    def being_read(self, tx: Transaction, organization_id: UUID) -> int:
        """Count the imports of an organization whose files are read, or are to be."""
        ...

    def grow_urgent(self, tx: Transaction) -> None:
        """Let all files that wait to be read be a little more urgent."""
        ...

    def may_run(self, tx: Transaction, organization_id: UUID) -> bool:
        """Tell whether its organization may run one more; no other begins until the commit.

        The transaction is not a tenant's.
        """
        ...
