"""Date and time formats: a closed list of strptime directives.

`datetime.strptime` is the arbiter of what a cell means.  `guard` gives a pattern of cells that
Polars' parser (chrono) reads the same; the known differences, which the guard keeps from it:
chrono reads `24` for `%Y` as the year 24, `%y` 69 as 2069 (POSIX and CPython: 1969), skips
blanks, rolls second 60 over and reads year 0.  CPython reads digits of any script; we do not.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from rowport.engine.validation.cells import CellFault, shown

MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_MONTHS_FULL: Final = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
)

# directive -> (pattern of cells that chrono reads as CPython does, or None: CPython alone)
_DIRECTIVES: Final[dict[str, tuple[str, str | None]]] = {
    "Y": ("year of four digits", "[1-9][0-9]{3}"),
    "y": ("year of two digits", "(?:[0-57-9][0-9]|6[0-8])"),
    "m": ("month 01-12", "(?:0[1-9]|1[0-2])"),
    "d": ("day 01-31", "(?:0[1-9]|[12][0-9]|3[01])"),
    "b": ("month Jan-Dec", f"(?:{MONTHS})"),
    "B": ("month January-December", f"(?:{_MONTHS_FULL})"),
    "j": ("day of the year 001-366", None),
    "a": ("weekday Mon-Sun", None),
    "A": ("weekday Monday-Sunday", None),
    "H": ("hour 00-23", "(?:[01][0-9]|2[0-3])"),
    "I": ("hour 01-12", None),
    "p": ("AM or PM", None),
    "M": ("minute 00-59", "[0-5][0-9]"),
    "S": ("second 00-59", "[0-5][0-9]"),
    "f": ("fraction of a second, up to 6 digits", None),
    "z": ("offset +hhmm, +hh:mm or Z", None),
    "%": ("a percent sign", None),
}
_UNPADDED: Final = {"m": "(?:0?[1-9]|1[0-2])", "d": "(?:0?[1-9]|[12][0-9]|3[01])"}
_DATE: Final = frozenset("YymdbBjaA")
_TIME: Final = frozenset("HIpMSfz")
_ALLOWED: Final = {
    "date": frozenset(_DIRECTIVES) - _TIME,
    "time": frozenset(_DIRECTIVES) - _DATE,
    "datetime": frozenset(_DIRECTIVES),
}
_NEEDED: Final = {"date": ("Y", "y"), "time": ("H", "I"), "datetime": ("Y", "y")}


class BadFormat(ValueError):
    """The format cannot be used; the message says why and what is allowed."""


def check(form: str, kind: str) -> None:
    """Make sure that `form` is a format for `kind`: date, time or datetime.

    Raises:
        BadFormat: a directive is not in the closed list or does not fit the kind, or the year
            (of dates) or the hour (of times) is not in it.
    """
    if form == "any":
        raise BadFormat(
            f'"any" leaves the meaning of a cell to guesswork (01/02/03 is three {kind}s);'
            " give the strptime format"
        )
    used = [match[1] for match in re.finditer("%(.?)", form, re.DOTALL)]
    allowed = ", ".join(f"%{d}" for d in _DIRECTIVES if d in _ALLOWED[kind])
    for directive in used:
        if directive not in _ALLOWED[kind]:
            raise BadFormat(f"%{directive} is not allowed in a {kind}; allowed are {allowed}")
    if not set(used) & set(_NEEDED[kind]):
        needed = " or ".join(f"%{d}" for d in _NEEDED[kind])
        raise BadFormat(f"a {kind} needs {needed} in its format; allowed are {allowed}")
    repeated = {d for d in used if used.count(d) > 1 and d != "%"}
    if repeated:
        raise BadFormat(f"%{min(repeated)} stands twice")


def guard(form: str, *, padded: bool = False) -> str | None:
    """Give the pattern of cells that may go to the vectorised parser; None: none may.

    `padded`: days and months have two digits.
    """
    pieces = []
    parts = re.split("(%.)", form)
    for index, part in enumerate(parts):
        if not part.startswith("%"):
            pieces.append(re.escape(part))
            continue
        directive = _DIRECTIVES[part[1]][1]
        if directive is None:
            return None
        alone = not padded and _parted(parts, index)
        pieces.append(_UNPADDED.get(part[1], directive) if alone else directive)
    return f"^{''.join(pieces)}$"


def read(text: str, form: str, kind: str) -> datetime:
    """Read one cell as CPython does, in ASCII digits.

    Raises:
        CellFault: it is not of this form.
    """
    try:
        if any(char.isdigit() and not char.isascii() for char in text):
            raise ValueError  # noqa: TRY301  one sentence for all that is not of the form
        return datetime.strptime(text, form)  # noqa: DTZ007  naive values are told apart later
    except ValueError:
        raise CellFault(f"{shown(text)} is not a {kind} of the form {form}") from None


def _parted(parts: list[str], index: int) -> bool:
    """Tell whether a directive is parted from both neighbours by text that is no digit."""
    before, after = parts[index - 1], parts[index + 1]
    first, last = index == 1 and not before, index == len(parts) - 2 and not after
    left = first or (before != "" and not before[-1].isdigit())
    right = last or (after != "" and not after[0].isdigit())
    return left and right
