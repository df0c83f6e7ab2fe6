"""Give back what one chunk of an import wrote, in one transaction.

As in a load, the chunk's row lock is the lease; what becomes of its records, of its rows and of
its counters commits together.  Chunks are undone from the last to the first; where a record stands
in the way of others, a chunk waits for those behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from rowport.engine import accounting
from rowport.engine.journal import (
    AUTHOR,
    AUTHOR_ROW,
    MARK,
    undo_counts,
    undone_table,
    written_rows,
)
from rowport.model.errors import RowportError
from rowport.ports.undoing import Referrer, ReverseBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    import numpy.typing as npt

    from rowport.model.record_types import RecordType
    from rowport.ports import Destination, Transaction
    from rowport.ports.ledger import ChunkRef, ClaimedChunk, Ledger, PlannedChunk


class UndoEnded(RowportError):
    """The undo ended while the chunk was in flight."""

    code = "undo_ended"


class LaterChunkPending(RowportError):
    """Records of chunks behind this one may stand in the way; they have to go first."""

    code = "later_chunk_pending"
    transient = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """Undoes chunks; one instance a thread."""

    ledger: Ledger
    destination: Destination

    def undo(self, claimed: ClaimedChunk) -> None:
        """Give back what a chunk wrote, or find that there is nothing to do.

        Raises:
            Unavailable: the database went away; nothing was written.
            LaterChunkPending: its turn has not come; nothing was written.
        """
        ref = claimed.ref
        try:
            with self.ledger.database.transaction() as tx:
                leased = self.ledger.chunks.lock(tx, ref)
                if leased is not None and leased.planned.is_undone:
                    self._undo(tx, ref, leased.planned)
        except UndoEnded:
            with self.ledger.database.transaction() as tx:
                self.ledger.chunks.put_back(tx, ref, delay=timedelta(0), fault=None)

    def _undo(self, tx: Transaction, ref: ChunkRef, planned: PlannedChunk) -> None:
        batch, chunks = self._batch(tx, ref, planned)
        record_type = self.ledger.record_types.of_import(tx, ref.whole)
        result = self.destination.reverse(tx, record_type, batch)
        if result.is_refused and self.ledger.undos.has_later(tx, ref):
            raise LaterChunkPending
        self.ledger.undos.hand_over(tx, ref.organization_id, chunks, result.marks_as_left)
        # Asked last, as in a load: whoever ends the undo waits for a commit, never for a chunk.
        self.ledger.imports.share(tx, ref.whole)
        if not self.ledger.undos.is_open(tx, ref.whole):
            raise UndoEnded
        undone = undone_table(np.asarray(batch.row), result.fate, result.why)
        encoded = accounting.encode(undone) or b""
        self.ledger.undos.finish(tx, ref, undo_counts(result.fate), encoded)

    def _batch(
        self, tx: Transaction, ref: ChunkRef, planned: PlannedChunk
    ) -> tuple[ReverseBatch, Sequence[tuple[UUID, int]]]:
        """Give what is to be given back, and the chunks of others whose records come back."""
        journal = self.ledger.undos.journal(tx, ref)
        outcomes = accounting.decode(journal.outcomes)
        if outcomes is None:
            raise ValueError("a chunk that wrote records has outcomes")
        written = written_rows(ref.import_id, outcomes, first_row=planned.span.first_row)
        before = accounting.decode(journal.before)
        as_left, chunks = self._as_left(tx, ref.organization_id, before)
        record_type = self.ledger.record_types.of_import(tx, ref.whole)
        batch = ReverseBatch(
            import_id=ref.import_id,
            row=pa.array(written.row),
            record_id=written.record_id,
            is_new=pa.array(written.is_new),
            before=before,
            as_left=as_left,
            marks=journal.written_by,
            referrers=tuple(self._referrers(tx, record_type)),
        )
        return batch, chunks

    def _as_left(
        self, tx: Transaction, organization_id: UUID, before: pa.Table | None
    ) -> tuple[npt.NDArray[np.bool_], Sequence[tuple[UUID, int]]]:
        """Tell which records were as their authors had left them, and of which chunks these are."""
        if before is None:
            return np.zeros(0, np.bool_), []
        found = self.ledger.undos.as_left(
            tx,
            organization_id,
            authors=before[AUTHOR].to_pylist(),
            rows=before[AUTHOR_ROW].to_pylist(),
            marks=before[MARK].to_pylist(),
        )
        as_left = np.zeros(before.num_rows, np.bool_)
        as_left[[place for place, _, _ in found]] = True
        return as_left, sorted({(import_id, number) for _, import_id, number in found})

    def _referrers(self, tx: Transaction, record_type: RecordType) -> Iterator[Referrer]:
        """Give the references of all record types that lead to records of this one."""
        for other in self.ledger.record_types.list(tx, record_type.organization_id):
            for key in other.schema.foreign_keys:
                if (key.resource or other.name) == record_type.name:
                    yield Referrer(record_type=other, fields=key.fields, by=key.reference_fields)
            for field in other.schema.fields:
                if field.lookup is not None and field.lookup.type == record_type.name:
                    yield Referrer(record_type=other, fields=(field.name,), by=())
