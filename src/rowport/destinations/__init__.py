"""Where rows go: each module or package here is one destination, found by its name."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import pyarrow as pa

    from rowport.model.record_types import RecordType
    from rowport.ports import Destination, LoadBatch, LoadResult, StoredRecord, Transaction
    from rowport.ports.undoing import ReverseBatch, ReverseResult


def discover() -> dict[str, Destination]:
    """Make every destination there is, by kind.

    A destination is a module of this package whose function `destination()` makes it; its name
    is its kind.  Destinations learn while they load, so a process calls this once and keeps them.
    """
    found: dict[str, Destination] = {}
    for module in iter_modules(__path__):
        made: Destination = import_module(f"{__name__}.{module.name}").destination()
        found[made.kind] = made
    return found


class LazyDestination:
    """The managed table, with its libraries brought in by the first use."""

    kind: ClassVar[str] = "postgres"

    @cached_property
    def _real(self) -> Destination:
        return discover()[self.kind]

    def prepare(self, tx: Transaction, record_type: RecordType) -> None:
        """See Destination.prepare."""
        self._real.prepare(tx, record_type)

    def load(self, tx: Transaction, record_type: RecordType, batch: LoadBatch) -> LoadResult:
        """See Destination.load."""
        return self._real.load(tx, record_type, batch)

    def find(self, tx: Transaction, record_type: RecordType, keys: pa.Table) -> pa.Array:
        """See Destination.find."""
        return self._real.find(tx, record_type, keys)

    def ensure(
        self,
        tx: Transaction,
        record_type: RecordType,
        keys: pa.Table,
        *,
        import_id: UUID,
        row: pa.Array,
    ) -> None:
        """See Destination.ensure."""
        self._real.ensure(tx, record_type, keys, import_id=import_id, row=row)

    def reverse(
        self, tx: Transaction, record_type: RecordType, batch: ReverseBatch
    ) -> ReverseResult:
        """See Destination.reverse."""
        return self._real.reverse(tx, record_type, batch)

    def records(
        self, tx: Transaction, record_type: RecordType, *, after: UUID | None, limit: int
    ) -> Sequence[StoredRecord]:
        """See Destination.records."""
        return self._real.records(tx, record_type, after=after, limit=limit)

    def record(
        self, tx: Transaction, record_type: RecordType, record_id: UUID
    ) -> StoredRecord | None:
        """See Destination.record."""
        return self._real.record(tx, record_type, record_id)
