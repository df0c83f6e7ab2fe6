"""Parts of an expression, compiled: their type, and how they are worked out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Final

import numpy as np

from rowport.engine.validation.cells import CellFault
from rowport.engine.validation.checks.vectors import NUMERIC, Kind, Rows, Vector, constant
from rowport.engine.validation.readers import reader_of
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_DIGITS: Final = 1000
"""Digits, before and behind the point, that a number of an expression could have at most."""
INTEGER_DIGITS: Final = 19
NUMBER_DIGITS: Final = 38

_EPOCH: Final = date(1970, 1, 1).toordinal()
DAY_US: Final = 86_400_000_000


class Mismatch(ValueError):
    """The parts of an expression do not go together; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A part of an expression."""

    kind: Kind
    run: Callable[[Rows], Vector]
    """Work it out: a value for each row, or one for all."""
    whole: int = 0
    """Numbers: the digits before the point at most, whatever the row."""
    scale: int = 0
    """Numbers: the digits behind the point at most."""
    literal: str | None = None
    """The text itself, where it is written in the expression."""
    months: int = 0
    """Spans: the months, beside the microseconds of the value."""


_READABLE: Final[Mapping[Kind, FieldType]] = {
    Kind.DATE: FieldType.DATE,
    Kind.DATETIME: FieldType.DATETIME,
    Kind.TIME: FieldType.TIME,
}
"""What a text in quotes may stand for, as PostgreSQL has it."""


def null(kind: Kind = Kind.NULL) -> Term:
    """Give the term NULL."""
    empty = {Kind.TEXT: "", Kind.BOOLEAN: False}.get(kind, 0)
    made = replace(constant(empty), null=np.ones(1, dtype=np.bool_))
    return Term(kind=kind, run=lambda _: made)


def text(value: str) -> Term:
    """Give a text."""
    made = constant(value)
    return Term(kind=Kind.TEXT, run=lambda _: made, literal=value)


def moment(kind: Kind, value: str) -> Term:
    """Give a date, a datetime or a time that is written in the expression.

    Raises:
        Mismatch: it is none.
    """
    plain = value.strip()
    if kind is Kind.DATETIME:
        plain = plain.replace(" ", "T", 1)
        plain = plain if "T" in plain else f"{plain}T00:00:00"
    try:
        read = reader_of(Field(name="", type=_READABLE[kind])).exact(plain)
    except CellFault as fault:
        raise Mismatch(str(fault)) from None
    made = constant(ticks(read))
    return Term(kind=kind, run=lambda _: made)


def ticks(value: object) -> int:
    """Give a date, datetime or time as `Vector.data` has it."""
    if isinstance(value, datetime):
        day = value.date().toordinal() - _EPOCH
        return day * DAY_US + ticks(value.time())
    if isinstance(value, date):
        return value.toordinal() - _EPOCH
    if not isinstance(value, time):
        raise TypeError(value)
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return seconds * 1_000_000 + value.microsecond


def as_kind(term: Term, kind: Kind) -> Term:
    """Give a term as another type, where PostgreSQL turns it into that by itself.

    Raises:
        Mismatch: it does not.
    """
    if term.kind is kind:
        return term
    if term.kind is Kind.NULL:
        return null(kind)
    if term.literal is not None and kind in _READABLE:
        return moment(kind, term.literal)
    if term.kind is Kind.INTEGER and kind is Kind.NUMBER:
        return replace(term, kind=kind)
    if term.kind is Kind.DATE and kind is Kind.DATETIME:
        return replace(term, kind=kind, run=lambda rows: _midnight(term.run(rows)))
    raise Mismatch(f"{term.kind} is no {kind}")


def alike(terms: Sequence[Term]) -> tuple[Kind, list[Term]]:
    """Give the terms as the one type that they have in common.

    Raises:
        Mismatch: they have none.
    """
    typed = [term.kind for term in terms if term.literal is None and term.kind is not Kind.NULL]
    kinds = set(typed)
    if kinds <= NUMERIC and Kind.NUMBER in kinds:
        kind = Kind.NUMBER
    elif kinds == {Kind.DATE, Kind.DATETIME}:
        kind = Kind.DATETIME
    elif len(kinds) > 1:
        raise Mismatch(f"{' and '.join(dict.fromkeys(typed))} have no type in common")
    else:
        kind = typed[0] if typed else Kind.TEXT
    return kind, [as_kind(term, kind) for term in terms]


def need(term: Term, *kinds: Kind) -> Term:
    """Give the term if it is of one of these types.

    Raises:
        Mismatch: it is not.
    """
    if term.kind not in kinds:
        raise Mismatch(f"{_named(term)} stands where {' or '.join(kinds)} is needed")
    return term


def _named(term: Term) -> str:
    if term.kind is Kind.NULL:
        return "NULL (ask with IS NULL)"
    return "a value " + term.kind if term.kind is Kind.OTHER else term.kind


def bounded(term: Term) -> Term:
    """Give the term if its numbers cannot grow too long.

    Raises:
        Mismatch: they can.
    """
    if term.whole + term.scale > MAX_DIGITS:
        raise Mismatch(
            f"it could have {term.whole + term.scale} digits; at most {MAX_DIGITS} are worked with"
        )
    return term


def _midnight(days: Vector) -> Vector:
    return Vector(data=days.data * DAY_US, null=days.null, fault=days.fault)
