"""Exact whole numbers of any size, in arrays: 64 bits where all fit, Python's own elsewhere.

Decimals are such numbers with a scale.  What an operation could make at most is known before it
is done, so nothing ever wraps; only columns with very large numbers leave the fast path.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Whole = npt.NDArray[Any]
    """int64, or object with Python's int."""

LIMIT: Final = 2**63
_POWERS: Final = np.array([10**n for n in range(19)], dtype=np.int64)


def peak(values: Whole) -> int:
    """Give the greatest size of any."""
    if not values.size:
        return 0
    return max(abs(int(values.max())), abs(int(values.min())))


def narrow(values: Whole) -> Whole:
    """Give 64-bit numbers if all fit."""
    return values.astype(np.int64) if values.dtype == object and peak(values) < LIMIT else values


def add(one: Whole, other: Whole) -> Whole:
    """Add."""
    return _exactly(operator.add, one, other, peak(one) + peak(other))


def subtract(one: Whole, other: Whole) -> Whole:
    """Subtract."""
    return _exactly(operator.sub, one, other, peak(one) + peak(other))


def multiply(one: Whole, other: Whole) -> Whole:
    """Multiply."""
    return _exactly(operator.mul, one, other, peak(one) * peak(other))


def power(digits: int) -> Whole:
    """Give a power of ten, as one value for all."""
    return narrow(np.array([10**digits], dtype=object))


def shift(values: Whole, digits: int) -> Whole:
    """Multiply by a power of ten (`digits` is at least 0)."""
    if not digits:
        return values
    return multiply(values, power(digits))


def divide(one: Whole, other: Whole) -> Whole:
    """Divide, towards zero; no divisor is 0."""
    return narrow(_signed(operator.floordiv, one, other))


def divide_rounding(one: Whole, other: Whole) -> Whole:
    """Divide and round, halves away from zero; no divisor is 0."""

    def rounded(upper: Whole, lower: Whole) -> Whole:
        return np.asarray((upper * 2 + lower) // (lower * 2))

    return narrow(_signed(rounded, *_roomy(one, other)))


def remainder(one: Whole, other: Whole) -> Whole:
    """Give what `divide` leaves; it has the sign of the dividend."""
    return subtract(one, multiply(divide(one, other), other))


def floor(values: Whole, digits: int) -> Whole:
    """Divide by a power of ten, downwards."""
    return narrow(_by_power(values, digits, operator.floordiv))


def round_half_away(values: Whole, digits: int) -> Whole:
    """Divide by a power of ten and round, halves away from zero."""
    if not digits:
        return values
    return divide_rounding(values, power(digits))


def lengths(values: Whole) -> npt.NDArray[np.int64]:
    """Give how many digits each has; 0 has none."""
    if values.dtype == object:
        made = [len(str(abs(value))) if value else 0 for value in values.tolist()]
        return np.array(made, dtype=np.int64)
    return np.asarray(np.searchsorted(_POWERS, abs(values), side="right"), dtype=np.int64)


def _exactly(sign: Callable[[Any, Any], Any], one: Whole, other: Whole, most: int) -> Whole:
    if most < LIMIT and not _is_wide(one, other):
        return np.asarray(sign(one, other))
    return narrow(np.asarray(sign(one.astype(object), other.astype(object)), dtype=object))


def _is_wide(*values: Whole) -> bool:
    return any(some.dtype == object for some in values)


def _roomy(one: Whole, other: Whole) -> tuple[Whole, Whole]:
    """Give both as they can be doubled and added."""
    if 2 * (peak(one) + peak(other)) < LIMIT and not _is_wide(one, other):
        return one, other
    return one.astype(object), other.astype(object)


def _signed(sign: Callable[[Any, Any], Any], one: Whole, other: Whole) -> Whole:
    """Apply a division of sizes, and give the result its sign."""
    if peak(one) >= LIMIT or peak(other) >= LIMIT or _is_wide(one, other):
        one, other = one.astype(object), other.astype(object)
    size = sign(abs(one), abs(other))
    return np.asarray(np.where((one < 0) != (other < 0), -size, size), dtype=size.dtype)


def _by_power(values: Whole, digits: int, sign: Callable[[Any, Any], Any]) -> Whole:
    if not digits:
        return values
    if digits < len(_POWERS) and values.dtype != object:
        return np.asarray(sign(values, _POWERS[digits]))
    return np.asarray(sign(values.astype(object), 10**digits), dtype=object)
