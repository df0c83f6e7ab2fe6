"""Which reader each type of the standard has, and what its columns are in Arrow."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import polars as pl
import pyarrow as pa

from rowport.engine.validation import documents, durations, numbers, texts, times
from rowport.engine.validation.cells import CellFault, CellReader, nothing, shown
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ARROW_TYPES: Final[Mapping[FieldType, pa.DataType]] = {
    FieldType.STRING: pa.string(),
    FieldType.ANY: pa.string(),
    FieldType.INTEGER: pa.int64(),
    # The scale is that of the chunk: the most decimals typed in its column.  Where one chunk
    # holds both very large and very small numbers, decimal256(76, s) keeps them all exact.
    FieldType.NUMBER: pa.decimal128(38, 0),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATE: pa.date32(),
    FieldType.DATETIME: pa.timestamp("us", tz="UTC"),
    FieldType.TIME: pa.time64("us"),
    FieldType.YEAR: pa.int64(),
    FieldType.YEARMONTH: pa.string(),
    FieldType.DURATION: pa.string(),
    FieldType.GEOPOINT: pa.string(),
    # JSON text without blanks
    FieldType.OBJECT: pa.string(),
    FieldType.ARRAY: pa.string(),
    FieldType.LIST: pa.string(),
    FieldType.GEOJSON: pa.string(),
}
"""The Arrow type of each field type's column in `Validated.rows`."""

JSON_TYPES: Final = frozenset(
    {FieldType.OBJECT, FieldType.ARRAY, FieldType.LIST, FieldType.GEOJSON}
)
"""Types whose columns hold JSON text."""

ITEM_TYPES: Final = ("string", "integer", "boolean", "number", "datetime", "date", "time")
"""What `itemType` of a list may be."""


def reader_of(field: Field) -> CellReader:
    """Give the reader of a field."""
    return _READERS[field.type](field)


def read_value(field: Field, raw: object) -> object:
    """Read a value that stands in a schema (a bound, an enum member) as the field's cells are.

    `raw` is a JSON value of the field's type, or text in the field's own form.

    Raises:
        CellFault: it is no value of the field.
    """
    plain = field
    if isinstance(raw, bool):
        if field.type is not FieldType.BOOLEAN:
            raise CellFault(f"{json.dumps(raw)} is not a value of type {field.type.value}")
        return raw
    if isinstance(raw, int | float | Decimal):
        if field.type not in {FieldType.INTEGER, FieldType.NUMBER, FieldType.YEAR}:
            raise CellFault(f"{raw} is not a value of type {field.type.value}")
        if field.type is FieldType.YEAR and isinstance(raw, int):
            return raw
        plain = replace(field, decimal_char=".", group_char=None, bare_number=True)
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        raw = str(raw)
    elif isinstance(raw, dict | list):
        raw = json.dumps(raw, ensure_ascii=False)
    if not isinstance(raw, str):
        raise CellFault(f"{json.dumps(raw)} is not a value of type {field.type.value}")
    return reader_of(plain).exact(raw)


def list_reader(field: Field) -> CellReader:
    """Read items parted by a delimiter; the value is a JSON array."""
    item = reader_of(Field(name=field.name, type=FieldType(field.item_type)))

    def exact(text: str) -> str:
        parts = text.split(field.delimiter) if text else []
        try:
            return "[" + ",".join(_as_json(item.exact(part)) for part in parts) + "]"
        except CellFault as fault:
            raise CellFault(f"{shown(text)} is not a list: {fault}") from None

    return CellReader(dtype=pl.String(), fast=nothing, exact=exact)


def _as_json(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date | time):
        return json.dumps(value.isoformat().replace("+00:00", "Z"))
    return json.dumps(value, ensure_ascii=False)


_READERS: Final[Mapping[FieldType, Callable[[Field], CellReader]]] = {
    FieldType.STRING: texts.string_reader,
    FieldType.ANY: texts.any_reader,
    FieldType.INTEGER: numbers.integer_reader,
    FieldType.NUMBER: numbers.number_reader,
    FieldType.BOOLEAN: numbers.boolean_reader,
    FieldType.DATE: times.date_reader,
    FieldType.DATETIME: times.datetime_reader,
    FieldType.TIME: times.time_reader,
    FieldType.YEAR: times.year_reader,
    FieldType.YEARMONTH: times.yearmonth_reader,
    FieldType.DURATION: durations.duration_reader,
    FieldType.GEOPOINT: documents.geopoint_reader,
    FieldType.OBJECT: documents.object_reader,
    FieldType.ARRAY: documents.array_reader,
    FieldType.GEOJSON: documents.geojson_reader,
    FieldType.LIST: list_reader,
}
