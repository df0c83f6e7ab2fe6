"""Comparisons: values of one type, whole numbers with decimals, dates with datetimes."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from rowport.engine.validation.checks.arithmetic import aligned
from rowport.engine.validation.checks.logic import any_of, both, flipped, truth
from rowport.engine.validation.checks.terms import Mismatch, Term, alike, need, null
from rowport.engine.validation.checks.vectors import (
    NUMERIC,
    Kind,
    Vector,
    first,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rowport.engine.validation.checks.vectors import Mask, Rows

SIGNS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(sign: str, one: Term, other: Term) -> Term:
    """Compare; unknown where a value is missing."""
    left_term, right_term, numeric = _pair(sign, one, other)

    def run(rows: Rows) -> Vector:
        left, right = left_term.run(rows), right_term.run(rows)
        null, fault = joined(left, right)
        return truth(values_hold(SIGNS[sign], left, right, numeric=numeric), null, fault)

    return Term(kind=Kind.BOOLEAN, run=run)


def values_hold(
    sign: Callable[[Any, Any], Any], left: Vector, right: Vector, *, numeric: bool
) -> Mask:
    """Compare the values of two vectors; means nothing where one is null."""
    if isinstance(left.data, pl.Series):
        return np.asarray(sign(left.data, right.data).fill_null(value=False).to_numpy())
    if numeric:
        upper, lower, _ = aligned(left, right)
        return np.asarray(sign(upper, lower), dtype=np.bool_)
    return np.asarray(sign(left.data, right.data), dtype=np.bool_)


def distinct(one: Term, other: Term, *, negate: bool) -> Term:
    """Give IS [NOT] DISTINCT FROM: missing values are one value."""
    kind, (left_term, right_term) = alike([one, other])
    _comparable(kind)

    def run(rows: Rows) -> Vector:
        left, right = left_term.run(rows), right_term.run(rows)
        same = values_hold(operator.eq, left, right, numeric=kind in NUMERIC)
        differs = np.where(left.null | right.null, left.null != right.null, ~same)
        fault = first(left.fault, right.fault)
        return truth(~differs if negate else differs, np.zeros(1, dtype=np.bool_), fault)

    return Term(kind=Kind.BOOLEAN, run=run)


def between(one: Term, low: Term, high: Term) -> Term:
    """Give BETWEEN, both ends included."""
    return both([compare(">=", one, low), compare("<=", one, high)])


def among(one: Term, members: Sequence[Term]) -> Term:
    """Give IN a list."""
    terms = [compare("=", one, member) for member in members if member.kind is not Kind.NULL]
    if len(terms) < len(members):
        terms.append(null(Kind.BOOLEAN))
    return any_of(terms)


def missing(one: Term, *, negate: bool) -> Term:
    """Give IS [NOT] NULL."""

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        data = ~vector.null if negate else vector.null
        return truth(data, np.zeros(1, dtype=np.bool_), vector.fault)

    return Term(kind=Kind.BOOLEAN, run=run)


def is_value(one: Term, *, value: bool, negate: bool) -> Term:
    """Give IS [NOT] TRUE and IS [NOT] FALSE."""
    need(one, Kind.BOOLEAN, Kind.NULL)

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        data = ~vector.null & (vector.data.astype(np.bool_) == value)
        return truth(data, np.zeros(1, dtype=np.bool_), vector.fault)

    term = Term(kind=Kind.BOOLEAN, run=run)
    return flipped(term) if negate else term


def _pair(sign: str, one: Term, other: Term) -> tuple[Term, Term, bool]:
    for term in (one, other):
        if term.kind is Kind.NULL:
            raise Mismatch(f"{sign} NULL is always unknown; ask with IS NULL or IS NOT NULL")
    try:
        kind, (left, right) = alike([one, other])
        _comparable(kind)
    except Mismatch as error:
        found = f"{one.kind} {sign} {other.kind} has no meaning"
        why = "" if one.kind is not other.kind and one.literal is other.literal else f": {error}"
        raise Mismatch(f"{found}{why}") from None
    if {left.months, right.months} != {0}:
        raise Mismatch("intervals of months have no certain length; compare dates")
    return left, right, kind in NUMERIC


def _comparable(kind: Kind) -> None:
    if kind is Kind.OTHER:
        raise Mismatch(f"values {kind} are not compared")
