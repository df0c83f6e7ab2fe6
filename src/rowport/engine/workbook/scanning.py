"""Cells of a sheet at the speed of memory, if they are written as nearly all programs write them.

`<c r="B7" s="2" t="s"><v>4</v></c>`: reference, style, type, value, in this order.  All cells of
a block are taken apart at once, attribute by attribute; at the first byte that is not where it
should be the whole block is left to the patterns and the parser of `sheet`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Offsets = NDArray[np.int64]

_PADDING: Final = b"\0" * 16
_STRANGE: Final = np.isin(np.arange(256), list(b"!?i"))
"""How comments, CDATA, instructions and inline strings begin behind their bracket."""
_INLINE: Final = b' t="inlineStr"><is>'
_MAX_LETTERS: Final = 3
_MAX_DIGITS: Final = 7
_ONE_LETTER: Final = np.isin(np.arange(256), list(b"snbed"))
"""Types of cells: shared string, number, boolean, error, date; the other is `str`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedCells:
    """The cells of a block that have a value."""

    rows: Offsets
    columns: Offsets
    styles: Offsets
    kinds: Bytes
    """First letter of the type: s shared, n number, b boolean, e error, d date, t formula text."""
    array: Bytes
    begins: Offsets
    ends: Offsets

    def values(self, chosen: Offsets) -> pa.Array:
        """Give the values of some cells as they are written."""
        begins = self.begins[chosen]
        sizes = self.ends[chosen] - begins
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        places = np.repeat(begins - offsets[:-1], sizes) + np.arange(offsets[-1])
        data = np.ascontiguousarray(self.array[places])
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
        return pa.Array.from_buffers(pa.large_string(), len(sizes), buffers)

    def whole_numbers(self, chosen: Offsets) -> Offsets | None:
        """Give the values of some cells as integers; None if one is none."""
        numbers, ends = _digits(self.array, self.begins[chosen], _MAX_DIGITS + 2)
        return numbers if (ends == self.ends[chosen]).all() else None


def scanned(block: bytes) -> ScannedCells | None:
    """Take the cells of a block of whole rows apart; None if they are written otherwise."""
    block = _without_inline(block)
    array = np.frombuffer(block + _PADDING, np.uint8)
    tags = np.flatnonzero(array == ord("<"))
    second, third = array[tags + 1], array[tags + 2]
    is_cell, is_value = second == ord("c"), second == ord("v")
    is_odd = _STRANGE[second] | (is_cell & (third != ord(" "))) | (is_value & (third != ord(">")))
    if is_odd.any():
        return None
    cells = tags[is_cell]
    begins = tags[is_value] + 3
    ends = tags[(second == ord("/")) & (third == ord("v"))]
    if len(begins) != len(ends) or (begins > ends).any() or (begins[1:] < ends[:-1]).any():
        return None
    owners = np.searchsorted(cells, begins) - 1
    if len(owners) and (owners[0] < 0 or (np.diff(owners) <= 0).any()):
        return None
    has_text = begins < ends
    return _attributes(array, cells[owners[has_text]], begins[has_text], ends[has_text])


def _without_inline(block: bytes) -> bytes:
    """Write plain inline strings as texts of formulas are, which mean the same."""
    if _INLINE not in block:
        return block
    for opening in (b"<t>", b'<t xml:space="preserve">'):
        block = block.replace(_INLINE + opening, b' t="str"><v>')
    return block.replace(b"</t></is></c>", b"</v></c>")


def _attributes(
    array: Bytes, cells: Offsets, begins: Offsets, ends: Offsets
) -> ScannedCells | None:
    if not all((array[cells + 3 + n] == byte).all() for n, byte in enumerate(b'r="')):
        return None
    columns, place = _letters(array, cells + 6)
    rows, place = _digits(array, place, _MAX_DIGITS)
    if (columns < 0).any() or (rows < 1).any() or (array[place] != ord('"')).any():
        return None
    place = place + 1
    has_style = _stands(array, place, b' s="')
    styles, after = _digits(array, place + 4, _MAX_DIGITS)
    if (array[after[has_style]] != ord('"')).any():
        return None
    styles = np.where(has_style, styles, 0)
    place = np.where(has_style, after + 1, place)
    kinds, place = _types(array, place)
    if (array[place] != ord(">")).any():
        return None
    return ScannedCells(
        rows=rows,
        columns=columns,
        styles=styles,
        kinds=kinds,
        array=array,
        begins=begins,
        ends=ends,
    )


def _types(array: Bytes, place: Offsets) -> tuple[Bytes, Offsets]:
    """Give the type of each cell, n if it has none, and the place behind it."""
    kinds = np.full(len(place), ord("n"), np.uint8)
    has_type = _stands(array, place, b' t="')
    typed = place[has_type] + 4
    letters, next_byte = array[typed], array[typed + 1]
    is_one = _ONE_LETTER[letters] & (next_byte == ord('"'))
    is_text = _stands(array, typed, b'str"') & ~is_one
    kinds[has_type] = np.where(is_text, ord("t"), np.where(is_one, letters, ord("n")))
    after = place.copy()
    after[has_type] = typed + np.where(is_one, 2, np.where(is_text, 4, 0))
    return kinds, after


def _stands(array: Bytes, places: Offsets, text: bytes) -> NDArray[np.bool_]:
    stands: NDArray[Any] = np.ones(len(places), bool)
    for offset, byte in enumerate(text):
        here: NDArray[np.bool_] = array[places + offset] == byte
        if not here.any():
            return here
        stands &= here
    return stands


def _letters(array: Bytes, place: Offsets) -> tuple[Offsets, Offsets]:
    """Give the 0-based column that letters name and the place behind them."""
    column = np.zeros(len(place), np.int64)
    for _ in range(_MAX_LETTERS):
        letter = array[place].astype(np.int64) - ord("A")
        is_letter = (letter >= 0) & (letter < 26)  # noqa: PLR2004  the alphabet
        if not is_letter.any():
            break
        column = np.where(is_letter, column * 26 + letter + 1, column)
        place = place + is_letter
    return column - 1, place


def _digits(array: Bytes, place: Offsets, most: int) -> tuple[Offsets, Offsets]:
    """Give the number that up to `most` digits make and the place behind them."""
    number = np.zeros(len(place), np.int64)
    going = np.ones(len(place), bool)
    for _ in range(most):
        digit = array[place].astype(np.int64) - ord("0")
        going = going & (digit >= 0) & (digit <= 9)  # noqa: PLR2004  ten digits
        if not going.any():
            break
        number = np.where(going, number * 10 + digit, number)
        place = place + going
    return number, place
