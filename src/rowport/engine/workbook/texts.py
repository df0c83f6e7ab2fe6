"""From what the cells of a sheet refer to, to what a person typed into them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.workbook.strings import SharedStrings, unescaped, unescaped_where
from rowport.engine.workbook.styles import (
    FALSE_LEAP_DAY,
    LAST_DAY,
    LATER_DAYS,
    Kind,
    date_text,
    number_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from rowport.engine.workbook.scanning import ScannedCells

_SUSPECT: Final = r"[eEnN]|^-0$|^.{8,}(000|999)[0-9.]{0,3}$"
"""Exponents, what is no number, and the noise of binary fractions at the end of 15 digits."""
_SERIAL: Final = r"^\d+(\.\d+)?$"
_NO_DAY: Final = "-9999"
_UNIX_DAY: Final = 25_569
"""The serial number of 1970-01-01."""
_DAY: Final = 86_400_000
_SECOND: Final = 1_000
"""Serial numbers are exact to the millisecond."""
_KINDS: Final = tuple(Kind)
_NUMBER: Final = _KINDS.index(Kind.NUMBER)
_PLAIN: Final = len(_KINDS)
"""A number whose digits are its text."""
_TEXT: Final = pa.large_string()
_TRUE: Final = pa.scalar("true", _TEXT)
_FALSE: Final = pa.scalar("false", _TEXT)


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What the cells of a sheet refer to."""

    strings: SharedStrings
    kinds: tuple[Kind, ...]
    is_1904: bool

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        """What each style makes of a number, as a place in `_KINDS`; the last: an unknown style."""
        known = {kind: code for code, kind in enumerate(_KINDS)}
        return np.array([known[kind] for kind in (*self.kinds, Kind.NUMBER)], np.uint8)


def cell_texts(
    cells: ScannedCells, meaning: Meaning
) -> Iterator[tuple[int, NDArray[np.int64], pa.Array]]:
    """Give each column that holds anything: its number, the places of its cells, their texts.

    All cells of a kind are read at once, column behind column; most columns are of one kind.

    Raises:
        IndexError: a cell points to nothing.
    """
    codes = _codes(cells, meaning)
    found: dict[int, list[tuple[NDArray[np.int64], pa.Array]]] = {}
    for code in np.flatnonzero(np.bincount(codes)).tolist():
        chosen = np.flatnonzero(codes == code)
        texts_of = partial(_group, cells, code=code, meaning=meaning)
        for column, places, texts in by_column(cells.columns, chosen, texts_of):
            found.setdefault(column, []).append((places, texts))
    for column, runs in found.items():
        places, texts = runs[0]
        if len(runs) > 1:
            places = np.concatenate([places for places, _ in runs])
            order = np.argsort(places, kind="stable")
            places = places[order]
            texts = pa.concat_arrays([texts for _, texts in runs]).take(pa.array(order))
        yield column, places, texts


def by_column(
    columns: NDArray[np.int64],
    chosen: NDArray[np.int64],
    texts_of: Callable[[NDArray[np.int64]], pa.Array],
) -> Iterator[tuple[int, NDArray[np.int64], pa.Array]]:
    """Give some cells, of one kind, column by column: its number, their places and texts."""
    order = chosen[np.argsort(columns[chosen].astype(np.uint16), kind="stable")]
    texts = texts_of(order)
    numbers = columns[order]
    bounds = np.flatnonzero(np.diff(numbers, prepend=-1, append=-1)).tolist()
    for low, high in itertools.pairwise(bounds):
        yield int(numbers[low]), order[low:high], texts.slice(low, high - low)


def _codes(cells: ScannedCells, meaning: Meaning) -> NDArray[np.uint8]:
    """Give what each cell is: the letter of its type, or what its style makes of its number."""
    codes = cells.kinds.copy()
    places = np.flatnonzero(codes == ord("n"))
    forms = meaning.codes[np.minimum(cells.styles[places], len(meaning.kinds))]
    codes[places] = forms
    numbers = places[forms == _NUMBER]
    codes[numbers[cells.are_plain(numbers)]] = _PLAIN
    return codes


