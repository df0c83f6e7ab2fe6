"""Undos in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.ports.undoing import ChunkJournal
from rowport.store.saying import many, one, only, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rowport.model.undo import UndoCounts
    from rowport.ports import Transaction
    from rowport.ports.ledger import ChunkRef, ImportRef
    from rowport.ports.undoing import Marks


def multirange(marks: Marks) -> str:
    """Write marks as PostgreSQL reads an int8multirange."""
    return "{" + ",".join(f"[{first},{end})" for first, end in marks) + "}"


def _whole(ref: ImportRef) -> dict[str, UUID]:
    return {"organization_id": ref.organization_id, "import_id": ref.import_id}


def _names(ref: ChunkRef) -> dict[str, object]:
    return {**_whole(ref.whole), "number": ref.number}


class PostgresUndos:
    """Undos in the ledger."""

    def begin(self, tx: Transaction, ref: ImportRef, *, by: str | None) -> None:
        """Lay every chunk with records down to be undone; the caller holds the import."""
        say(tx, "begin_undo", asked_by=by, **_whole(ref))
        say(tx, "plan_undo", **_whole(ref))

    def is_open(self, tx: Transaction, ref: ImportRef) -> bool:
        """Tell whether the import is being undone, and hold that until the transaction ends."""
        return one(tx, "undo_is_open", **_whole(ref)) is not None

    def journal(self, tx: Transaction, ref: ChunkRef) -> ChunkJournal:
        """Give what the rows of a chunk wrote."""
        row = only(tx, "chunk_journal", **_names(ref))
        return ChunkJournal(
            outcomes=row["outcomes"],
            before=row["before"],
            written_by=tuple((first, end) for first, end in row["written_by"]),
        )

    def finish(self, tx: Transaction, ref: ChunkRef, counts: UndoCounts, undone: bytes) -> None:
        """Write what undoing made of a chunk's rows."""
        say(
            tx,
            "finish_undo_of_chunk",
            reversed=counts.reversed,
            kept=counts.kept,
            errored=counts.errored,
            **_names(ref),
        )
        say(tx, "keep_undone", undone=undone, **_names(ref))

    def has_later(self, tx: Transaction, ref: ChunkRef) -> bool:
        """Tell whether a chunk behind this one is not undone yet."""
        return one(tx, "later_undoing", **_names(ref)) is not None

    def end(self, tx: Transaction, ref: ImportRef) -> None:
        """End the undo if no chunk is left."""
        say(tx, "end_undo", **_whole(ref))

    def fail(self, tx: Transaction, ref: ImportRef, *, code: str, message: str) -> None:
        """End the undo for a fault that persists."""
        say(tx, "fail_undo", code=code, message=message, **_whole(ref))

    def as_left(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        authors: Sequence[str],
        rows: Sequence[int],
        marks: Sequence[int],
    ) -> Sequence[tuple[int, UUID, int]]:
        """Give which records were as their authors had left them."""
        found = many(
            tx,
            "as_left",
            organization_id=organization_id,
            author=list(authors),
            row=list(rows),
            mark=list(marks),
        )
        return [(row["place"] - 1, row["import_id"], row["number"]) for row in found]

    def hand_over(
        self,
        tx: Transaction,
        organization_id: UUID,
        chunks: Sequence[tuple[UUID, int]],
        marks: Marks,
    ) -> None:
        """Let these marks count as those of chunks (import, number) whose records are as left."""
        say(
            tx,
            "hand_over",
            organization_id=organization_id,
            import_ids=[import_id for import_id, _ in chunks],
            numbers=[number for _, number in chunks],
            written_by=multirange(marks),
        )
