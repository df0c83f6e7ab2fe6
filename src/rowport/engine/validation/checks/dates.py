"""Days, moments and the time between them.  The calendar is the Gregorian one, moments are UTC."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from rowport.engine.validation.checks import integers
from rowport.engine.validation.checks.arithmetic import result
from rowport.engine.validation.checks.terms import (
    DAY_US,
    INTEGER_DIGITS,
    Mismatch,
    Term,
    as_kind,
    need,
    ticks,
)
from rowport.engine.validation.checks.vectors import Fault, Kind, Vector, constant, failed, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rowport.engine.validation.checks.integers import Whole
    from rowport.engine.validation.checks.vectors import Faults, Mask, Rows

_FIRST: Final = ticks(date.min)
_LAST: Final = ticks(date.max)
_MINUTE: Final = 60_000_000

UNITS: Final[Mapping[str, tuple[int, int]]] = {
    # months, microseconds
    "SECOND": (0, 1_000_000),
    "MINUTE": (0, _MINUTE),
    "HOUR": (0, 60 * _MINUTE),
    "DAY": (0, DAY_US),
    "WEEK": (0, 7 * DAY_US),
    "MONTH": (1, 0),
    "YEAR": (12, 0),
}
_MOST: Final = 100_000_000
"""Of any unit, in an interval."""

_DAY_PARTS: Final[Mapping[str, Callable[[pl.Expr], pl.Expr]]] = {
    "YEAR": lambda day: day.dt.year(),
    "ISOYEAR": lambda day: day.dt.iso_year(),
    "QUARTER": lambda day: day.dt.quarter(),
    "MONTH": lambda day: day.dt.month(),
    "WEEK": lambda day: day.dt.week(),
    "DAY": lambda day: day.dt.day(),
    "DOW": lambda day: day.dt.weekday() % 7,
    "ISODOW": lambda day: day.dt.weekday(),
    "DOY": lambda day: day.dt.ordinal_day(),
}
_TIME_PARTS: Final[Mapping[str, tuple[int, int]]] = {
    # microseconds of the whole, and of the part
    "HOUR": (DAY_US, 60 * _MINUTE),
    "MINUTE": (60 * _MINUTE, _MINUTE),
    "SECOND": (_MINUTE, 1),
}
_SECOND_DECIMALS: Final = 6


def span(count: str, unit: str) -> Term:
    """Give an interval: a whole number of one unit.

    Raises:
        Mismatch: it is not of that form.
    """
    known = UNITS.get(unit.upper().removesuffix("S"))
    digits = count.removeprefix("-")
    if known is None or not (digits.isascii() and digits.isdigit() and int(digits) <= _MOST):
        units = ", ".join(name.lower() for name in UNITS)
        raise Mismatch(f"an interval is a whole number and one of {units}, as '2 days'")
    months, microseconds = (int(count) * part for part in known)
    made = constant(microseconds)
    return Term(kind=Kind.SPAN, run=lambda _: made, months=months)


def today() -> Term:
    """Give the day on which the import began."""
    return Term(kind=Kind.DATE, run=lambda rows: constant(ticks(rows.today)))


def later(day: Term, count: Term, *, sign: int) -> Term:
    """Give the date so many days later (`sign` -1: earlier)."""
    need(day, Kind.DATE)
    need(count, Kind.INTEGER)

    def run(rows: Rows) -> Vector:
        left, right = day.run(rows), count.run(rows)
        move = integers.add if sign > 0 else integers.subtract
        return _within(move(left.data, right.data), 1, *joined(left, right))

    return Term(kind=Kind.DATE, run=run)


def moved(moment: Term, by: Term, *, sign: int) -> Term:
    """Give the moment that is later (`sign` -1: earlier) by an interval; months first."""
    start = as_kind(moment, Kind.DATETIME)
    need(by, Kind.SPAN)

    def run(rows: Rows) -> Vector:
        left, right = start.run(rows), by.run(rows)
        null, fault = joined(left, right)
        at = left.data
        if by.months:
            at, fault = _months_later(at, sign * by.months, null, fault)
        move = integers.add if sign > 0 else integers.subtract
        return _within(move(at, right.data), DAY_US, null, fault)

    return Term(kind=Kind.DATETIME, run=run)


def apart(one: Term, other: Term) -> Term:
    """Give what lies between: of dates a number of days, of moments an interval."""
    days = one.kind is other.kind is Kind.DATE
    kind = Kind.DATE if days else Kind.DATETIME
    left_term, right_term = as_kind(one, kind), as_kind(other, kind)

    def run(rows: Rows) -> Vector:
        left, right = left_term.run(rows), right_term.run(rows)
        return result(left.data - right.data, *joined(left, right))

    return Term(
        kind=Kind.INTEGER if days else Kind.SPAN, run=run, whole=INTEGER_DIGITS if days else 0
    )


def extract(unit: str, one: Term) -> Term:
    """Give a part of a date, a datetime or a time, as a number.

    Raises:
        Mismatch: it has no such part.
    """
    need(one, Kind.DATE, Kind.DATETIME, Kind.TIME)
    name = unit.upper()
    if name in _TIME_PARTS and one.kind is not Kind.DATE:
        return _time_part(one, name)
    if name in _DAY_PARTS and one.kind is not Kind.TIME:
        return _day_part(one, name)
    parts = [] if one.kind is Kind.TIME else list(_DAY_PARTS)
    parts += [] if one.kind is Kind.DATE else list(_TIME_PARTS)
    raise Mismatch(f"a {one.kind} has no {unit.lower()}; it has {', '.join(parts).lower()}")


def day_of(one: Term) -> Term:
    """Give the date of a moment."""

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        return result(vector.data // DAY_US, *joined(vector))

    return Term(kind=Kind.DATE, run=run)


def days_as_dates(days: Whole) -> pl.Series:
    """Give the dates of some days."""
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def _day_part(one: Term, name: str) -> Term:
    per_day = 1 if one.kind is Kind.DATE else DAY_US

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        days = days_as_dates(vector.data // per_day).to_frame("day")
        part = days.select(_DAY_PARTS[name](pl.col("day")).cast(pl.Int64))["day"].to_numpy()
        return result(part, *joined(vector))

    return Term(kind=Kind.NUMBER, run=run, whole=5)


def _time_part(one: Term, name: str) -> Term:
    whole, size = _TIME_PARTS[name]
    scale = _SECOND_DECIMALS if size == 1 else 0

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        part = vector.data % whole // size
        return result(part, *joined(vector), scale=scale, shown=scale)

    return Term(kind=Kind.NUMBER, run=run, whole=2, scale=scale)


def _within(data: Whole, per_day: int, null: Mask, fault: Faults | None) -> Vector:
    """Give days or moments, with a fault where one is beyond the calendar."""
    beyond = np.asarray((data < _FIRST * per_day) | (data >= (_LAST + 1) * per_day), dtype=np.bool_)
    if beyond.any():
        fault = failed(fault, beyond & ~null, Fault.DAY)
        data = np.where(beyond, 0, data)
    return result(np.asarray(data, dtype=np.int64), null, fault)


def _months_later(
    at: Whole, months: int, null: Mask, fault: Faults | None
) -> tuple[Whole, Faults | None]:
    """Move moments by months; a day that the month does not have becomes its last."""
    day = (at // DAY_US).astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    moved_to = month + np.timedelta64(months, "M")
    last = (moved_to + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    wanted = moved_to.astype("datetime64[D]") + (day - month.astype("datetime64[D]"))
    days = np.minimum(wanted, last).astype(np.int64)
    beyond = (days < _FIRST) | (days > _LAST)
    fault = failed(fault, beyond & ~null, Fault.DAY)
    return np.where(beyond, 0, days) * DAY_US + at % DAY_US, fault
