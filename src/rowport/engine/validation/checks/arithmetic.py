"""Numbers: exact as PostgreSQL's, whole numbers of 64 bits and decimals that are never cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rowport.engine.validation.checks import integers
from rowport.engine.validation.checks.terms import (
    INTEGER_DIGITS,
    Mismatch,
    Term,
    bounded,
    need,
)
from rowport.engine.validation.checks.vectors import (
    NUMERIC,
    Fault,
    Kind,
    Vector,
    failed,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from rowport.engine.validation.checks.integers import Whole
    from rowport.engine.validation.checks.vectors import Faults, Mask, Rows

MAX_ROUNDED: Final = 100
"""The second argument of round, at most."""
_QUOTIENT_DIGITS: Final = 16
_QUOTIENT_DECIMALS: Final = 1000
_BASE_DIGITS: Final = 4
"""NUMERIC_MIN_SIG_DIGITS, NUMERIC_MAX_DISPLAY_SCALE and DEC_DIGITS of PostgreSQL's numeric.c."""


def ranged(data: Whole, null: Mask, fault: Faults | None, *, bits: int = 64) -> Vector:
    """Give whole numbers, with a fault where one is beyond the range of its type."""
    if data.dtype == object or bits < 64:  # noqa: PLR2004  as many as int64 has
        limit = 2 ** (bits - 1)
        beyond = np.asarray((data < -limit) | (data >= limit), dtype=np.bool_) & ~null
        fault = failed(fault, beyond, Fault.INTEGER)
        data = np.asarray(np.where((data < -limit) | (data >= limit), 0, data), dtype=np.int64)
    return result(data, null, fault)


def result(
    data: Whole,
    null: Mask,
    fault: Faults | None,
    *,
    scale: int = 0,
    shown: Any = 0,  # noqa: ANN401  see Vector
) -> Vector:
    """Give a vector whose rows with a fault are null."""
    if fault is not None:
        null = null | (fault > 0)
    return Vector(data=data, null=null, fault=fault, scale=scale, shown=shown)


def aligned(one: Vector, other: Vector) -> tuple[Whole, Whole, int]:
    """Give the numbers of two vectors with one scale."""
    scale = max(one.scale, other.scale)
    return (
        integers.shift(one.data, scale - one.scale),
        integers.shift(other.data, scale - other.scale),
        scale,
    )


def plus(one: Term, other: Term) -> Term:
    """Add numbers."""
    return _sum(one, other, integers.add)


def minus(one: Term, other: Term) -> Term:
    """Subtract numbers."""
    return _sum(one, other, integers.subtract)


def times(one: Term, other: Term) -> Term:
    """Multiply numbers."""
    kind = _kind(one, other)

    def run(rows: Rows) -> Vector:
        left, right = one.run(rows), other.run(rows)
        data = integers.multiply(left.data, right.data)
        if kind is Kind.INTEGER:
            return ranged(data, *joined(left, right))
        scale, shown = left.scale + right.scale, left.shown + right.shown
        return result(data, *joined(left, right), scale=scale, shown=shown)

    return _number(kind, run, one.whole + other.whole, one.scale + other.scale)


def over(one: Term, other: Term) -> Term:
    """Divide: whole numbers towards zero, decimals to as many decimals as PostgreSQL does."""
    kind = _kind(one, other)

    def run(rows: Rows) -> Vector:
        left, right = one.run(rows), other.run(rows)
        null, fault, divisor = _divisor(left, right)
        if kind is Kind.INTEGER:
            return ranged(integers.divide(left.data, divisor), null, fault)
        return _quotient(left, right, divisor, null, fault)

    decimals = _QUOTIENT_DIGITS + one.scale + other.whole + 3 * _BASE_DIGITS
    return _number(kind, run, one.whole + other.scale, max(decimals, other.scale))


def modulo(one: Term, other: Term) -> Term:
    """Give what a division leaves."""
    kind = _kind(one, other)

    def run(rows: Rows) -> Vector:
        left, right = one.run(rows), other.run(rows)
        null, fault, divisor = _divisor(left, right)
        upper, lower, scale = aligned(left, _with(right, divisor))
        shown = np.maximum(left.shown, right.shown)
        return result(integers.remainder(upper, lower), null, fault, scale=scale, shown=shown)

    return _number(kind, run, other.whole, max(one.scale, other.scale))


def negative(one: Term) -> Term:
    """Change the sign."""
    return _alone(one, lambda data: integers.subtract(np.zeros(1, dtype=np.int64), data))


def absolute(one: Term) -> Term:
    """Take the sign off."""
    return _alone(one, lambda data: integers.narrow(abs(_roomy(data))))


def rounded(one: Term, digits: int) -> Term:
    """Round to so many decimals, halves away from zero; a whole number becomes a decimal.

    Raises:
        Mismatch: `digits` is out of all reason, or `one` no number.
    """
    need(one, *NUMERIC)
    if abs(digits) > MAX_ROUNDED:
        raise Mismatch(f"round has at most {MAX_ROUNDED} decimals")

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        data, scale = vector.data, vector.scale
        if scale > digits:
            data = integers.round_half_away(data, scale - digits)
            data, scale = integers.shift(data, max(-digits, 0)), max(digits, 0)
        return result(data, *joined(vector), scale=scale, shown=max(digits, 0))

    return _number(Kind.NUMBER, run, one.whole + 1, one.scale)


