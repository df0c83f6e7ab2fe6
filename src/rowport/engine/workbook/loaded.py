"""From what a spreadsheet's reader says of a cell to the text that a person typed or sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.workbook.styles import Kind, date_text, number_text

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDED: Final = r"^-?\d+(\.\d{0,8}[1-9])?$"
"""How the reader writes a float: with nine decimals, less the zeros at their end."""
_ERRORS: Final = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}
_ERROR: Final = re.compile(r"Error\((\w+)\)")
_SERIAL: Final = re.compile(
    r"DateTime\(ExcelDateTime { value: ([^,]+), datetime_type: (\w+), is_1904: (\w+) }\)"
)
_ISO_DAY: Final = re.compile(r'DateTimeIso\("(\d{4}-\d\d-\d\d)T00:00:00(?:\.0*)?"\)')
_ISO_DURATION: Final = re.compile(
    r'DurationIso\("(-?)P(?:(\d{1,6})D)?T?(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(\.\d+)?S)?"\)'
)


def cell_texts(strings: pa.Array, floats: pa.Array | None, details: pa.Array | None) -> pa.Array:
    """Give the cells of a column as text.

    `strings`: every cell as the reader writes it, floats rounded and dates with a time.
    `floats`: the same cells as floats, null where a cell is none.
    `details`: what the reader says of cells that are neither texts nor numbers; null elsewhere.
    A cell that is text keeps it to the letter, whatever it looks like.
    """
    texts = strings.cast(pa.large_string())
    if floats is not None:
        texts = _in_full(texts, floats)
    if details is None:
        return texts
    coded = details.dictionary_encode()
    known = [_told(detail) for detail in coded.dictionary.to_pylist()]
    told = pa.array(known, pa.large_string()).take(coded.indices)
    return pc.coalesce(told, texts)


def _in_full(texts: pa.Array, floats: pa.Array) -> pa.Array:
    """Write numbers that were rounded in full.

    What reads back as the float that it is says everything; anything else of that form was
    rounded, for a text would have been read as the float that it spells.
    """
    is_rounded = pc.and_(pc.match_substring_regex(texts, _ROUNDED), pc.is_valid(floats))
    spelled = pc.if_else(is_rounded, texts, None).cast(pa.float64())
    places = np.flatnonzero(pc.fill_null(pc.not_equal(spelled, floats), fill_value=False))
    if not len(places):
        return texts
    full = [number_text(repr(value)) for value in floats.take(pa.array(places)).to_pylist()]
    mask = np.zeros(len(texts), bool)
    mask[places] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(full, pa.large_string()))


def _told(detail: str) -> str | None:
    """Put the words of the reader as a person would; None if they say nothing new."""
    for pattern, meaning in _MEANINGS.items():
        found = pattern.fullmatch(detail)
        if found:
            return meaning(found)
    return None


def _error(found: re.Match[str]) -> str:
    return _ERRORS.get(found.group(1), f"#{found.group(1).upper()}")


def _serial(found: re.Match[str]) -> str:
    value, name, is_1904 = found.groups()
    kind = Kind.DURATION if name == "TimeDelta" else Kind.DATE
    try:
        if kind is Kind.DATE and 0 <= float(value) < 1:
            kind = Kind.TIME
    except ValueError:
        return value
    return date_text(value, kind, is_1904=is_1904 == "true")


def _iso_duration(found: re.Match[str]) -> str:
    sign, days, hours, minutes, seconds, fraction = found.groups()
    hour = int(days or 0) * 24 + int(hours or 0)
    return f"{sign}{hour:02}:{int(minutes or 0):02}:{int(seconds or 0):02}{fraction or ''}"


_MEANINGS: Final[dict[re.Pattern[str], Callable[[re.Match[str]], str]]] = {
    _ERROR: _error,
    _SERIAL: _serial,
    _ISO_DAY: lambda found: found.group(1),
    _ISO_DURATION: _iso_duration,
}
