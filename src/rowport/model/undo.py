"""Taking an import back: what it made of each record that the import had written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class UndoState(StrEnum):
    """Where the undo of an import stands; the import's own state stays what it was."""

    RUNNING = "running"
    """Records are being given back, chunk by chunk."""
    COMPLETED = "completed"
    """Every row that wrote a record has been looked at."""
    FAILED = "failed"
    """A fault persisted; asked for again, the undo goes on where it stopped."""


class UndoFate(IntEnum):
    """What undoing made of a row.  The numbers are stored: never renumber, only append."""

    REVERSED = 1
    """Its record is as it was before the import: gone, or with its old values."""
    KEPT = 2
    """Its record was left alone: somebody changed it since, or others need it."""
    ERRORED = 3
    """The destination refused to give back what was."""

    @property
    def word(self) -> str:
        """The lower-case name that API, CLI and docs use."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowUndo:
    """What undoing made of one row."""

    fate: UndoFate
    message: str | None
    """Why the record was not given back; None where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoCounts:
    """Rows that wrote records, by what undoing made of them.

    `created + updated` of the import `= reversed + kept + errored + pending`, always.
    """

    reversed: int = 0
    kept: int = 0
    errored: int = 0
    pending: int = 0
    """Not looked at yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoFault:
    """Why an undo as a whole failed."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The undo of an import."""

    asked_by: str | None
    counts: UndoCounts
    error: UndoFault | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def state(self) -> UndoState:
        """Where it stands."""
        if self.finished_at is None:
            return UndoState.RUNNING
        return UndoState.FAILED if self.error else UndoState.COMPLETED
