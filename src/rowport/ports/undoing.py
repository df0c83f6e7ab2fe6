"""What giving records back needs of the destination and of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    import pyarrow as pa

    from rowport.model.record_types import RecordType

Marks = tuple[tuple[int, int], ...]
"""Half-open spans of marks.  A mark is what the destination puts on a record with each change and
nobody else can put there: of PostgreSQL the `xmin`, the transaction that wrote the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """Fields of records of some type that lead to the records that are to be given back."""

    record_type: RecordType
    fields: tuple[str, ...]
    by: tuple[str, ...]
    """The fields that are referred to, in the order of `fields`; none: the id of the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseBatch:
    """Rows of one chunk that made or changed records."""

    import_id: UUID
    row: pa.Array
    """int64, ascending."""
    record_id: pa.Array
    """fixed_size_binary[16], aligned."""
    is_new: pa.Array
    """bool, aligned: the row made the record; else it changed it."""
    before: pa.Table | None
    """`LoadResult.before` of the rows that changed records."""
    as_left: Any
    """bool, aligned with `before`: the record was as the import that is named as its author had
    left it, so that it will be again."""
    marks: Marks
    """Those that the chunk put on the records it wrote; a record with another was changed since."""
    referrers: tuple[Referrer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseResult:
    """What became of the rows of a ReverseBatch; arrays are aligned with its `row`."""

    fate: pa.Array
    """uint8 (`UndoFate`)."""
    why: pa.Array
    """string; null where the record was given back."""
    is_refused: bool
    """A record was not given back since others stand in its way; they may be gone later."""
    marks_as_left: Marks
    """The marks on the records that were given back as their author had left them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkJournal:
    """What the rows of a chunk wrote, encoded."""

    outcomes: bytes
    before: bytes | None
    written_by: Marks
