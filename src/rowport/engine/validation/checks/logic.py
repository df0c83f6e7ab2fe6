"""AND, OR, NOT and what chooses between values, with SQL's three truths.

Faults follow PostgreSQL's order of work: what an expression need not look at, because a part to
its left decides it or its condition is not met, cannot fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rowport.engine.validation.checks import integers
from rowport.engine.validation.checks.terms import Term, alike, as_kind, need
from rowport.engine.validation.checks.vectors import NUMERIC, Kind, Vector, filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.engine.validation.checks.vectors import Faults, Mask, Rows


def truth(data: Mask, null: Mask, fault: Faults | None) -> Vector:
    """Give truths; unknown where null, or where there is a fault."""
    if fault is not None:
        null = null | (fault > 0)
    data, null = np.broadcast_arrays(data, null)
    return Vector(data=data, null=null, fault=fault)


def both(terms: Sequence[Term]) -> Term:
    """Give AND."""
    return _decided([_boolean(term) for term in terms], by=False)


def any_of(terms: Sequence[Term]) -> Term:
    """Give OR."""
    return _decided([_boolean(term) for term in terms], by=True)


def flipped(term: Term) -> Term:
    """Give NOT."""
    inner = _boolean(term)

    def run(rows: Rows) -> Vector:
        vector = inner.run(rows)
        return Vector(data=~vector.data, null=vector.null, fault=vector.fault)

    return Term(kind=Kind.BOOLEAN, run=run)


def _decided(terms: Sequence[Term], *, by: bool) -> Term:
    """Give what the first term decides that is `by`; none: unknown if one is, else not `by`."""

    def run(rows: Rows) -> Vector:
        decided = np.zeros(rows.count, dtype=np.bool_)
        unknown = np.zeros(rows.count, dtype=np.bool_)
        fault: Faults | None = None
        for term in terms:
            vector = term.run(rows)
            is_open = ~decided if fault is None else ~decided & (fault == 0)
            fault = _taken(fault, vector.fault, is_open, rows.count)
            decided |= is_open & ~vector.null & (vector.data == by)
            unknown |= is_open & vector.null
        data = decided if by else ~decided
        return truth(data, unknown & ~decided, fault)

    return Term(kind=Kind.BOOLEAN, run=run)


def case(branches: Sequence[tuple[Term, Term]], otherwise: Term) -> Term:
    """Give CASE WHEN: the value of the first condition that is true."""
    conditions = [_boolean(condition) for condition, _ in branches]
    kind, values = alike([*(value for _, value in branches), otherwise])

    def run(rows: Rows) -> Vector:
        choice = _Choice(kind, rows.count)
        for condition, value in zip(conditions, values[:-1], strict=True):
            asked = filled(condition.run(rows), rows.count)
            choice.fail(asked.fault)
            choice.take(value.run(rows), asked.data & ~asked.null)
        choice.take(values[-1].run(rows), np.ones(rows.count, dtype=np.bool_))
        return choice.made()

    return _term(kind, run, values)


def coalesced(terms: Sequence[Term]) -> Term:
    """Give COALESCE: the first value that is not missing."""
    kind, values = alike(terms)

    def run(rows: Rows) -> Vector:
        choice = _Choice(kind, rows.count)
        for value in values:
            vector = filled(value.run(rows), rows.count)
            choice.fail(vector.fault)
            choice.take(vector, ~vector.null)
        return choice.made()

    return _term(kind, run, values)


def nulled(value: Term, equal: Term) -> Term:
    """Give NULLIF, from the value and the comparison with the other."""

    def run(rows: Rows) -> Vector:
        vector, same = filled(value.run(rows), rows.count), filled(equal.run(rows), rows.count)
        fault = _taken(vector.fault, same.fault, np.ones(rows.count, dtype=np.bool_), rows.count)
        null = vector.null | (same.data & ~same.null)
        if fault is not None:
            null |= fault > 0
        return Vector(
            data=vector.data, null=null, fault=fault, scale=vector.scale, shown=vector.shown
        )

    return _term(value.kind, run, [value])


class _Choice:
    """One vector of parts of several."""

    def __init__(self, kind: Kind, count: int) -> None:
        self._kind = kind
        self._open = np.ones(count, dtype=np.bool_)
        self._fault: Faults | None = None
        self._taken: list[tuple[Mask, Vector]] = []

    def fail(self, fault: Faults | None) -> None:
        """Record faults of the rows that are open; nothing more is asked of them."""
        self._fault = _taken(self._fault, fault, self._open, len(self._open))
        if fault is not None:
            self._open &= fault == 0

    def take(self, vector: Vector, where: Mask) -> None:
        """Take the values of rows that are open."""
        mine = self._open & where
        self._fault = _taken(self._fault, vector.fault, mine, len(mine))
        self._taken.append((mine, filled(vector, len(mine))))
        self._open &= ~where

    def made(self) -> Vector:
        """Give what was taken; the rest is null."""
        null = np.ones(len(self._open), dtype=np.bool_)
        for where, vector in self._taken:
            null[where] = vector.null[where]
        if self._fault is not None:
            null |= self._fault > 0
        if self._kind in NUMERIC:
            data, scale, shown = self._numbers()
            return Vector(data=data, null=null, fault=self._fault, scale=scale, shown=shown)
        return Vector(data=self._others(), null=null, fault=self._fault)

    def _numbers(self) -> tuple[Any, int, Any]:
        count = len(self._open)
        scale = max(vector.scale for _, vector in self._taken)
        parts = [(where, integers.shift(v.data, scale - v.scale)) for where, v in self._taken]
        is_wide = any(data.dtype == object for _, data in parts)
        data = np.zeros(count, dtype=object if is_wide else np.int64)
        shown = np.zeros(count, dtype=np.int64)
        for (where, part), (_, vector) in zip(parts, self._taken, strict=True):
            data[where] = part[where]
            shown[where] = np.broadcast_to(vector.shown, where.shape)[where]
        return data, scale, shown

    def _others(self) -> Any:  # noqa: ANN401  see Vector
        data = self._taken[0][1].data
        for where, vector in self._taken[1:]:
            if isinstance(data, pl.Series):
                data = vector.data.zip_with(pl.Series(where), data)
            else:
                data = np.where(where, vector.data, data)
        return data


def _taken(fault: Faults | None, other: Faults | None, where: Mask, count: int) -> Faults | None:
    """Add the faults of another vector at some rows."""
    if other is None or not (found := where & (other > 0)).any():
        return fault
    made = np.zeros(count, dtype=np.uint8) if fault is None else fault.copy()
    made[found] = np.broadcast_to(other, (count,))[found]
    return made


def _boolean(term: Term) -> Term:
    if term.kind is Kind.NULL:
        return as_kind(term, Kind.BOOLEAN)
    return need(term, Kind.BOOLEAN)


def _term(kind: Kind, run: Any, values: Sequence[Term]) -> Term:  # noqa: ANN401  a function
    need(Term(kind=kind, run=run), *(set(Kind) - {Kind.OTHER, Kind.SPAN}))
    return Term(
        kind=kind,
        run=run,
        whole=max(value.whole for value in values),
        scale=max(value.scale for value in values),
    )
