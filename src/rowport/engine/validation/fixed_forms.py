"""Dates and datetimes of a fixed width, read from the bytes of their columns.

A cell is taken only if each of its bytes is what the form has at that place and the day is one
of the calendar; all others are left to slower readers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rowport.engine.validation import words
from rowport.engine.validation.strptime import MONTHS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rowport.engine.validation.words import Cells, Words

    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]

_SIZES: Final = {"Y": 4, "m": 2, "d": 2, "b": 3, "H": 2, "M": 2, "S": 2}
_BOUNDS: Final = {"H": 23, "M": 59, "S": 59}
_NAMES: Final = sorted(
    (int.from_bytes(name.encode(), "little"), month)
    for month, name in enumerate(MONTHS.split("|"), start=1)
)
_NAME_WORDS: Final = np.array([word for word, _ in _NAMES], np.uint64)
_NAME_MONTHS: Final = np.array([month for _, month in _NAMES], np.int64)
_SECONDS: Final = {"d": 86400, "H": 3600, "M": 60, "S": 1}
_MONTHS_OF_YEAR: Final = 12
_FIRST_YEAR: Final = 1000
"""Years with a zero in front are for the exact reader."""
_FIRST_DAYS: Final = (
    np.arange("0000-01", "10000-02", dtype="M8[M]").astype("M8[D]").astype(np.int64)
)
"""The first day of each month from year 0 on, counted from 1970-01-01."""


def literals(form: str) -> frozenset[str]:
    """Give the characters besides blanks, letters and digits that every cell of a form holds."""
    plain = re.sub("%.", "", form, flags=re.DOTALL)
    return frozenset(char for char in plain if not char.isalnum() and not char.isspace())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A piece of the form within one word."""

    kind: str
    """The directive; "" for a literal byte."""
    begin: int
    """Of the cell."""
    literal: int = 0

    @property
    def size(self) -> int:
        return _SIZES.get(self.kind, 1)


class FixedForm:
    """A strptime form whose cells all have the same width."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self.width = parts[-1].begin + parts[-1].size
        self._words = list(_by_word(parts, self.width))

    def read(self, cells: Cells) -> tuple[Integers, Booleans]:
        """Give the moment of each cell in seconds since 1970, and which cells were taken."""
        rows = np.flatnonzero(cells.sizes == self.width)
        is_all = 0 < len(rows) == len(cells.sizes)
        begins = cells.begins[rows]
        taken = np.ones(len(rows), bool)
        found: dict[str, Integers] = {}
        for word in self._words:
            seen = (
                cells.words_of_all(word.begin, self.width)
                if is_all
                else cells.words(begins + word.begin)
            )
            taken &= word.read(seen, found)
        seconds = _seconds(found, taken)
        if is_all:
            return seconds, taken
        told, is_taken = np.zeros(len(cells.sizes), np.int64), np.zeros(len(cells.sizes), bool)
        told[rows], is_taken[rows] = seconds, taken
        return told, is_taken


def fixed_form(form: str) -> FixedForm | None:
    """Compile a form; None if its cells may have several widths, or are too short."""
    parts: list[_Part] = []
    begin = 0
    for text in re.findall("%.|[^%]", form, re.DOTALL):
        if text[0] == "%" and text[1] not in _SIZES:
            return None
        kind = text[1] if text[0] == "%" else ""
        if not kind and not (text.isascii() and text.isprintable()):
            return None
        part = _Part(kind=kind, begin=begin, literal=0 if kind else ord(text))
        parts.append(part)
        begin += part.size
    if "%" in re.sub("%.", "", form, flags=re.DOTALL):
        return None
    kinds = {part.kind for part in parts}
    is_day = {"Y", "d"} <= kinds and len(kinds & {"m", "b"}) == 1
    return FixedForm(parts) if is_day and begin >= words.SIZE else None


class _Word:
    """Eight bytes of the form."""

    def __init__(self, begin: int, parts: Sequence[_Part]) -> None:
        self.begin = begin
        self.parts = parts
        expected, room, looked_at = bytearray(8), bytearray(8), bytearray(8)
        for part in parts:
            places = slice(part.begin - begin, part.begin - begin + part.size)
            if part.kind == "b":
                continue
            expected[places] = bytes([part.literal or ord("0")] * part.size)
            room[places] = bytes([0x76 if part.kind else 0x7F] * part.size)
            looked_at[places] = bytes([0x80] * part.size)
        self._expected, self._room, self._looked_at = map(_word, (expected, room, looked_at))
        self._digits = _word(bytes(0xFF if part else 0 for part in looked_at))

    def read(self, seen: Words, found: dict[str, Integers]) -> Booleans:
        """Put the number of each directive into `found`; tell which cells are of the form."""
        values = seen ^ self._expected
        fits = words.are_within(values, self._room, self._looked_at)
        two = words.pairs(values & self._digits)
        for part in self.parts:
            at = part.begin - self.begin
            if part.kind == "b":
                found["m"], is_name = _months((seen >> np.uint64(8 * at)) & np.uint64(0xFFFFFF))
                fits &= is_name
            elif part.kind:
                number = _byte(two, at)
                if part.size > 2:  # noqa: PLR2004  digits of a byte of `two`
                    number = number * 100 + _byte(two, at + 2)
                found[part.kind] = number
        return fits


def _by_word(parts: Sequence[_Part], width: int) -> Iterator[_Word]:
    """Lay words over the form, each part in one of them as a whole."""
    begin, inside = 0, list[_Part]()
    for part in parts:
        if part.begin + part.size > begin + words.SIZE:
            yield _Word(begin, inside)
            begin, inside = min(part.begin, width - words.SIZE), []
        inside.append(part)
    yield _Word(begin, inside)


def _word(of: bytes | bytearray) -> np.uint64:
    return np.uint64(int.from_bytes(of, "little"))


def _byte(values: Words, at: int) -> Integers:
    return ((values >> np.uint64(8 * at)) & words.BYTE).view(np.int64)


def _months(names: Words) -> tuple[Integers, Booleans]:
    places = np.minimum(np.searchsorted(_NAME_WORDS, names), len(_NAME_WORDS) - 1)
    return _NAME_MONTHS[places], _NAME_WORDS[places] == names


def _seconds(found: Mapping[str, Integers], taken: Booleans) -> Integers:
    """Count seconds from 1970 on, and take from `taken` what is in no calendar."""
    year, month, day = found["Y"], found["m"], found["d"]
    taken &= (year >= _FIRST_YEAR) & (month >= 1) & (month <= _MONTHS_OF_YEAR)
    index = np.where(taken, year * _MONTHS_OF_YEAR + (month - 1), 0)
    first = _FIRST_DAYS[index]
    taken &= (day >= 1) & (day <= _FIRST_DAYS[index + 1] - first)
    seconds: Integers = (first + (day - 1)) * _SECONDS["d"]
    for kind, most in _BOUNDS.items():
        if kind in found:
            taken &= found[kind] <= most
            seconds += found[kind] * _SECONDS[kind]
    return seconds
