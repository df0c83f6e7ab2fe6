"""A rule between the fields of a row, compiled, whatever its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datetime import date

    from rowport.engine.validation.columns import Column

Columns = Mapping[str, "Column"]
"""The columns of a chunk by field; a field without column is not in it."""


class BadRule(ValueError):
    """A rule cannot be used; the message says why and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What a rule says of the rows of a chunk."""

    rows: pl.Series
    """True where it is broken; null is as false."""
    told: Callable[[], pl.Series]
    """The sentence for each row where it is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """One rule, compiled."""

    field: str | None
    """The field that its error names; None: the row as a whole."""
    fields: tuple[str, ...]
    """The fields that must have a column, or the rule says nothing."""
    looks_at: tuple[str, ...]
    """All its fields, of which one must have a column."""
    judge: Callable[[Columns, date], Broken]
    """Look at a chunk; the date is the day of the import.

    Raises RuleTooSlow.
    """


def everywhere(message: str, rows: pl.Series) -> Callable[[], pl.Series]:
    """Tell all rows the same."""
    return lambda: pl.repeat(message, len(rows), dtype=pl.String, eager=True)
