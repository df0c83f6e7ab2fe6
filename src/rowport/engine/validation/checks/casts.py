"""Casts between basic types."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from sqlglot import exp

from rowport.engine.validation.cells import CellFault
from rowport.engine.validation.checks import dates, integers
from rowport.engine.validation.checks.arithmetic import ranged, result
from rowport.engine.validation.checks.terms import (
    INTEGER_DIGITS,
    NUMBER_DIGITS,
    Mismatch,
    Term,
    as_kind,
    moment,
    ticks,
)
from rowport.engine.validation.checks.vectors import Fault, Kind, Vector, failed, joined
from rowport.engine.validation.readers import reader_of
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rowport.engine.validation.checks.vectors import Rows

TARGETS: Final[Mapping[exp.DType, Kind]] = {
    exp.DType.BIGINT: Kind.INTEGER,
    exp.DType.INT: Kind.INTEGER,
    exp.DType.DECIMAL: Kind.NUMBER,
    exp.DType.TEXT: Kind.TEXT,
    exp.DType.VARCHAR: Kind.TEXT,
    exp.DType.BOOLEAN: Kind.BOOLEAN,
    exp.DType.DATE: Kind.DATE,
    exp.DType.TIMESTAMP: Kind.DATETIME,
    exp.DType.TIMESTAMPTZ: Kind.DATETIME,
    exp.DType.TIME: Kind.TIME,
}
_BITS: Final[Mapping[exp.DType, int]] = {exp.DType.INT: 32}
_READ_AS: Final[Mapping[Kind, FieldType]] = {
    Kind.INTEGER: FieldType.INTEGER,
    Kind.NUMBER: FieldType.NUMBER,
    Kind.DATE: FieldType.DATE,
}


def cast(one: Term, target: exp.DType) -> Term:
    """Turn a value into another type.

    Raises:
        Mismatch: there is no such cast.
    """
    kind = TARGETS.get(target)
    if kind is None:
        raise Mismatch("casts are to bigint, integer, numeric, text, boolean, date, timestamptz")
    if one.literal is not None and kind in {Kind.DATE, Kind.DATETIME, Kind.TIME}:
        return moment(kind, one.literal)
    if one.kind is kind and target not in _BITS:
        return Term(kind=kind, run=one.run, whole=one.whole, scale=one.scale)
    if one.kind is Kind.NULL:
        return as_kind(one, kind)
    make = _CASTS.get((one.kind, kind))
    if make is None:
        raise Mismatch(f"there is no cast of {one.kind} to {kind}")
    made = make(one)
    return _limited(made, _BITS[target]) if target in _BITS else made


def _limited(one: Term, bits: int) -> Term:
    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        return ranged(vector.data, *joined(vector), bits=bits)

    return Term(kind=Kind.INTEGER, run=run, whole=INTEGER_DIGITS)


def _same(one: Term) -> Term:
    return one


def _number(one: Term) -> Term:
    return as_kind(one, Kind.NUMBER)


def _rounded(one: Term) -> Term:
    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        return ranged(integers.round_half_away(vector.data, vector.scale), *joined(vector))

    return Term(kind=Kind.INTEGER, run=run, whole=INTEGER_DIGITS)


def _moment(one: Term) -> Term:
    return as_kind(one, Kind.DATETIME)


def _written(one: Term) -> Term:
    """Write a whole number, a truth or a date."""

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        series = (
            dates.days_as_dates(vector.data) if one.kind is Kind.DATE else pl.Series(vector.data)
        )
        null, fault = joined(vector)
        return Vector(data=series.cast(pl.String), null=null, fault=fault)

    return Term(kind=Kind.TEXT, run=run)


def _read(one: Term, kind: Kind) -> Term:
    """Read texts, each distinct one once."""
    exact = reader_of(Field(name="", type=_READ_AS[kind])).exact
    reader: Callable[[str], object] = exact

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        null, fault = joined(vector)
        read: dict[Any, Any] = {}
        for text in vector.data.unique().to_list():
            try:
                read[text] = None if text is None else reader(text)
            except CellFault:
                read[text] = None
        values = [read[text] for text in vector.data.to_list()]
        unread = np.array([value is None for value in values], dtype=np.bool_) & ~null
        data, scale = _unscaled(values)
        shown = np.array([_decimals(value) for value in values], dtype=np.int64)
        fault = failed(fault, unread, Fault.UNREADABLE)
        return result(data, null, fault, scale=scale, shown=shown)

    digits = {Kind.INTEGER: INTEGER_DIGITS, Kind.NUMBER: NUMBER_DIGITS}.get(kind, 0)
    return Term(kind=kind, run=run, whole=digits, scale=NUMBER_DIGITS if kind is Kind.NUMBER else 0)


def _unscaled(values: list[Any]) -> tuple[integers.Whole, int]:
    scale = max((_decimals(value) for value in values), default=0)
    whole = [0 if value is None else _whole(value, scale) for value in values]
    return integers.narrow(np.array(whole, dtype=object)), scale


def _whole(value: object, scale: int) -> int:
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        size: int = int("".join(map(str, digits))) * 10 ** (int(exponent) + scale)
        return -size if sign else size
    return value if isinstance(value, int) else ticks(value)


def _decimals(value: object) -> int:
    return max(-int(value.as_tuple().exponent), 0) if isinstance(value, Decimal) else 0


_CASTS: Final[Mapping[tuple[Kind, Kind], Callable[[Term], Term]]] = {
    (Kind.INTEGER, Kind.INTEGER): _same,
    (Kind.INTEGER, Kind.NUMBER): _number,
    (Kind.NUMBER, Kind.INTEGER): _rounded,
    (Kind.DATE, Kind.DATETIME): _moment,
    (Kind.DATETIME, Kind.DATE): dates.day_of,
    (Kind.INTEGER, Kind.TEXT): _written,
    (Kind.BOOLEAN, Kind.TEXT): _written,
    (Kind.DATE, Kind.TEXT): _written,
    (Kind.TEXT, Kind.INTEGER): lambda one: _read(one, Kind.INTEGER),
    (Kind.TEXT, Kind.NUMBER): lambda one: _read(one, Kind.NUMBER),
    (Kind.TEXT, Kind.DATE): lambda one: _read(one, Kind.DATE),
}
