"""The managed table: one real typed table for each record type, in the ledger's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rowport.destinations.postgres.finding import ensure, find
from rowport.destinations.postgres.loading import load
from rowport.destinations.postgres.memory import Memory
from rowport.destinations.postgres.preparing import prepare
from rowport.destinations.postgres.records import record, records
from rowport.destinations.postgres.reversing import reverse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import pyarrow as pa

    from rowport.model.record_types import RecordType
    from rowport.ports import LoadBatch, LoadResult, StoredRecord, Transaction
    from rowport.ports.undoing import ReverseBatch, ReverseResult


class PostgresDestination:
    """Loads records into managed tables; keep one for the life of a process, since it learns."""

    kind: ClassVar[str] = "postgres"

    def __init__(self) -> None:
        self._memory = Memory()

    def prepare(self, tx: Transaction, record_type: RecordType) -> None:
        """Create the managed table, or let it follow the record type.

        Raises:
            DestinationConflict: what is there cannot follow; nothing was changed.
            Unavailable: the table is in use for longer than five seconds.
        """
        prepare(tx, record_type)

    def load(self, tx: Transaction, record_type: RecordType, batch: LoadBatch) -> LoadResult:
        """Load the rows inside `tx`; the fate of each is in the answer.

        Raises:
            Unavailable: other loads won every race for the same records.
        """
        return load(tx, record_type, batch, self._memory)

    def find(self, tx: Transaction, record_type: RecordType, keys: pa.Table) -> pa.Array:
        """Give for each of `keys` the id of the record that has these values; null for none."""
        return find(tx, record_type, keys)

    def ensure(
        self,
        tx: Transaction,
        record_type: RecordType,
        keys: pa.Table,
        *,
        import_id: UUID,
        row: pa.Array,
    ) -> None:
        """Make records that have these values alone, where there are none."""
        ensure(tx, record_type, keys, import_id=import_id, row=row)

    def reverse(
        self, tx: Transaction, record_type: RecordType, batch: ReverseBatch
    ) -> ReverseResult:
        """Give back inside `tx` what was before the rows."""
        return reverse(tx, record_type, batch)

    def records(
        self, tx: Transaction, record_type: RecordType, *, after: UUID | None, limit: int
    ) -> Sequence[StoredRecord]:
        """Give a page of records by id, those behind `after`; None: from the first.

        Raises:
            DestinationConflict: the table, or a column of it, is gone.
        """
        return records(tx, record_type, after=after, limit=limit)

    def record(
        self, tx: Transaction, record_type: RecordType, record_id: UUID
    ) -> StoredRecord | None:
        """Give one record; errors as those of `records`."""
        return record(tx, record_type, record_id)


def destination() -> PostgresDestination:
    """Make the destination."""
    return PostgresDestination()
