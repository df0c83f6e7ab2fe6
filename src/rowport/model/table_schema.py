"""A Table Schema (Data Package 2.0) as values.

Source: https://datapackage.org/standard/table-schema/.  Rowport's additions (`aliases`,
`titles`, `transforms`, `semantic`, `attributes` and more) are a profile that extends it; any
plain Table Schema is one of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUE_VALUES: Final = ("true", "True", "TRUE", "1")
FALSE_VALUES: Final = ("false", "False", "FALSE", "0")


class FieldType(StrEnum):
    """The types of the standard."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"
    LIST = "list"
    DATETIME = "datetime"
    DATE = "date"
    TIME = "time"
    YEAR = "year"
    YEARMONTH = "yearmonth"
    DURATION = "duration"
    GEOPOINT = "geopoint"
    GEOJSON = "geojson"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What values of a field must satisfy.

    Bounds and enum members stay as written (text or JSON).
    """

    required: bool = False
    unique: bool = False
    min_length: int | None = None
    max_length: int | None = None
    minimum: object = None
    maximum: object = None
    exclusive_minimum: object = None
    exclusive_maximum: object = None
    pattern: str | None = None
    enum: tuple[object, ...] | None = None
    json_schema: Mapping[str, object] | None = None


class Missing(StrEnum):
    """What a lookup does with a value that no record has."""

    ERROR = "error"
    """The row fails with `foreign-key`."""
    NULL = "null"
    """The field has no value."""
    CREATE = "create"
    """A record with this value is made, once, and the row refers to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Where a cell's value is looked up (our profile); the field holds the record's id."""

    type: str
    """The record type, of the same organization."""
    by: str
    """Its field that has the value; unique there."""
    missing: Missing = Missing.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a record type."""

    name: str
    type: FieldType = FieldType.STRING
    format: str = "default"
    title: str | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    """Title by language (our profile)."""
    description: str | None = None
    aliases: tuple[str, ...] = ()
    """Other headers that mean this field (our profile)."""
    example: object = None
    constraints: Constraints = Constraints()
    missing_values: tuple[str, ...] | None = None
    """Cells that mean "no value"; None takes those of the schema."""
    decimal_char: str = "."
    group_char: str | None = None
    bare_number: bool = True
    true_values: tuple[str, ...] = TRUE_VALUES
    false_values: tuple[str, ...] = FALSE_VALUES
    categories: tuple[object, ...] | None = None
    item_type: str = "string"
    """`list` only: the type of the items."""
    delimiter: str = ","
    """`list` only: what stands between the items."""
    transforms: tuple[Mapping[str, object], ...] = ()
    """Steps applied to the cell before it is read (our profile)."""
    lookup: Lookup | None = None
    semantic: Mapping[str, Mapping[str, object]] | None = None
    """What the text means beyond its type, as one name and its options (our profile)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """Fields whose values must exist elsewhere."""

    fields: tuple[str, ...]
    resource: str
    """The record type pointed to; "" means this one."""
    reference_fields: tuple[str, ...]


class Keep(StrEnum):
    """What becomes of rows that repeat an earlier one; the first good row is kept."""

    FIRST = "first"
    """They are `skipped`."""
    ERROR = "error"
    """They fail with `unique-error`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dedupe:
    """Which rows of a file are taken for the same (our profile)."""

    fields: tuple[str, ...]
    keep: Keep = Keep.FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """The fields of a record type and the rules between rows."""

    fields: tuple[Field, ...]
    missing_values: tuple[str, ...] = ("",)
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    rules: tuple[Mapping[str, Any], ...] = ()
    """Rules between the fields of a row (our profile), as they stand in the document."""
    dedupe: Dedupe | None = None
    fields_match: str | None = None
    """How a file's columns must meet the fields (`fieldsMatch`); None: the schema does not say, so
    only required fields need a column.  Columns meet fields by their mapped name."""
    document: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)
    """The JSON document it came from, kept whole."""

    def field(self, name: str) -> Field:
        """Give the field of this name.

        Raises:
            KeyError: there is none.
        """
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)
