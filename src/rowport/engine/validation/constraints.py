"""Constraints of one field, compiled to checks over its typed values.

Constraints look at the value, never at the text (Table Schema 2.0): `1.0` is not above the
maximum 1, and 01/02/2023 meets the enum member that was written in the same form.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from rowport.engine.validation import documents, durations, json_schemas, patterns
from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.readers import JSON_TYPES, read_value
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ORDERED: Final = frozenset(
    {
        FieldType.INTEGER,
        FieldType.NUMBER,
        FieldType.DATE,
        FieldType.TIME,
        FieldType.DATETIME,
        FieldType.YEAR,
        FieldType.YEARMONTH,
        FieldType.DURATION,
    }
)
_SIZED: Final = frozenset({FieldType.STRING, FieldType.ARRAY, FieldType.OBJECT, FieldType.LIST})

APPLIES_TO: Final[Mapping[str, frozenset[FieldType]]] = {
    "minLength": _SIZED,
    "maxLength": _SIZED,
    "minimum": _ORDERED,
    "maximum": _ORDERED,
    "exclusiveMinimum": _ORDERED,
    "exclusiveMaximum": _ORDERED,
    "pattern": frozenset({FieldType.STRING}),
    "jsonSchema": frozenset({FieldType.ARRAY, FieldType.OBJECT}),
}
"""Constraints that only some types may have; `required`, `unique` and `enum` are for all."""

_ENUM_SHOWN: Final = 10
_ENUM_COMPARED: Final = 20
"""Decimals of an enum that are compared one by one; more are looked up in a set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule over the values of a field."""

    broken: Callable[[pl.Expr], pl.Expr] | None
    """True where a value breaks the rule, for typed columns; None: only `breaks` can tell."""
    breaks: Callable[[Any], bool]
    """The same for one Python value."""
    message: str
    """What follows the cell in the sentence of the error."""
    explain: Callable[[str], str | None] | None = None
    """Where each value has its own reason: what gives it."""
    spares: Callable[[Any, Any], bool] | None = None
    """True if no value of a column can break the rule, by the least and the greatest of them;
    of text: by how many bytes the shortest and the longest have."""
    members: tuple[str, ...] | None = None
    """Of an enum of texts: these texts."""


class BadConstraint(ValueError):
    """A constraint cannot be used; `name` is its name in the document."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(message)


def checks_of(field: Field) -> tuple[Check, ...]:
    """Compile the constraints of a field, but `required` and `unique`.

    Raises:
        BadConstraint: one does not apply to the type, or its value is none of the field's.
    """
    rules = field.constraints
    given = {
        "minLength": rules.min_length,
        "maxLength": rules.max_length,
        "minimum": rules.minimum,
        "exclusiveMinimum": rules.exclusive_minimum,
        "maximum": rules.maximum,
        "exclusiveMaximum": rules.exclusive_maximum,
        "pattern": rules.pattern,
        "enum": rules.enum,
        "categories": field.categories,
        "jsonSchema": rules.json_schema,
    }
    checks = []
    for name, value in given.items():
        if value is None:
            continue
        types = APPLIES_TO.get(name)
        if types is not None and field.type not in types:
            allowed = ", ".join(sorted(types))
            raise BadConstraint(name, f"{name} is not for {field.type.value}, only for {allowed}")
        checks.append(_COMPILERS[name](field, name, value))
    _check_subset(field)
    return tuple(checks)


_BOUNDS: Final[Mapping[str, tuple[Callable[[Any, Any], Any], str]]] = {
    # what must hold, and the words where it does not
    "minimum": (operator.ge, "is below the minimum"),
    "exclusiveMinimum": (operator.gt, "is not above the exclusive minimum"),
    "maximum": (operator.le, "is above the maximum"),
    "exclusiveMaximum": (operator.lt, "is not below the exclusive maximum"),
}


def _bound(field: Field, name: str, raw: object) -> Check:
    limit = _value(field, name, raw)
    holds, words = _BOUNDS[name]
    message = f"{words} {raw}"
    order = _ORDERS.get(field.type)
    if order is not None:
        least = order(limit)
        return Check(
            broken=None, breaks=lambda value: not holds(order(value), least), message=message
        )
    literal = pl.lit(limit)

    def broken(values: pl.Expr) -> pl.Expr:
        kept: pl.Expr = holds(values, literal)
        return ~kept

    return Check(
        broken=broken,
        breaks=lambda value: not holds(value, limit),
        message=message,
        spares=lambda least, most: bool(holds(least, limit) and holds(most, limit)),
    )


