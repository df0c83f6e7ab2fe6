"""What the ledger is told of chunks, and tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowport.model.counts import Counts
    from rowport.ports.undoing import Marks


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChunkResult:
    """What the ledger holds of a chunk."""

    number: int
    first_row: int
    rows: int
    first_line: int
    outcomes: bytes | None
    """None: nothing became of its rows yet."""
    errors: bytes | None
    raw: bytes | None
    undone: bytes | None = None
    """None: nothing was given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkProgress:
    """What is still to come of an import."""

    waiting: int
    held: int
    failed_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkResult:
    """The fate of a chunk's rows, encoded."""

    counts: Counts
    outcomes: bytes
    errors: bytes | None
    raw: bytes | None
    before: bytes | None
    written_by: Marks = ()
    """The marks on the records that were written just now."""
