"""What a column may be: the readings that inference tries, the better first.

Each has a shape that cells must have besides being readable, so that nothing is lost by the
proposal: "00835" and "+49 30" are no integers, because the leading characters would go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

import polars as pl

from rowport.engine.validation.cells import CellReader
from rowport.engine.validation.readers import reader_of
from rowport.engine.validation.semantics.catalogue import compiled
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.engine.validation.semantics.meaning import Meaning

TRUE_WORDS: Final = frozenset(
    ("true", "t", "yes", "y", "on", "ja", "j", "oui", "si", "sí", "sim", "da", "tak")
)
FALSE_WORDS: Final = frozenset(
    ("false", "f", "no", "n", "off", "nein", "non", "nao", "não", "net", "nie")
)
"""Words of a boolean column, case aside; 1 and 0 count beside at least one of them."""

MISSING_WORDS: Final = ("NA", "N/A", "n/a", "na", "NULL", "null", "None", "none", "NaN", "nan", "-")
"""Cells that are proposed as missing values where they stand in the way of a type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One reading of a column."""

    type: FieldType
    format: str = "default"
    shape: str
    """A pattern that every cell must match."""
    options: Mapping[str, str] = field(default_factory=dict)
    """decimalChar and groupChar."""
    semantic: str | None = None
    """What every cell must mean besides."""
    exact: bool = True
    """Whether cells that the fast path does not take are given to the exact reader."""


def _numbers() -> list[Candidate]:
    plain = "-?(?:0|[1-9][0-9]*)"
    integers = [
        Candidate(type=FieldType.INTEGER, shape="^-?(?:0|[1-9][0-9]{0,17})$", exact=False),
        Candidate(
            type=FieldType.NUMBER, shape=rf"^{plain}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{{1,3}})?$"
        ),
    ]
    numbers = [
        Candidate(
            type=FieldType.NUMBER, shape=f"^{plain}(?:,[0-9]+)?$", options={"decimalChar": ","}
        )
    ]
    for group, point in ((",", "."), (".", ","), (" ", ","), ("'", "."), (" ", ".")):
        mark, dot = ("[.]" if char == "." else char for char in (group, point))
        whole = f"-?(?:0|[1-9][0-9]{{0,2}})(?:{mark}[0-9]{{3}})*"
        integers.append(
            Candidate(
                type=FieldType.INTEGER,
                shape=f"^{whole}$",
                options={"groupChar": group},
                exact=False,
            )
        )
        numbers.append(
            Candidate(
                type=FieldType.NUMBER,
                shape=f"^{whole}(?:{dot}[0-9]+)?$",
                options={"groupChar": group, "decimalChar": point},
            )
        )
    return [*integers, *numbers]


_DAYS: Final = (
    ("default", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    ("%d/%m/%Y", "^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$"),
    ("%m/%d/%Y", "^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$"),
    ("%d.%m.%Y", "^[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}$"),
    ("%d-%m-%Y", "^[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}$"),
    ("%m-%d-%Y", "^[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}$"),
    ("%Y/%m/%d", "^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}$"),
    ("%d/%m/%y", "^[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}$"),
    ("%m/%d/%y", "^[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}$"),
    ("%d.%m.%y", "^[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{2}$"),
    ("%d %b %Y", "^[0-9]{1,2} [A-Za-z]{3} [0-9]{4}$"),
    ("%d-%b-%Y", "^[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}$"),
    ("%d-%b-%y", "^[0-9]{1,2}-[A-Za-z]{3}-[0-9]{2}$"),
    ("%d %B %Y", "^[0-9]{1,2} [A-Za-z]+ [0-9]{4}$"),
    ("%b %d, %Y", "^[A-Za-z]{3} [0-9]{1,2}, [0-9]{4}$"),
    ("%B %d, %Y", "^[A-Za-z]+ [0-9]{1,2}, [0-9]{4}$"),
)
_CLOCKS: Final = (
    ("%H:%M:%S", "[0-9]{1,2}:[0-9]{2}:[0-9]{2}"),
    ("%H:%M", "[0-9]{1,2}:[0-9]{2}"),
    ("%I:%M %p", "[0-9]{1,2}:[0-9]{2} [AaPp][Mm]"),
    ("%I:%M:%S %p", "[0-9]{1,2}:[0-9]{2}:[0-9]{2} [AaPp][Mm]"),
    ("%H:%M:%S.%f", "[0-9]{1,2}:[0-9]{2}:[0-9]{2}[.][0-9]{1,6}"),
)


def _temporals() -> list[Candidate]:
    days = [Candidate(type=FieldType.DATE, format=form, shape=shape) for form, shape in _DAYS]
    moments = [
        Candidate(
            type=FieldType.DATETIME, shape="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}[Z0-9:+-]*$"
        )
    ]
    for day, day_shape in _DAYS:
        for clock, clock_shape in _CLOCKS:
            for between in (" ", "T") if day == "default" else (" ",):
                form = f"{'%Y-%m-%d' if day == 'default' else day}{between}{clock}"
                shape = f"{day_shape.removesuffix('$')}{between}{clock_shape}$"
                moments.append(Candidate(type=FieldType.DATETIME, format=form, shape=shape))
    times = [
        Candidate(type=FieldType.TIME, shape="^[0-9]{2}:[0-9]{2}:[0-9]{2}$"),
        *(
            Candidate(type=FieldType.TIME, format=form, shape=f"^{shape}$")
            for form, shape in _CLOCKS[1:]
        ),
    ]
    months = [Candidate(type=FieldType.YEARMONTH, shape="^[0-9]{4}-[0-9]{2}$")]
    return [*days, *moments, *times, *months]


_EMAIL: Final = "^[^@\\s]+@[^@\\s]+[.][^@\\s]+$"


def _text(shape: str, *, form: str = "default", semantic: str | None = None) -> Candidate:
    return Candidate(type=FieldType.STRING, format=form, shape=shape, semantic=semantic)


_TEXTS: Final = (
    _text("^[0-9A-Fa-f-]{36}$", form="uuid", semantic="uuid"),
    _text(_EMAIL, form="email", semantic="email"),
    _text(_EMAIL, form="email"),
    _text("^https?://[^\\s]+$", form="uri", semantic="url"),
    _text("^[A-Za-z][A-Za-z0-9+.-]*://[^\\s]+$", form="uri"),
    _text("^[(]?[+][0-9 ()./-]{7,24}$", semantic="phone"),
    _text("^[A-Z]{2}[0-9]{2}[A-Z0-9 ]{11,40}$", semantic="iban"),
    Candidate(type=FieldType.OBJECT, shape="(?s)^\\s*[{].*[}]\\s*$"),
    Candidate(type=FieldType.ARRAY, shape="(?s)^\\s*\\[.*\\]\\s*$"),
)

CANDIDATES: Final = (*_numbers(), *_temporals(), *_TEXTS)
"""All readings but plain text and booleans, the better first where several fit."""


def candidate_reader(candidate: Candidate) -> CellReader:
    """Read as the candidate's field would, and its semantic would judge."""
    reader = reader_of(_as_field(candidate))
    name = candidate.semantic
    if name is None:
        return reader

    def fast(cells: pl.Expr) -> pl.Expr:  # the format takes all that the fast path does
        return cells.map_batches(lambda texts: _meaning(name).fast(texts), return_dtype=pl.String)

    def exact(text: str) -> object:
        return _meaning(name).normal(str(reader.exact(text)))

    return CellReader(dtype=pl.String(), fast=fast, exact=exact)


@cache
def _meaning(semantic: str) -> Meaning:
    return compiled(semantic, {}, Field(name="-")).meaning(None)


def _as_field(candidate: Candidate) -> Field:
    return Field(
        name="-",
        type=candidate.type,
        format=candidate.format,
        decimal_char=candidate.options.get("decimalChar", "."),
        group_char=candidate.options.get("groupChar"),
    )
