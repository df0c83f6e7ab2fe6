"""What the managed table of a record type looks like."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from rowport.engine.journal import LACKS, MARK
from rowport.model.errors import DestinationConflict
from rowport.model.table_schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.model.record_types import RecordType
    from rowport.model.table_schema import Field

_NAME_BYTES: Final = 63
"""PostgreSQL cuts longer identifiers without an error (NAMEDATALEN - 1)."""
_COLUMNS_MAX: Final = 1600
"""PostgreSQL's limit (MaxHeapAttributeNumber)."""
_RESERVED: Final = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
"""Columns that every PostgreSQL table has already."""


class SqlType(StrEnum):
    """Column types, spelled as `format_type` gives them back."""

    TEXT = "text"
    BIGINT = "bigint"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMPTZ = "timestamp with time zone"
    TIME = "time without time zone"
    JSONB = "jsonb"


SQL_TYPES: Final[dict[FieldType, SqlType]] = {
    FieldType.STRING: SqlType.TEXT,
    FieldType.NUMBER: SqlType.NUMERIC,
    FieldType.INTEGER: SqlType.BIGINT,
    FieldType.BOOLEAN: SqlType.BOOLEAN,
    FieldType.OBJECT: SqlType.JSONB,
    FieldType.ARRAY: SqlType.JSONB,
    FieldType.LIST: SqlType.JSONB,
    FieldType.DATETIME: SqlType.TIMESTAMPTZ,
    FieldType.DATE: SqlType.DATE,
    FieldType.TIME: SqlType.TIME,
    FieldType.YEAR: SqlType.BIGINT,
    FieldType.YEARMONTH: SqlType.TEXT,
    FieldType.DURATION: SqlType.TEXT,
    FieldType.GEOPOINT: SqlType.TEXT,
    FieldType.GEOJSON: SqlType.JSONB,
    FieldType.ANY: SqlType.TEXT,
}

SYSTEM_COLUMNS: Final[dict[str, tuple[str, str]]] = {
    "rowport_id": ("uuid NOT NULL", "Rowport: the record's id."),
    "rowport_import": ("uuid NOT NULL", "Rowport: the import that last wrote the record."),
    "rowport_row": ("bigint NOT NULL", "Rowport: the row that last wrote the record (1-based)."),
}
"""Name: type and comment."""

FIELD_MARK: Final = "Field "
"""Comments of columns that hold a field begin so."""
FORMER_MARK: Final = "Former field "
"""Comments of columns whose field is no longer in the record type begin so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field's column."""

    field: str
    name: str
    """Identifier of the column: at most 63 bytes."""
    type: SqlType
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A unique index that Rowport manages."""

    name: str
    columns: tuple[str, ...]
    is_key: bool
    """It finds the records; else it guards a `unique` of the Table Schema."""

    @property
    def comment(self) -> str:
        """How it is recognised, and explained to people."""
        why = "finds records by their key" if self.is_key else "keeps values unique"
        return f"Rowport: {why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """The managed table as it has to be."""

    schema: str
    table: str
    comment: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]

    def column(self, field: str) -> Column:
        """Give the column of a field.

        Raises:
            KeyError: there is none.
        """
        for candidate in self.columns:
            if candidate.field == field:
                return candidate
        raise KeyError(field)


def column_name(field: str) -> str:
    """Give the column of a field: its own name wherever PostgreSQL can hold it.

    Longer names, and names of PostgreSQL's own columns, end in a hash of the whole name.
    """
    encoded = field.encode()
    if len(encoded) <= _NAME_BYTES and field not in _RESERVED:
        return field
    return _hashed(encoded[: _NAME_BYTES - 9].decode(errors="ignore"), encoded)


def _hashed(stem: str, whole: bytes) -> str:
    return f"{stem}_{hashlib.sha256(whole).hexdigest()[:8]}"


def table_layout(record_type: RecordType) -> TableLayout:
    """Give the managed table of this version of the record type.

    Raises:
        DestinationConflict: a field's name cannot be a column.
    """
    columns = tuple(_column(field) for field in record_type.schema.fields)
    _check_names(columns)
    schema = record_type.schema
    unique = [(field.name,) for field in schema.fields if field.constraints.unique]
    wanted = [record_type.key, schema.primary_key, *schema.unique_keys, *unique]
    by_field = {column.field: column.name for column in columns}
    indexes: dict[frozenset[str], Index] = {}
    for fields in wanted:
        if fields and frozenset(fields) not in indexes:
            names = tuple(_known(by_field, name) for name in fields)
            index = _index(record_type, names, is_key=fields == record_type.key)
            indexes[frozenset(fields)] = index
    return TableLayout(
        schema=record_type.table_schema,
        table=record_type.table_name,
        comment=f"Records of type {record_type.name}, managed by Rowport.",
        columns=columns,
        indexes=tuple(indexes.values()),
    )


def _known(columns: dict[str, str], field: str) -> str:
    if field not in columns:
        raise DestinationConflict(f"A key names the field {field!r}, which the schema lacks.")
    return columns[field]


def _column(field: Field) -> Column:
    said = field.title or field.description
    return Column(
        field=field.name,
        name=column_name(field.name),
        type=SQL_TYPES[field.type],
        comment=f"{FIELD_MARK}{field.name!r} ({field.type})" + (f": {said}" if said else ""),
    )


def _index(record_type: RecordType, columns: tuple[str, ...], *, is_key: bool) -> Index:
    whole = repr((record_type.table_name, columns, is_key)).encode()
    stem = record_type.table_name.encode()[:40].decode(errors="ignore")
    name = _hashed(f"{stem}_{'key' if is_key else 'unique'}", whole)
    return Index(name=name, columns=columns, is_key=is_key)


def _check_names(columns: Sequence[Column]) -> None:
    if len(columns) + len(SYSTEM_COLUMNS) > _COLUMNS_MAX:
        raise DestinationConflict(
            f"The record type has {len(columns)} fields; a PostgreSQL table holds at most "
            f"{_COLUMNS_MAX - len(SYSTEM_COLUMNS)} beside Rowport's own columns."
        )
    seen: set[str] = set()
    for column in columns:
        if column.name in SYSTEM_COLUMNS or column.field in {MARK, LACKS}:
            raise DestinationConflict(
                f"The field {column.field!r} has the name of one of Rowport's own columns "
                f"({', '.join((*SYSTEM_COLUMNS, MARK, LACKS))}); rename it."
            )
        if not column.name or "\x00" in column.name:
            raise DestinationConflict(
                f"The field {column.field!r} cannot be a column: its name is empty or holds U+0000."
            )
        if column.name in seen:
            raise DestinationConflict(
                f"The field {column.field!r} needs the column {column.name!r}, which another has."
            )
        seen.add(column.name)
