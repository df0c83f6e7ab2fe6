"""One step of a field's transforms, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from rowport.model.table_schema import Field


class BadTransform(ValueError):
    """A step cannot be used; the message says why and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that is one expression over the text."""

    apply: Callable[[pl.Expr], pl.Expr]
    unfit: Callable[[pl.Expr], pl.Expr] | None = None
    """True where the step cannot be done."""
    words: str = ""
    """What follows the cell in the sentence of the error then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a step over a whole column gives."""

    texts: pl.Series
    faults: pl.Series | None = None
    """The sentence where the step cannot be done, else null; None: it can be everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStep:
    """A step that looks at a whole column, because it asks a library for each distinct text."""

    run: Callable[[pl.Series, pl.DataFrame], Done]
    """Takes the text so far, and the raw cells of all fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a step may know besides its options."""

    field: Field
    missing: Sequence[str]
    columns: Sequence[str]


def reading(field: Field) -> Field:
    """Give the field as its cells are read: with what the step `number` says."""
    for step in field.transforms:
        options = step.get("number")
        if isinstance(options, Mapping):
            field = replace(
                field,
                decimal_char=options.get("decimalChar", field.decimal_char),
                group_char=options.get("groupChar", field.group_char),
                bare_number=options.get("bareNumber", field.bare_number),
            )
    return field
