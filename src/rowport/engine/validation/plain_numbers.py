"""Numbers of up to 16 characters, read from the bytes of their columns.

A sign that is not `-`, blanks, exponents and whatever else is rare are left to slower readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rowport.engine.texts_in_arrow import TextBytes
from rowport.engine.validation import words
from rowport.engine.validation.words import Cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rowport.engine.validation.words import Words

    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]

MAX_CHARS: Final = 2 * words.SIZE
"""Of the digits and the point."""
_KEPT: Final = np.array([(1 << 64) - (1 << (64 - 8 * n)) for n in range(9)], np.uint64)
"""Masks of the last n bytes of a word."""
_ONE_BYTE: Final = np.uint64(8)
_SEVEN_BYTES: Final = np.uint64(56)
_HUNDRED_MILLION: Final = np.int64(10**8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the cells of a column say."""

    units: Integers
    """The digits as one whole number, the point left out."""
    decimals: Integers
    """How many of them stand behind the point."""
    taken: Booleans
    """Which cells were read."""


def read_numbers(texts: TextBytes, *, point: str | None, group: str | None) -> Numbers:
    """Read a column; `point`: None for whole numbers."""
    cells = Cells(texts)
    if group is None or not np.any(grouped := cells.bytes == ord(group)):
        return _read(cells, point)
    fit = _are_between_digits(cells, grouped)
    before = np.cumsum(grouped, dtype=np.int32)
    offsets = np.append(cells.begins, cells.ends[-1:])
    plain = TextBytes(offsets=offsets - before[offsets - 1], data=cells.bytes[~grouped])
    told = _read(Cells(plain), point)
    taken = told.taken & fit
    if point is not None:  # no group stands behind the point: it is where the decimals say
        at = cells.ends - 1 - told.decimals
        taken &= (told.decimals == 0) | (cells.bytes[at] == ord(point))
    return Numbers(units=told.units, decimals=told.decimals, taken=taken)


def _are_between_digits(cells: Cells, grouped: Booleans) -> Booleans:
    """Tell in which cells every group character stands between two digits."""
    fit = ~(grouped[cells.begins] | grouped[cells.ends - 1])
    places = np.flatnonzero(grouped)
    is_digit = (cells.bytes - ord("0")) < 10  # noqa: PLR2004  unsigned: what is below 0 is large
    wrong = places[~(is_digit[places - 1] & is_digit[places + 1])]
    if len(wrong):
        fit[np.searchsorted(cells.begins, wrong, "right") - 1] = False
    return fit


def _read(cells: Cells, point: str | None) -> Numbers:
    is_negative = cells.bytes[cells.begins] == ord("-")
    sizes = cells.sizes - is_negative
    low = cells.words(cells.ends - words.SIZE) ^ words.ZEROS
    low &= _KEPT[np.clip(sizes, 0, words.SIZE)]
    is_long = bool(len(sizes)) and int(sizes.max()) > words.SIZE
    high = np.zeros_like(low)
    if is_long:
        high = cells.words(cells.ends - MAX_CHARS) ^ words.ZEROS
        high &= _KEPT[np.clip(sizes - words.SIZE, 0, words.SIZE)]
    decimals = np.zeros(len(sizes), np.int64)
    has_point = np.zeros(len(sizes), bool)
    if point is not None:
        low, high, decimals, has_point = _without_point(low, high, ord(point) ^ ord("0"))
    whole = sizes - decimals - has_point
    taken = (sizes <= MAX_CHARS) & (whole >= 1) & (decimals >= has_point) & words.are_digits(low)
    units = words.numbers(low).view(np.int64)
    if is_long:
        taken &= words.are_digits(high)
        units = units + words.numbers(high).view(np.int64) * _HUNDRED_MILLION
    return Numbers(units=np.where(is_negative, -units, units), decimals=decimals, taken=taken)


def _without_point(low: Words, high: Words, point: int) -> tuple[Words, Words, Integers, Booleans]:
    """Take the point out of pairs of words: what stands before it moves up by a byte."""
    in_low = words.first(low, point)
    has_low = in_low != 0
    moved, decimals = _taken_out(low, in_low)
    if has_low.all():
        moved |= high >> _SEVEN_BYTES
        return moved, high << _ONE_BYTE, decimals, has_low
    in_high = words.first(high, point)
    in_high[has_low] = 0
    has_high = in_high != 0
    moved_high, behind = _taken_out(high, in_high)
    moved |= np.where(has_low, high >> _SEVEN_BYTES, np.uint64(0))
    decimals = np.where(has_low, decimals, np.where(has_high, behind + words.SIZE, 0))
    return moved, np.where(has_low, high << _ONE_BYTE, moved_high), decimals, has_low | has_high


def _taken_out(values: Words, at: Words) -> tuple[Words, Integers]:
    """Take out the byte that `at` marks, if any; say how many bytes stand behind it."""
    before = at - (at != 0)
    moved = ((values & before) << _ONE_BYTE) | (values & ~(before | at * words.BYTE))
    behind = words.SIZE - 1 - (np.bitwise_count(before) >> np.uint8(3)).astype(np.int64)
    return moved, behind
