"""From what the cells of a sheet refer to, to what a person typed into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.workbook.strings import SharedStrings, unescaped, unescaped_array
from rowport.engine.workbook.styles import Kind, date_text, number_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rowport.engine.workbook.scanning import ScannedCells

_PLAIN: Final = r"^(0|-?[1-9]\d*|-?(0|[1-9]\d*)\.\d*[1-9])$"
_MAX_PLAIN: Final = 15
"""Characters of a number that comes back from binary as it went in."""
_LONG: Final = r"^-?\d+\.\d+$"
_SUSPECT: Final = r"e|000|999|n|^-0$"
"""Exponents, the noise of binary fractions, and what is no number."""
_KINDS: Final = tuple(Kind)
_TRUE: Final = pa.scalar("true", pa.large_string())
_FALSE: Final = pa.scalar("false", pa.large_string())


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the cells of a sheet refer to."""

    strings: SharedStrings
    kinds: tuple[Kind, ...]
    is_1904: bool


def column_texts(cells: ScannedCells, chosen: NDArray[np.int64], meaning: Meaning) -> pa.Array:
    """Give the texts of some cells, which most often are of one kind; null: of an empty text.

    Raises:
        IndexError: a cell points to nothing.
    """
    groups = [
        (places, _group(cells, chosen[places], kind, meaning))
        for kind, places in _by_kind(cells, chosen, meaning)
    ]
    texts = groups[0][1]
    if len(groups) > 1:
        order = np.argsort(np.concatenate([places for places, _ in groups]), kind="stable")
        texts = pa.concat_arrays([text for _, text in groups]).take(pa.array(order))
    return texts


def _by_kind(
    cells: ScannedCells, chosen: NDArray[np.int64], meaning: Meaning
) -> Iterator[tuple[int | Kind, NDArray[np.int64]]]:
    """Give the kinds among some cells: a letter, or what its format makes of a number."""
    letters = cells.kinds[chosen]
    for letter in np.unique(letters).tolist():
        places = np.flatnonzero(letters == letter)
        if letter != ord("n"):
            yield letter, places
            continue
        styles = cells.styles[chosen[places]]
        found = np.unique(styles)
        if len(found) == 1:
            yield _form(int(found[0]), meaning), places
            continue
        forms = np.array([_KINDS.index(_form(style, meaning)) for style in found.tolist()])
        codes = forms[np.searchsorted(found, styles)]
        for code in np.unique(codes).tolist():
            yield _KINDS[code], places[codes == code]


def _form(style: int, meaning: Meaning) -> Kind:
    return meaning.kinds[style] if style < len(meaning.kinds) else Kind.NUMBER


def _group(
    cells: ScannedCells, chosen: NDArray[np.int64], kind: int | Kind, meaning: Meaning
) -> pa.Array:
    """Give the texts of cells of one kind."""
    if kind == ord("s"):
        numbers = cells.whole_numbers(chosen)
        texts = None if numbers is None else meaning.strings.take(numbers)
        if texts is None:
            raise IndexError("a shared string that does not exist")
        return texts
    if kind == ord("b"):
        is_true = pa.array(cells.array[cells.begins[chosen]] == ord("1"))
        return pc.if_else(is_true, _TRUE, _FALSE)
    values = cells.values(chosen)
    if kind is Kind.NUMBER:
        return _numbers(values)
    if isinstance(kind, Kind):
        coded = values.dictionary_encode()
        known = [date_text(v, kind, is_1904=meaning.is_1904) for v in coded.dictionary.to_pylist()]
        return pa.array(known, pa.large_string()).take(coded.indices)
    return unescaped_array(values)


def _numbers(values: pa.Array) -> pa.Array:
    is_plain = pc.and_(
        pc.match_substring_regex(values, _PLAIN),
        pc.less_equal(pc.binary_length(values), _MAX_PLAIN),
    )
    if pc.all(is_plain).as_py():
        return values
    is_long = pc.match_substring_regex(values, _LONG)
    floats = pc.if_else(is_long, values, "0").cast(pa.float64())
    shortest = pc.if_else(is_long, floats.cast(pa.large_string()), "e")
    is_odd = pc.and_(pc.match_substring_regex(shortest, _SUSPECT), pc.invert(is_plain))
    texts = pc.if_else(is_plain, values, shortest)
    places = np.flatnonzero(is_odd.to_numpy(zero_copy_only=False))
    if not len(places):
        return texts
    odd = [number_text(value) for value in values.take(pa.array(places)).to_pylist()]
    return pc.replace_with_mask(texts, is_odd, pa.array(odd, pa.large_string()))


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
