"""How long things are kept, in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.model.retention import Due, RetentionKind, RetentionRule
from rowport.store.database import publish_after
from rowport.store.saying import many, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rowport.ports import Transaction


def _names(due: Due) -> dict[str, UUID]:
    return {"organization_id": due.organization_id, "import_id": due.import_id}


class PostgresRetention:
    """Rules of retention, and what they lead to."""

    def set(
        self, tx: Transaction, organization_id: UUID, kind: RetentionKind, days: int | None
    ) -> None:
        """Keep a kind for so many days after an import's end; None: for ever."""
        if days is None:
            say(tx, "drop_retention", organization_id=organization_id, kind=kind)
        else:
            say(tx, "set_retention", organization_id=organization_id, kind=kind, days=days)

    def rules(self, tx: Transaction, organization_id: UUID) -> Sequence[RetentionRule]:
        """Give the rule of each kind."""
        rows = many(tx, "list_retention", organization_id=organization_id)
        days = {row["kind"]: row["days"] for row in rows}
        return [RetentionRule(kind=kind, days=days.get(kind)) for kind in RetentionKind]

    def due(self, tx: Transaction, organization_id: UUID | None, *, limit: int) -> Sequence[Due]:
        """Give what is to be let go, the oldest first; None: of all organizations."""
        rows = many(tx, "due_to_expire", organization_id=organization_id, limit=limit)
        return [Due(**{**row, "kind": RetentionKind(row["kind"])}) for row in rows]

    def mark(self, tx: Transaction, due: Due) -> bool:
        """Say that it is kept no more; False when the import was opened again meanwhile."""
        is_marked = say(tx, "mark_expired", kind=due.kind, days=due.days, **_names(due)) == 1
        if is_marked:
            publish_after(tx)
        return is_marked

    def gone(self, tx: Transaction, due: Due) -> None:
        """Say that it is deleted to its end."""
        say(tx, "note_gone", kind=due.kind, **_names(due))

    def drop_results(self, tx: Transaction, due: Due) -> None:
        """Forget the fates of an import's rows; its counts stay."""
        say(tx, "drop_results", **_names(due))