def floored(one: Term) -> Term:
    """Give the next whole number below; a whole number becomes a decimal."""
    need(one, *NUMERIC)

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        return result(integers.floor(vector.data, vector.scale), *joined(vector))

    return _number(Kind.NUMBER, run, one.whole + 1, 0)


def ceiled(one: Term) -> Term:
    """Give the next whole number above; a whole number becomes a decimal."""
    return negative(floored(negative(_as_number(one))))


def _as_number(one: Term) -> Term:
    need(one, *NUMERIC)
    return Term(kind=Kind.NUMBER, run=one.run, whole=one.whole, scale=one.scale)


def _sum(one: Term, other: Term, sign: Callable[[Whole, Whole], Whole]) -> Term:
    kind = _kind(one, other)

    def run(rows: Rows) -> Vector:
        left, right = one.run(rows), other.run(rows)
        upper, lower, scale = aligned(left, right)
        data = sign(upper, lower)
        if kind is Kind.INTEGER:
            return ranged(data, *joined(left, right))
        shown = np.maximum(left.shown, right.shown)
        return result(data, *joined(left, right), scale=scale, shown=shown)

    return _number(kind, run, max(one.whole, other.whole) + 1, max(one.scale, other.scale))


def _alone(one: Term, sign: Callable[[Whole], Whole]) -> Term:
    need(one, *NUMERIC)

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        data = sign(vector.data)
        if one.kind is Kind.INTEGER:
            return ranged(data, *joined(vector))
        return result(data, *joined(vector), scale=vector.scale, shown=vector.shown)

    return _number(one.kind, run, one.whole, one.scale)


def _number(kind: Kind, run: Callable[[Rows], Vector], whole: int, scale: int) -> Term:
    if kind is Kind.INTEGER:
        return Term(kind=kind, run=run, whole=INTEGER_DIGITS)
    return bounded(Term(kind=kind, run=run, whole=whole, scale=scale))


def _kind(one: Term, other: Term) -> Kind:
    kinds = {need(one, *NUMERIC).kind, need(other, *NUMERIC).kind}
    return Kind.NUMBER if Kind.NUMBER in kinds else Kind.INTEGER


def _roomy(data: Whole) -> Whole:
    return data.astype(object) if integers.peak(data) >= integers.LIMIT else data


def _with(vector: Vector, data: Whole) -> Vector:
    return Vector(data=data, null=vector.null, scale=vector.scale, shown=vector.shown)


def _divisor(left: Vector, right: Vector) -> tuple[Mask, Faults | None, Whole]:
    """Give a divisor without zeros, and the faults where it had some."""
    null, fault = joined(left, right)
    is_zero = np.asarray(right.data == 0, dtype=np.bool_)
    if not is_zero.any():
        return null, fault, right.data
    return null, failed(fault, is_zero & ~null, Fault.ZERO), np.where(is_zero, 1, right.data)


def _quotient(
    left: Vector, right: Vector, divisor: Whole, null: Mask, fault: Faults | None
) -> Vector:
    """Divide decimals, each to the decimals that PostgreSQL would give it, rounded."""
    upper, lower, idle = np.broadcast_arrays(left.data, divisor, null)
    decimals = _quotient_decimals(left, _with(right, divisor))
    decimals = np.where(idle, 0, np.broadcast_to(decimals, idle.shape))
    scale = int(decimals.max(initial=0))
    data = np.zeros(idle.shape, dtype=object)
    for count in np.unique(decimals).tolist():
        where = (decimals == count) & ~idle
        raised = count - left.scale + right.scale
        one = integers.shift(upper[where], max(raised, 0))
        other = integers.shift(lower[where], max(-raised, 0))
        data[where] = integers.shift(integers.divide_rounding(one, other), scale - count)
    return result(integers.narrow(data), null, fault, scale=scale, shown=decimals)


def _quotient_decimals(left: Vector, right: Vector) -> npt.NDArray[np.int64]:
    """Do as select_div_scale of PostgreSQL's numeric.c."""
    weight, lead = _weighed(left)
    other_weight, other_lead = _weighed(right)
    weight = weight - other_weight - (lead <= other_lead)
    decimals = _QUOTIENT_DIGITS - weight * _BASE_DIGITS
    decimals = np.maximum(np.maximum(decimals, left.shown), right.shown)
    return np.asarray(np.clip(decimals, 0, _QUOTIENT_DECIMALS), dtype=np.int64)


def _weighed(vector: Vector) -> tuple[npt.NDArray[np.int64], Whole]:
    """Give the place of the first digit of each number to the base of 10,000, and that digit."""
    digits = integers.lengths(vector.data)
    place = digits - 1 - vector.scale
    weight = np.where(digits == 0, 0, place // _BASE_DIGITS)
    behind = digits - (place - weight * _BASE_DIGITS + 1)
    lead = np.zeros(len(digits), dtype=np.int64)
    size = abs(_roomy(vector.data))
    for count in np.unique(behind).tolist():
        where = (behind == count) & (digits > 0)
        raised = integers.shift(size[where], max(-count, 0))
        lead[where] = np.asarray(integers.floor(raised, max(count, 0)), dtype=np.int64)
    return weight, lead
