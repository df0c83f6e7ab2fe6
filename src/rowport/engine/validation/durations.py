"""Durations as XML Schema has them: PnYnMnDTnHnMnS, kept as they were typed.

A month has no fixed number of days, so some pairs have no order (P1M and P30D).  A bound holds
only where the order is certain: from each of four moments that XML Schema names (part 2,
3.2.6.2), the one ends before the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import polars as pl

from rowport.engine.validation.cells import XSD_SPACE, CellFault, CellReader, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.model.table_schema import Field

_DURATION: Final = re.compile(
    r"(?P<sign>-?)P(?=[0-9T])(?:(?P<Y>[0-9]+)Y)?(?:(?P<M>[0-9]+)M)?(?:(?P<D>[0-9]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<h>[0-9]+)H)?(?:(?P<m>[0-9]+)M)?(?:(?P<s>[0-9]+(?:\.[0-9]+)?)S)?)?"
)
_MOMENTS: Final = ((1696, 9), (1697, 2), (1903, 3), (1903, 7))
_SECONDS: Final = {"D": 86400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Span:
    """A duration as whole months and seconds; comparisons are true where they are certain."""

    months: int
    seconds: Decimal

    def __ge__(self, other: Span) -> bool:
        return self._ends(other, lambda mine, theirs: mine >= theirs)

    def __gt__(self, other: Span) -> bool:
        return self._ends(other, lambda mine, theirs: mine > theirs)

    def __le__(self, other: Span) -> bool:
        return self._ends(other, lambda mine, theirs: mine <= theirs)

    def __lt__(self, other: Span) -> bool:
        return self._ends(other, lambda mine, theirs: mine < theirs)

    def _ends(self, other: Span, compare: Callable[[Decimal, Decimal], bool]) -> bool:
        return all(
            compare(
                _day(year, month + self.months) * 86400 + self.seconds,
                _day(year, month + other.months) * 86400 + other.seconds,
            )
            for year, month in _MOMENTS
        )


def span(text: str) -> Span:
    """Give the months and seconds of a duration that was read."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise CellFault(f"{shown(text)} is not a duration of the form PnYnMnDTnHnMnS")
    sign = -1 if match["sign"] else 1
    months = int(match["Y"] or 0) * 12 + int(match["M"] or 0)
    seconds = sum(
        (Decimal(match[unit] or 0) * size for unit, size in _SECONDS.items()), start=Decimal()
    )
    return Span(sign * months, sign * seconds)


def duration_reader(field: Field) -> CellReader:
    """Read durations."""
    del field

    def fast(cells: pl.Expr) -> pl.Expr:
        return pl.when(cells.str.contains("^P[0-9]{1,9}[YMD]$|^PT[0-9]{1,9}[HMS]$")).then(cells)

    def exact(text: str) -> str:
        if max(map(len, re.findall("[0-9]+", text)), default=0) > 18:  # noqa: PLR2004  64 bits
            raise CellFault(f"{shown(text)} has a number of more than 18 digits")
        plain = text.strip(XSD_SPACE)
        span(plain)
        return plain

    return CellReader(dtype=pl.String(), fast=fast, exact=exact)


def _day(year: int, month: int) -> Decimal:
    """Number the first day of a month (1-based, any number of them after January of `year`)."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    if month <= 2:  # noqa: PLR2004  the year begins in March, so that leap days end it
        year, month = year - 1, month + 12
    return Decimal(365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5)
