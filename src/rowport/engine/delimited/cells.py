"""Tell cells that hold data from cells that may be a name."""

from __future__ import annotations

import re
from typing import Final

_DATA: Final = re.compile(
    r"""
    [-+(]?\s?[$€£¥]?\s?[-+]?(\d[\d.,'\u00a0\s]*|[.,]\d+)([eE][-+]?\d+)?\s?[%)€£]?   # number, money
    | \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T\s][\d:.Z+-]*(\s?[AaPp]\.?[Mm]\.?)?)?      # date, moment
    | \d{1,2}[-\s][A-Za-z]{3,9}[-\s,]*(\d{2,4})?                                   # 14-Jan-2013
    | \d{1,2}:\d\d(:\d\d([.,]\d+)?)?(\s?[AaPp]\.?[Mm]\.?)?                         # time
    | [^@\s]+@[^@\s]+\.[^@\s]+                                                     # e-mail
    | https?://\S+
    """,
    re.VERBOSE,
)
_YEAR: Final = re.compile(r"(19|20)\d\d([-/]\d\d(\d\d)?)?")
_UNKNOWN: Final = frozenset(
    {"", "-", "n/a", "na", "nan", "null", "none", "unknown", "?", "..", "."}
)


def is_data(cell: str) -> bool:
    """Say whether a cell looks like a number, money, a date, a time, an address."""
    return _DATA.fullmatch(cell.strip()) is not None


def is_year(cell: str) -> bool:
    """Say whether a cell is a year, which is data but also a good name of a column."""
    return _YEAR.fullmatch(cell.strip()) is not None


def says_nothing(cell: str) -> bool:
    """Say whether a cell is empty or a word for it, which neither a name nor data would tell."""
    return cell.strip().lower() in _UNKNOWN