def _group(
    cells: ScannedCells, chosen: NDArray[np.int64], *, code: int, meaning: Meaning
) -> pa.Array:
    """Give the texts of cells of one kind."""
    if code == ord("s"):
        numbers, is_whole = cells.whole_numbers(chosen)
        texts = meaning.strings.take(numbers) if is_whole.all() else None
        if texts is None:
            raise IndexError("a shared string that does not exist")
        return texts
    if code == ord("b"):
        is_true = pa.array(cells.array[cells.begins[chosen]] == ord("1"))
        return pc.if_else(is_true, _TRUE, _FALSE)
    values = cells.values(chosen)
    if code == _PLAIN:
        return values
    if code == _NUMBER:
        return _numbers(values)
    if code < _PLAIN:
        numbers, is_whole = cells.whole_numbers(chosen)
        days = numbers if is_whole.all() else None
        return _dates(values, days, _KINDS[code], is_1904=meaning.is_1904)
    return unescaped_where(values, cells.is_marked[chosen])


def _numbers(values: pa.Array) -> pa.Array:
    try:
        shortest = values.cast(pa.float64()).cast(_TEXT)
    except pa.ArrowInvalid:
        return pa.array([number_text(value) for value in values.to_pylist()], _TEXT)
    return _replaced(shortest, pc.match_substring_regex(shortest, _SUSPECT), values, number_text)


def _dates(
    values: pa.Array, days: NDArray[np.int64] | None, kind: Kind, *, is_1904: bool
) -> pa.Array:
    """Write serial numbers of days: whole seconds after February 1900 all at once.

    `days`: the numbers, if all are whole.
    """
    told = partial(date_text, kind=kind, is_1904=is_1904)
    if days is None:
        is_number = pc.match_substring_regex(values, _SERIAL)
        days = pc.if_else(is_number, values, _NO_DAY).cast(pa.float64()).to_numpy()
    shift = LATER_DAYS if is_1904 else 0
    is_odd = (days + shift < FALSE_LEAP_DAY + 1) | (days + shift > LAST_DAY)
    moments = np.rint(np.where(is_odd, 0, days) * _DAY).astype(np.int64)
    is_odd |= (moments % _SECOND != 0) | (kind is Kind.DURATION)
    is_odd |= (kind is Kind.TIME) & (days < 1)
    moments += (shift - _UNIX_DAY) * _DAY
    is_midnight = moments % _DAY == 0
    if kind is Kind.DATE and is_midnight.all():
        texts = pa.array((moments // _DAY).astype(np.int32)).cast(pa.date32()).cast(_TEXT)
    else:
        seconds = pa.array(moments // _SECOND).cast(pa.timestamp("s")).cast(_TEXT)
        texts = pc.utf8_replace_slice(seconds, 10, 11, "T")
        if kind is Kind.DATE:
            texts = pc.if_else(pa.array(is_midnight), pc.utf8_slice_codeunits(texts, 0, 10), texts)
    return _replaced(texts, pa.array(is_odd), values, told)


def _replaced(
    texts: pa.Array, mask: pa.Array, values: pa.Array, told: Callable[[str], str]
) -> pa.Array:
    """Give `texts`, where the mask holds what is told of the value instead."""
    if not pc.any(mask).as_py():
        return texts
    coded = values.filter(mask).dictionary_encode()
    known = pa.array([told(value) for value in coded.dictionary.to_pylist()], _TEXT)
    return pc.replace_with_mask(texts, mask, known.take(coded.indices))


def text_of(
    kind: bytes, style: bytes, value: bytes, meaning: Meaning, known: dict[Any, str]
) -> str:
    """Give the text of one cell, which is written in an unusual way.

    Raises:
        IndexError, ValueError: it points to nothing.
    """
    if kind == b"s":
        found = meaning.strings.take(np.array([int(value)]))
        if found is None:
            raise IndexError("a shared string that does not exist")
        return str(found[0].as_py())
    text = value.decode("utf-8", "backslashreplace")
    if kind == b"b":
        return "true" if value == b"1" else "false"
    if kind and kind != b"n":
        return unescaped(text)
    if (style, value) not in known:
        number = int(style) if style else 0
        kinds = meaning.kinds
        form = kinds[number] if number < len(kinds) else Kind.NUMBER
        is_number = form is Kind.NUMBER
        known[style, value] = (
            number_text(text) if is_number else date_text(text, form, is_1904=meaning.is_1904)
        )
    return known[style, value]
