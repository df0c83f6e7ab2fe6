"""Cells of a sheet at the speed of memory, if they are written as nearly all programs write them.

`<c r="B7" s="2" t="s"><v>4</v></c>`: reference, style, type, value, in this order.  All cells of
a block are taken apart at once, attribute by attribute; at the first byte that is not where it
should be the whole block is left to the patterns and the parser of `sheet`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from rowport.engine.workbook.words import (
    leading_number,
    marked,
    padded,
    pieces,
    stands,
    tags,
    text_begins,
    words,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from rowport.engine.workbook.words import Bytes, Flags, Offsets

_HEAD: Final = b'<c r="'
_STYLE: Final = b' s="'
_TYPE: Final = b' t="'
_LETTER_END: Final = int.from_bytes(b'">', "little")
_TEXT: Final = b'str">'
_INLINE: Final = b'inlineStr">'
_INLINE_BEGIN: Final = b"<is>"
_INLINE_END: Final = b"</t></is></c>"
_MAX_LETTERS: Final = 3
_ALPHABET: Final = 26
_ONE_LETTER: Final = np.isin(np.arange(256), list(b"snbed"))
"""Types of cells: shared string, number, boolean, error, date; others are `str`, `inlineStr`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedCells:
    """The cells of a block that have a value."""

    rows: Offsets
    columns: Offsets
    styles: Offsets
    kinds: Bytes
    """First letter of the type, n if there is none."""
    array: Bytes
    begins: Offsets
    ends: Offsets
    is_marked: Flags
    """Values that may hold entities or escapes."""
    pieces: pa.Array
    """The values as they are written, and what lies between them."""

    def values(self, chosen: Offsets) -> pa.Array:
        """Give the values of some cells as they are written."""
        return self.pieces.take(pa.array(chosen * 2))

    def whole_numbers(self, chosen: Offsets) -> tuple[Offsets, Flags]:
        """Give the values of some cells as integers, and which are that: one to eight digits."""
        begins = self.begins[chosen]
        numbers, digits = leading_number(words(self.array, begins))
        return numbers, digits == self.ends[chosen] - begins

    def are_plain(self, chosen: Offsets) -> Flags:
        """Say which values are whole numbers of up to eight digits as a person would write them."""
        _, is_whole = self.whole_numbers(chosen)
        begins, ends = self.begins[chosen], self.ends[chosen]
        is_plain: Flags = is_whole & ((self.array[begins] != ord("0")) | (ends - begins == 1))
        return is_plain


class _StrangeError(Exception):
    """Cells are written in an unusual way."""


def scanned(block: bytes) -> ScannedCells | None:
    """Take the cells of a block of whole rows apart; None if they are written otherwise."""
    try:
        return _scanned(block, padded(block))
    except _StrangeError:
        return None


def _scanned(block: bytes, array: Bytes) -> ScannedCells:
    cells, values = _elements(block, array)
    begins, ends = values.begins, values.ends
    rows, columns, place = _references(array, _owners(cells, begins))
    styles, place = _styles(array, place)
    kinds, place = _types(array, place)
    inline = np.flatnonzero(kinds == ord("i"))
    _expect(np.array_equal(inline, values.inline))
    _expect(place[inline] == values.inline_begins)
    has_text = begins < ends
    if not has_text.all():
        rows, columns, styles = rows[has_text], columns[has_text], styles[has_text]
        kinds, begins, ends = kinds[has_text], begins[has_text], ends[has_text]
    return ScannedCells(
        rows=rows,
        columns=columns,
        styles=styles,
        kinds=kinds,
        array=array,
        begins=begins,
        ends=ends,
        is_marked=marked(block, array, begins),
        pieces=pieces(array, begins, ends),
    )


def _expect(*holds: ArrayLike) -> None:
    if not all(np.all(flags) for flags in holds):
        raise _StrangeError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Values:
    begins: Offsets
    ends: Offsets
    inline: Offsets
    """Places among them of inline strings."""
    inline_begins: Offsets
    """Where the elements of the inline strings begin."""