def _length(field: Field, name: str, limit: int) -> Check:
    compare = operator.lt if name == "minLength" else operator.gt
    least = "at least" if name == "minLength" else "at most"
    if field.type in JSON_TYPES:
        noun = "members" if field.type is FieldType.OBJECT else "items"
        return Check(
            broken=None,
            breaks=lambda value: compare(len(documents.parse_json(value)), limit),
            message=f"must have {least} {limit} {noun}",
        )
    return Check(
        broken=lambda values: compare(values.str.len_chars(), limit),
        breaks=lambda value: compare(len(value), limit),
        message=f"must have {least} {limit} characters",
        spares=(  # a character has one byte to four
            (lambda shortest, _: shortest >= 4 * limit)
            if name == "minLength"
            else (lambda _, longest: longest <= limit)
        ),
    )


def _pattern(field: Field, name: str, pattern: str) -> Check:
    del field
    try:
        patterns.check(pattern)
    except patterns.BadPattern as error:
        raise BadConstraint(name, f"pattern {shown(pattern)} cannot be used: {error}") from None
    full = patterns.full_match(pattern)
    return Check(
        broken=lambda values: ~values.str.contains(full),
        breaks=lambda value: not pl.Series([value]).str.contains(full)[0],
        message=f"does not match the pattern {pattern}",
    )


def membership(field: Field, name: str, members: tuple[object, ...]) -> Check:
    """Compile the rule that a value is one of `members`.

    Raises:
        BadConstraint: a member is no value of the field.
    """
    values = [_value(field, name, member) for member in members]
    words = [str(member) for member in members[:_ENUM_SHOWN]]
    rest = len(members) - len(words)
    listed = ", ".join(words) + (f", … ({rest} more)" if rest > 0 else "")
    known = set(values)

    def broken(column: pl.Expr) -> pl.Expr:
        return ~column.is_in(values)

    def broken_decimal(column: pl.Expr) -> pl.Expr:  # exact whatever the scale of the column
        return pl.all_horizontal([column != pl.lit(value) for value in values])

    vectorised: Callable[[pl.Expr], pl.Expr] | None = broken
    if field.type is FieldType.NUMBER:
        vectorised = broken_decimal if len(values) <= _ENUM_COMPARED else None
    return Check(
        broken=vectorised,
        breaks=lambda value: value not in known,
        message=f"is not one of {listed}",
        members=tuple(map(str, values)) if field.type is FieldType.STRING else None,
    )


def _json_schema(field: Field, name: str, schema: Mapping[str, Any]) -> Check:
    del field
    try:
        fault = json_schemas.compile_schema(schema)
    except json_schemas.BadJsonSchema as error:
        raise BadConstraint(name, f"jsonSchema cannot be used: {error}") from None
    return Check(
        broken=None, breaks=lambda value: fault(value) is not None, message="", explain=fault
    )


_COMPILERS: Final[Mapping[str, Callable[[Field, str, Any], Check]]] = {
    "minLength": _length,
    "maxLength": _length,
    **dict.fromkeys(_BOUNDS, _bound),
    "pattern": _pattern,
    "enum": membership,
    "categories": membership,
    "jsonSchema": _json_schema,
}


def _check_subset(field: Field) -> None:
    """Refuse an enum with members that are no categories, as the standard has it."""
    if field.categories is None or field.constraints.enum is None:
        return
    known = {_value(field, "categories", member) for member in field.categories}
    for member in field.constraints.enum:
        if _value(field, "enum", member) not in known:
            raise BadConstraint("enum", f"enum: {member!r} is not among the categories")


def _value(field: Field, name: str, raw: object) -> object:
    try:
        return read_value(field, raw)
    except CellFault as fault:
        raise BadConstraint(name, f"{name}: {fault}") from None


def _month(value: Any) -> tuple[int, int]:  # noqa: ANN401  the text of a yearmonth
    year, _, month = str(value).rpartition("-")
    return int(year), int(month)


_ORDERS: Final[Mapping[FieldType, Callable[[Any], Any]]] = {
    FieldType.YEARMONTH: _month,
    FieldType.DURATION: durations.span,
}
"""What the values of a type are ordered by, where it is not the value itself."""
