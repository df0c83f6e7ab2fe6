"""The fate of one row."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from rowport.model.undo import RowUndo


class Outcome(IntEnum):
    """What became of a row.  The numbers are stored: never renumber, only append."""

    PENDING = 0
    """Nothing yet."""
    CREATED = 1
    """A new record was made of it."""
    UPDATED = 2
    """An existing record got its values."""
    UNCHANGED = 3
    """An existing record already had its values."""
    SKIPPED = 4
    """Its record exists and the import said to leave such records alone."""
    FAILED = 5
    """It has errors; no record was touched."""

    @property
    def word(self) -> str:
        """The lower-case name that APIs, CLI and docs use."""
        return self.name.lower()


class RowErrorCode(StrEnum):
    """Why a row failed.  The Frictionless error types, and what only a load can meet."""

    BLANK_ROW = "blank-row"
    """Reserved: blank rows are not counted as rows (see docs/adr)."""
    MISSING_CELL = "missing-cell"
    """The row is shorter than the header."""
    EXTRA_CELL = "extra-cell"
    """The row is longer than the header."""
    TYPE = "type-error"
    """A cell cannot be read as its field's type and format."""
    CONSTRAINT = "constraint-error"
    """A value breaks a constraint of its field."""
    UNIQUE = "unique-error"
    """A value that must be unique stands in an earlier row, or in another record."""
    PRIMARY_KEY = "primary-key"
    """A cell of the key is empty."""
    FOREIGN_KEY = "foreign-key"
    """No record has the key that a value points to."""
    ROW_CONSTRAINT = "row-constraint"
    """The values of a row contradict each other by a rule of the record type."""
    ENCODING = "encoding-error"
    """The bytes of the row are not valid in the file's encoding."""
    SOURCE = "source-error"
    """The row cannot be taken apart into cells (a broken quote, broken JSON, a cell too large)."""
    NUL = "nul-character"
    """A cell holds U+0000, which no database text can hold."""
    NOT_FOUND = "record-not-found"
    """Mode `update`, and no record has this key."""
    EXISTS = "record-exists"
    """Mode `insert` or on_match `error`, and a record has this key."""
    REFUSED = "destination-error"
    """The destination refused the row (a constraint or a trigger of its own)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """One reason why a row failed."""

    code: RowErrorCode
    field: str | None
    """The field at fault; None when the row as a whole is."""
    value: str | None
    """The raw cell as it stood in the file; None when there was none."""
    message: str
    """A sentence a person can act on: it names the rule and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """What became of one row, as every face shows it."""

    row: int
    """1-based over data rows."""
    line: int | None
    """1-based physical line of the file, or row of the sheet, where the row begins; None while
    the row has not been read, and for a fine row where many rows of the file span several lines."""
    outcome: Outcome
    record_id: UUID | None
    """The record that the row created or met; None when it failed or is pending."""
    errors: tuple[RowError, ...]
    raw: tuple[str | None, ...] | None
    """The cells as they stood in the file; kept for failed rows only."""
    undo: RowUndo | None = None
    """What undoing the import made of it; None: nothing (yet), or it had written no record."""
