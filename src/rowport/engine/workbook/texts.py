"""From what the cells of a sheet refer to, to what a person typed into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.workbook.strings import unescaped
from rowport.engine.workbook.styles import Kind, date_text, number_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rowport.engine.workbook.scanning import ScannedCells

_PLAIN: Final = r"^(0|-?[1-9]\d*|-?(0|[1-9]\d*)\.\d*[1-9])$"
_MAX_PLAIN: Final = 15
"""Characters of a number that comes back from binary as it went in."""
_LONG: Final = r"^-?\d+\.\d+$"
_SUSPECT: Final = r"e|000|999|n|^-0$"
"""Exponents, the noise of binary fractions, and what is no number."""
_MARKED: Final = r"[&\r]|_x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the cells of a sheet refer to."""

    strings: NDArray[Any]
    """Python strings."""
    kinds: tuple[Kind, ...]
    is_1904: bool


def texts_of(cells: ScannedCells, meaning: Meaning) -> NDArray[Any] | None:
    """Give the text of each cell as Python strings; None if a cell points to nothing."""
    texts = np.full(len(cells.rows), "", object)
    shared = cells.kinds == ord("s")
    if shared.any():
        numbers = cells.whole_numbers(shared)
        if numbers is None or int(numbers.max()) >= len(meaning.strings):
            return None
        texts[shared] = meaning.strings[numbers]
    codes = np.array([list(Kind).index(kind) for kind in meaning.kinds] or [0], np.int64)
    styles = np.minimum(cells.styles, len(codes) - 1)
    formats = np.where(cells.styles < len(codes), codes[styles], list(Kind).index(Kind.NUMBER))
    for code, kind in enumerate(Kind):
        chosen = (cells.kinds == ord("n")) & (formats == code)
        if chosen.any():
            values = cells.values(chosen)
            is_number = kind is Kind.NUMBER
            texts[chosen] = _numbers(values) if is_number else _dates(values, kind, meaning)
    flags = cells.kinds == ord("b")
    if flags.any():
        texts[flags] = np.where(cells.array[cells.begins[flags]] == ord("1"), "true", "false")
    written = np.isin(cells.kinds, list(b"edt"))
    if written.any():
        texts[written] = _repaired(cells.values(written), _MARKED, unescaped)
    return texts


def _numbers(values: pa.Array) -> NDArray[Any]:
    is_plain = pc.and_(
        pc.match_substring_regex(values, _PLAIN), pc.less_equal(pc.utf8_length(values), _MAX_PLAIN)
    )
    if pc.all(is_plain).as_py():
        return _objects(values)
    is_long = pc.match_substring_regex(values, _LONG)
    floats = pc.if_else(is_long, values, "0").cast(pa.float64())
    shortest = pc.if_else(is_long, floats.cast(pa.large_string()), "e")
    odd = pc.match_substring_regex(shortest, _SUSPECT)
    texts = _objects(pc.if_else(is_plain, values, shortest))
    places = np.flatnonzero(pc.and_(odd, pc.invert(is_plain)).to_numpy(zero_copy_only=False))
    raw = values.take(pa.array(places)).to_pylist()
    texts[places] = np.array([number_text(value) for value in raw], object)
    return texts


def _dates(values: pa.Array, kind: Kind, meaning: Meaning) -> NDArray[Any]:
    coded = values.dictionary_encode()
    known = [date_text(v, kind, is_1904=meaning.is_1904) for v in coded.dictionary.to_pylist()]
    texts: NDArray[Any] = np.array(known, object)[coded.indices.to_numpy()]
    return texts


def _repaired(values: pa.Array, pattern: str, repair: Any) -> NDArray[Any]:  # noqa: ANN401  a function
    texts = _objects(values)
    places = np.flatnonzero(
        pc.match_substring_regex(values, pattern).to_numpy(zero_copy_only=False)
    )
    for place in places.tolist():
        texts[place] = repair(texts[place])
    return texts


def _objects(values: pa.Array) -> NDArray[Any]:
    texts: NDArray[Any] = np.array(values.to_numpy(zero_copy_only=False), object)
    return texts


def text_of(
    kind: bytes, style: bytes, value: bytes, meaning: Meaning, known: dict[Any, str]
) -> str:
    """Give the text of one cell, which is written in an unusual way.

    Raises:
        IndexError, ValueError: it points to nothing.
    """
    if kind == b"s":
        return str(meaning.strings[int(value)])
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
