"""Constraints of one field, compiled to checks over its typed values.

Constraints look at the value, never at the text (Table Schema 2.0): `1.0` is not above the
maximum 1, and 01/02/2023 meets the enum member that was written in the same form.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from rowport.engine.validation import documents, patterns
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule over the values of a field."""

    broken: Callable[[pl.Expr], pl.Expr] | None
    """True where a value breaks the rule, for typed columns; None: only `breaks` can tell."""
    breaks: Callable[[Any], bool]
    """The same for one Python value."""
    message: str
    """What follows the cell in the sentence of the error."""


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
    return tuple(checks)


_BOUNDS: Final[Mapping[str, tuple[Callable[[Any, Any], Any], str]]] = {
    "minimum": (operator.lt, "is below the minimum"),
    "exclusiveMinimum": (operator.le, "is not above the exclusive minimum"),
    "maximum": (operator.gt, "is above the maximum"),
    "exclusiveMaximum": (operator.ge, "is not below the exclusive maximum"),
}


def _bound(field: Field, name: str, raw: object) -> Check:
    limit = _value(field, name, raw)
    compare, words = _BOUNDS[name]
    literal = pl.lit(limit)

    def broken(values: pl.Expr) -> pl.Expr:
        broken: pl.Expr = compare(values, literal)
        return broken

    return Check(
        broken=None if field.type is FieldType.YEARMONTH else broken,
        breaks=lambda value: bool(compare(_order(field, value), _order(field, limit))),
        message=f"{words} {raw}",
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


def _members(field: Field, name: str, members: tuple[object, ...]) -> Check:
    values = [_value(field, name, member) for member in members]
    words = [str(member) for member in members[:_ENUM_SHOWN]]
    rest = len(members) - len(words)
    listed = ", ".join(words) + (f", … ({rest} more)" if rest > 0 else "")
    known = set(values)

    def broken(column: pl.Expr) -> pl.Expr:
        return pl.all_horizontal([column != pl.lit(value) for value in values])

    def broken_text(column: pl.Expr) -> pl.Expr:
        return ~column.is_in(values)

    textual = all(isinstance(value, str) for value in values)
    return Check(
        broken=broken_text if textual else broken,
        breaks=lambda value: value not in known,
        message=f"is not one of {listed}",
    )


_COMPILERS: Final[Mapping[str, Callable[[Field, str, Any], Check]]] = {
    "minLength": _length,
    "maxLength": _length,
    **dict.fromkeys(_BOUNDS, _bound),
    "pattern": _pattern,
    "enum": _members,
    "categories": _members,
}


def _value(field: Field, name: str, raw: object) -> object:
    try:
        return read_value(field, raw)
    except CellFault as fault:
        raise BadConstraint(name, f"{name}: {fault}") from None


def _order(field: Field, value: Any) -> Any:  # noqa: ANN401  any typed value
    """Give what values of a field are ordered by."""
    if field.type is not FieldType.YEARMONTH:
        return value
    year, _, month = str(value).rpartition("-")
    return int(year), int(month)
