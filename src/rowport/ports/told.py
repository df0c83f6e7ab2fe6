"""What the ledger tells of chunks."""

from __future__ import annotations

from dataclasses import dataclass


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
