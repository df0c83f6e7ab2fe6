"""Who has their turn, in the ledger; chunks are claimed in `store.chunks`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.store.rows import PRIORITIES
from rowport.store.saying import only, say

if TYPE_CHECKING:
    from uuid import UUID

    from rowport.model.imports import Priority
    from rowport.ports import Transaction


class PostgresTurns:
    """Priorities, the limit of running imports, and files that wait to be read."""

    def __init__(self, *, running_limit: int | None = None) -> None:
        self._running_limit = running_limit

    def set_priority(
        self, tx: Transaction, organization_id: UUID, import_id: UUID, priority: Priority
    ) -> None:
        """Let it have its turn more often, or less, from its next chunk on."""
        say(
            tx,
            "set_priority",
            priority=PRIORITIES[priority],
            organization_id=organization_id,
            import_id=import_id,
        )

    def being_read(self, tx: Transaction, organization_id: UUID) -> int:
        """Count the imports of an organization whose files are read, or are to be."""
        return int(only(tx, "imports_being_read", organization_id=organization_id)["reading"])

    def grow_urgent(self, tx: Transaction) -> None:
        """Let all files that wait to be read be a little more urgent."""
        say(tx, "grow_urgent")

    def may_run(self, tx: Transaction, organization_id: UUID) -> bool:
        """Tell whether its organization may run one more; no other begins until the commit."""
        default = {"organization_id": organization_id, "running_limit": self._running_limit}
        limit = only(tx, "running_limit", **default)["running_limit"]
        if limit is None:
            return True
        say(tx, "let_no_other_run", organization_id=organization_id)
        running = only(tx, "running_imports", organization_id=organization_id)["running"]
        return int(running) < int(limit)