def _elements(block: bytes, array: Bytes) -> tuple[Offsets, _Values]:
    """Find the cells, and the values in `<v>` or `<is><t>`."""
    strange = bytes(letter for letter in b"i!?" if letter in block)
    if strange:
        cells, opens, ends, others = tags(array, b"c", b"vt", b"/vt", strange)
    else:
        (cells, opens, ends), others = tags(array, b"c", b"v", b"/v"), np.zeros(0, np.int64)
    begins = text_begins(array, opens)
    if begins is None or len(begins) != len(ends):
        raise _StrangeError
    _expect(array[cells + 2] == ord(" "), array[opens + 1] == array[ends + 2])
    _expect(begins <= ends, begins[1:] >= ends[:-1])
    inline = np.flatnonzero(array[opens + 1] == ord("t")) if strange else others
    inline_begins = opens[inline] - len(_INLINE_BEGIN)
    _expect(np.array_equal(others, inline_begins), stands(array, others, _INLINE_BEGIN))
    _expect(stands(array, ends[inline], _INLINE_END))
    return cells, _Values(begins=begins, ends=ends, inline=inline, inline_begins=inline_begins)


def _owners(cells: Offsets, begins: Offsets) -> Offsets:
    """Give the cell of each value."""
    if len(cells) == len(begins) and (cells < begins).all() and (begins[:-1] < cells[1:]).all():
        return cells
    owners = np.searchsorted(cells, begins) - 1
    _expect(owners >= 0, np.diff(owners) > 0)
    return cells[owners]


def _references(array: Bytes, cells: Offsets) -> tuple[Offsets, Offsets, Offsets]:
    """Give the row and the 0-based column of each cell, and the place behind them."""
    _expect(stands(array, cells, _HEAD))
    place = cells + len(_HEAD)
    columns = np.zeros(len(place), np.int64)
    for _ in range(_MAX_LETTERS):
        letter = array[place] - np.uint8(ord("A"))
        is_letter = letter < _ALPHABET
        if not is_letter.any():
            break
        columns = np.where(is_letter, columns * _ALPHABET + letter + 1, columns)
        place += is_letter
    rows, digits = leading_number(words(array, place))
    place += digits
    _expect(columns > 0, rows > 0, array[place] == ord('"'))
    return rows, columns - 1, place + 1


def _styles(array: Bytes, place: Offsets) -> tuple[Offsets, Offsets]:
    """Give the style of each cell, 0 if it has none, and the place behind it."""
    styles = np.zeros(len(place), np.int64)
    styled = np.flatnonzero(array[place + 1] == _STYLE[1])
    if len(styled):
        here = place[styled]
        _expect(stands(array, here, _STYLE))
        styles[styled], digits = leading_number(words(array, here + len(_STYLE)))
        here += len(_STYLE) + digits
        _expect(array[here] == ord('"'))
        place[styled] = here + 1
    return styles, place


def _types(array: Bytes, place: Offsets) -> tuple[Bytes, Offsets]:
    """Give the type of each cell and the place behind its opening tag."""
    kinds = np.full(len(place), ord("n"), np.uint8)
    sizes = np.ones(len(place), np.int64)
    typed = np.flatnonzero(array[place] != ord(">"))
    _expect(stands(array, place[typed], _TYPE))
    types = place[typed] + len(_TYPE)
    letters = array[types]
    is_one = _ONE_LETTER[letters] & (array[types + 1] == ord('"'))
    _expect(array[types[is_one] + 2] == ord(">"))
    kinds[typed] = letters
    sizes[typed] = len(_TYPE) + len(b's">')
    longer, types = typed[~is_one], types[~is_one]
    is_text = array[types] == _TEXT[0]
    _expect(stands(array, types[is_text], _TEXT), stands(array, types[~is_text], _INLINE))
    kinds[longer] = np.where(is_text, ord("t"), ord("i"))
    sizes[longer] = len(_TYPE) + np.where(is_text, len(_TEXT), len(_INLINE))
    return kinds, place + sizes
