"""Values of a chunk's rows while an expression is worked out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from rowport.engine.validation.checks import integers
from rowport.model.errors import RuleTooSlow
from rowport.model.table_schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import numpy.typing as npt

    from rowport.engine.validation.columns import Column

    Mask = npt.NDArray[np.bool_]
    Faults = npt.NDArray[np.uint8]


class Kind(StrEnum):
    """The types of expressions."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    SPAN = "interval"
    OTHER = "of a type that checks only ask for a value"
    NULL = "null"


KIND_OF: Final[Mapping[FieldType, Kind]] = {
    FieldType.STRING: Kind.TEXT,
    FieldType.ANY: Kind.TEXT,
    FieldType.INTEGER: Kind.INTEGER,
    FieldType.YEAR: Kind.INTEGER,
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.BOOLEAN: Kind.BOOLEAN,
    FieldType.DATE: Kind.DATE,
    FieldType.DATETIME: Kind.DATETIME,
    FieldType.TIME: Kind.TIME,
}
"""The type of each field's values; those that are missing are `Kind.OTHER`."""

NUMERIC: Final = frozenset({Kind.INTEGER, Kind.NUMBER})


class Fault(IntEnum):
    """Why an expression has no value for a row."""

    NONE = 0
    ZERO = 1
    INTEGER = 2
    LENGTH = 3
    DAY = 4
    UNREADABLE = 5
    NEGATIVE = 6

    @property
    def words(self) -> str:
        """What follows "cannot be worked out: "."""
        return _WORDS[self]


MAX_TEXT: Final = 16 * 2**20
"""Bytes of one text that an expression makes."""
_WORDS: Final[Mapping[Fault, str]] = {
    Fault.NONE: "",
    Fault.ZERO: "division by zero",
    Fault.INTEGER: "a whole number is out of range",
    Fault.LENGTH: f"a text has more than {MAX_TEXT // 2**20} MiB",
    Fault.DAY: "a day is beyond the years 1 to 9999",
    Fault.UNREADABLE: "a text cannot be read as the type of the cast",
    Fault.NEGATIVE: "a length is negative",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vector:
    """The value of an expression for each row, or one value for all (length 1)."""

    data: Any
    """Booleans: bool.  Texts: a Series of strings.  Numbers: `integers.Whole`, to be divided by
    10 to the power of `scale`.  Days: since 1970.  Times, moments and spans: microseconds.
    What stands where `null` is true means nothing."""
    null: Mask
    fault: Faults | None = None
    """`Fault` of each row; None: no row has one.  Rows with a fault are null as well."""
    scale: int = 0
    shown: Any = 0
    """Numbers: how many decimals PostgreSQL would show (int, or int64 for each row); a quotient
    has as many decimals as its operands, at least."""

    def slice(self, start: int, stop: int) -> Vector:
        """Give some of the rows."""
        return Vector(
            data=self.data[start:stop],
            null=self.null[start:stop],
            fault=None if self.fault is None else self.fault[start:stop],
            scale=self.scale,
            shown=self.shown if isinstance(self.shown, int) else self.shown[start:stop],
        )


class Rows:
    """Some rows of a chunk, while one expression is worked out for them."""

    def __init__(
        self, columns: Mapping[str, Vector], count: int, *, today: date, until: float
    ) -> None:
        """Take the columns; the work must be done by `until` of the monotonic clock."""
        self.columns = columns
        self.count = count
        self.today = today
        self._until = until

    def keep_time(self) -> None:
        """Go on only if there is time.

        Raises:
            RuleTooSlow: there is none.
        """
        if time.monotonic() > self._until:
            raise RuleTooSlow


def constant(value: object, *, scale: int = 0) -> Vector:
    """Give one value to all rows, as in `Vector.data`: a bool, a text, or a whole number."""
    null = np.zeros(1, dtype=np.bool_)
    if isinstance(value, str):
        return Vector(data=pl.Series([value], dtype=pl.String), null=null)
    if isinstance(value, bool):
        return Vector(data=np.array([value]), null=null)
    whole = integers.narrow(np.array([value], dtype=object))
    return Vector(data=whole, null=null, scale=scale, shown=scale)


def filled(vector: Vector, count: int) -> Vector:
    """Give a vector of `count` rows."""
    if len(vector.null) == count:
        return vector
    text = isinstance(vector.data, pl.Series)
    data = vector.data.new_from_index(0, count) if text else np.repeat(vector.data, count)
    return Vector(
        data=data,
        null=np.repeat(vector.null, count),
        fault=None if vector.fault is None else np.repeat(vector.fault, count),
        scale=vector.scale,
        shown=vector.shown if isinstance(vector.shown, int) else np.repeat(vector.shown, count),
    )


def joined(*vectors: Vector) -> tuple[Mask, Faults | None]:
    """Give where a strict operation is null, and the first fault of its operands."""
    null = vectors[0].null
    fault = vectors[0].fault
    for vector in vectors[1:]:
        null = null | vector.null
        fault = first(fault, vector.fault)
    return null, fault


def first(one: Faults | None, other: Faults | None) -> Faults | None:
    """Give the first fault of two operands."""
    if one is None or other is None:
        return other if one is None else one
    return np.where(one > 0, one, other)


def failed(fault: Faults | None, where: Mask, why: Fault) -> Faults | None:
    """Add a fault where there is none yet."""
    if not where.any():
        return fault
    return first(fault, np.where(where, np.uint8(why), np.uint8(0)))


def vector_of(column: Column, kind: Kind, *, shows: bool) -> Vector:
    """Give the values of a field.

    `shows`: whether the decimals of each number are asked for.  Zeros at their end do not count.
    """
    null = column.values.is_null().to_numpy()
    if kind is Kind.OTHER:
        return Vector(data=np.zeros(len(null), dtype=np.int64), null=null)
    if kind is Kind.TEXT:
        return Vector(data=column.values, null=null)
    if kind is Kind.BOOLEAN:
        return Vector(data=column.values.fill_null(value=False).to_numpy(), null=null)
    if kind is Kind.NUMBER:
        data = integers.narrow(_unscaled(column))
        shown: Any = _decimals(data, column.scale) if shows else column.scale
        return Vector(data=data, null=null, scale=column.scale, shown=shown)
    data = column.values.to_physical().cast(pl.Int64).fill_null(0).to_numpy()
    if kind is Kind.TIME:
        data = data // 1000  # Polars counts nanoseconds of a day
    return Vector(data=data, null=null)


def _unscaled(column: Column) -> integers.Whole:
    """Give decimals as whole numbers of their last digit."""
    if column.wide is not None:
        exact = Context(prec=200)
        values = [Decimal(0) if value is None else value for value in column.wide]
        whole = [int(value.scaleb(column.scale, exact)) for value in values]
        return np.array(whole, dtype=object)
    digits = column.values.to_physical().fill_null(0)
    if not len(digits):
        return np.zeros(0, dtype=np.int64)
    narrow = digits.cast(pl.Int64, strict=False)
    if not narrow.has_nulls():
        return narrow.to_numpy()
    return np.array(digits.to_list(), dtype=object)


def _decimals(values: integers.Whole, scale: int) -> npt.NDArray[np.int64]:
    """Give the decimals of each number, without the zeros at their end."""
    shown = np.full(len(values), scale, dtype=np.int64)
    for digits in range(1, scale + 1):
        ends = integers.remainder(values, integers.power(digits)) == 0
        if not ends.any():
            break
        shown[np.asarray(ends, dtype=np.bool_)] = scale - digits
    return shown
