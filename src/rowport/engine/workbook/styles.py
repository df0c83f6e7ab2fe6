"""Which cells are dates, and how numbers of a workbook are written as text."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Final

from rowport.engine.workbook.parts import local

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET


class Kind(Enum):
    """What the number format of a cell says its number is."""

    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    MOMENT = "moment"
    DURATION = "duration"


_BUILT_IN: Final = {
    **dict.fromkeys([*range(14, 18), *range(27, 32), 36, *range(50, 59)], Kind.DATE),
    **dict.fromkeys([18, 19, 20, 21, 32, 33, 34, 35, 45, 47], Kind.TIME),
    22: Kind.MOMENT,
    46: Kind.DURATION,
}
"""ECMA-376 part 1, 18.8.30: number formats that need no definition."""
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hmsHMS]+\])[^\]]*\]')
_DURATION: Final = re.compile(r"\[[hms]+\]")
_SIGNIFICANT: Final = 15
"""Digits that a spreadsheet keeps of a number that is typed."""
_NOISE_DIGITS: Final = 3
"""So many zeros before the last digits tell that those are the noise of binary fractions."""
FALSE_LEAP_DAY: Final = 60
LAST_DAY: Final = 2_958_465
LATER_DAYS: Final = 1_462
"""How much later the calendar that begins in 1904 begins."""


def kinds_of_styles(root: ET.Element) -> list[Kind]:
    """Give what each cell style (by its index) makes of a number."""
    custom: dict[int, str] = {}
    kinds: list[Kind] = []
    for element in root.iter():
        if local(element.tag) == "numFmt":
            custom[_number_of(element)] = element.get("formatCode", "")
    for group in root:
        if local(group.tag) == "cellXfs":
            for style in group:
                number = _number_of(style)
                known = _BUILT_IN.get(number, Kind.NUMBER)
                kinds.append(kind_of_format(custom[number]) if number in custom else known)
    return kinds


def _number_of(element: ET.Element) -> int:
    """Give the number of a cell format; what is no number is the general format."""
    text = element.get("numFmtId", "0")
    return int(text) if text.isdecimal() else 0


def kind_of_format(code: str) -> Kind:
    """Say what a number format makes of a number."""
    section = _LITERAL.sub("", code).split(";")[0].lower().replace("general", "")
    if _DURATION.search(section):
        return Kind.DURATION
    section = re.sub(r"am/pm|a/p", "h", section)
    has_clock = "h" in section or "s" in section
    has_day = "d" in section or "y" in section or ("m" in section and not has_clock)
    if has_day:
        return Kind.MOMENT if has_clock else Kind.DATE
    return Kind.TIME if has_clock else Kind.NUMBER


def number_text(value: str) -> str:
    """Write a number as it was typed: no exponent, no binary noise, no `.0`."""
    try:
        number = float(value)
    except ValueError:
        return value
    if not isfinite(number):
        return value
    text = repr(number + 0.0)  # no -0
    if len(text) <= _SIGNIFICANT and "e" not in text:
        return text.removesuffix(".0")
    rounded = Decimal(f"{number:.{_SIGNIFICANT}g}").normalize()
    is_noise = len(rounded.as_tuple().digits) <= _SIGNIFICANT - _NOISE_DIGITS
    text = format(rounded if is_noise else Decimal(text), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=65_536)
def date_text(value: str, kind: Kind, *, is_1904: bool) -> str:
    """Write the serial number of a day as ISO 8601; what is no day stays a number."""
    try:
        serial = float(value)
    except ValueError:
        return value
    if kind is Kind.DURATION and abs(serial) <= LAST_DAY:
        return _duration_text(serial)
    if kind is Kind.TIME and 0 <= serial < 1:
        return _clock(serial)
    last_day = LAST_DAY - LATER_DAYS if is_1904 else LAST_DAY
    if not 0 <= serial <= last_day or (not is_1904 and int(serial) == FALSE_LEAP_DAY):
        return number_text(value)
    moment = _epoch(serial, is_1904=is_1904) + timedelta(milliseconds=round(serial * 86_400_000))
    day = moment.date().isoformat()
    if kind is Kind.DATE and moment.time() == datetime.min.time():
        return day
    return f"{day}T{_seconds(moment)}"


def _epoch(serial: float, *, is_1904: bool) -> datetime:
    """Give day 0; the 1900 calendar counts a 29 February 1900 that never was."""
    if is_1904:
        return datetime(1904, 1, 1)  # noqa: DTZ001  a workbook knows no time zone
    return datetime(1899, 12, 31 if serial < FALSE_LEAP_DAY else 30)  # noqa: DTZ001  a clock on a wall


def _clock(serial: float) -> str:
    return _seconds(datetime(2000, 1, 1) + timedelta(milliseconds=round(serial * 86_400_000)))  # noqa: DTZ001  likewise


def _seconds(moment: datetime) -> str:
    text = f"{moment:%H:%M:%S}"
    return f"{text}.{moment.microsecond // 1000:03}".rstrip("0") if moment.microsecond else text


def _duration_text(serial: float) -> str:
    seconds = round(abs(serial) * 86_400)
    sign = "-" if serial < 0 else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
