"""Rules between the fields of a row (our profile), with the semantics of a CHECK constraint.

A rule is broken where it is false; where a value is missing it says nothing, as in SQL.  Three
forms: `compare` (left, op, right), `required_if` (field, when) and `one_of` (fields, count), each
with an optional `message` of one's own.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from rowport.engine.validation.constraints import BadConstraint, membership
from rowport.model.table_schema import FieldType

if TYPE_CHECKING:
    from rowport.engine.validation.columns import Column
    from rowport.engine.validation.constraints import Check
    from rowport.model.table_schema import Field, TableSchema

Columns = Mapping[str, "Column"]
"""The columns of a chunk by field; a field without column is not in it."""

_NUMERIC: Final = frozenset({FieldType.INTEGER, FieldType.NUMBER, FieldType.YEAR})
_ORDERED: Final = _NUMERIC | {FieldType.DATE, FieldType.DATETIME, FieldType.TIME}
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COUNTS: Final[Mapping[str, tuple[Callable[[pl.Expr], pl.Expr], str]]] = {
    # what is broken, by the number of filled fields
    "at_least_one": (lambda filled: filled < 1, "at least one of {} is required"),
    "exactly_one": (lambda filled: filled != 1, "exactly one of {} is required"),
    "at_most_one": (lambda filled: filled > 1, "at most one of {} may have a value"),
}


class BadRule(ValueError):
    """A rule cannot be used; the message says why and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """One rule, compiled."""

    field: str | None
    """The field that its error names; None: the row as a whole."""
    fields: tuple[str, ...]
    """The fields that must have a column, or the rule says nothing."""
    looks_at: tuple[str, ...]
    """All its fields, of which one must have a column."""
    broken: Callable[[Columns], pl.Series]
    message: str | None
    """The sentence of its error; None: `told` writes it."""
    told: Callable[[Columns], pl.Series] | None = None


def compile_rules(schema: TableSchema) -> tuple[RowRule, ...]:
    """Compile the rules of a schema.

    Raises:
        BadRule: a rule is of no known form, speaks of unknown fields or compares what has no
            common order.
    """
    return tuple(compile_rule(schema, rule) for rule in schema.rules)


def compile_rule(schema: TableSchema, rule: Mapping[str, Any]) -> RowRule:
    """Compile one rule.

    Raises:
        BadRule: see `compile_rules`.
    """
    forms = [name for name in rule if name != "message"]
    if len(forms) != 1 or forms[0] not in FORMS:
        raise BadRule(f"a rule has one of the forms {', '.join(FORMS)}, and may have a message")
    options, message = rule[forms[0]], rule.get("message")
    if not isinstance(options, Mapping) or not isinstance(message, str | None):
        raise BadRule(f"{forms[0]} is an object, and message a string")
    return FORMS[forms[0]](schema, options, message)


def _compare(schema: TableSchema, options: Mapping[str, Any], message: str | None) -> RowRule:
    left, right = (_field(schema, options.get(side), side) for side in ("left", "right"))
    sign = str(options.get("op"))
    if sign not in _OPERATORS:
        raise BadRule(f"compare: op is one of {', '.join(_OPERATORS)}")
    alike = left.type is right.type or {left.type, right.type} <= _NUMERIC
    if not alike or (sign not in {"=", "!="} and left.type not in _ORDERED):
        raise BadRule(f"compare: {left.type.value} {sign} {right.type.value} has no meaning")
    holds = _OPERATORS[sign]

    def broken(columns: Columns) -> pl.Series:
        one, other = columns[left.name], columns[right.name]
        if one.wide is None and other.wide is None:
            frame = pl.DataFrame({"l": one.values, "r": other.values})
            return frame.select(~holds(pl.col("l"), pl.col("r"))).to_series()
        pairs = zip(_exact(one), _exact(other), strict=True)
        return pl.Series(
            [None not in pair and not holds(*pair) for pair in pairs], dtype=pl.Boolean
        )

    def told(columns: Columns) -> pl.Series:
        frame = pl.DataFrame({"l": columns[left.name].text, "r": columns[right.name].text})
        words = f"{left.name} ({{}}) must be {sign} {right.name} ({{}})"
        return frame.select(pl.format(words, pl.col("l"), pl.col("r"))).to_series()

    return RowRule(
        field=left.name,
        fields=(left.name, right.name),
        looks_at=(left.name, right.name),
        broken=broken,
        message=message,
        told=None if message else told,
    )


def _required_if(schema: TableSchema, options: Mapping[str, Any], message: str | None) -> RowRule:
    wanted = _field(schema, options.get("field"), "field")
    when = options.get("when")
    if not isinstance(when, Mapping):
        raise BadRule("required_if: when is an object with a field, and equals or in")
    cause = _field(schema, when.get("field"), "when")
    members = when.get("in", [when["equals"]] if "equals" in when else None)
    if members is not None and not isinstance(members, list):
        raise BadRule("required_if: in is an array of values")
    among = None if members is None else _membership(cause, members)
    words = "has a value" if members is None else f"is {' or '.join(map(_plain, members))}"

    def broken(columns: Columns) -> pl.Series:
        asked = _is_filled(columns[cause.name])
        if among is not None:
            asked &= ~columns[cause.name].breaks(among).fill_null(value=True)
        return asked & columns[wanted.name].missing

    return RowRule(
        field=wanted.name,
        fields=(wanted.name, cause.name),
        looks_at=(wanted.name, cause.name),
        broken=broken,
        message=message or f"{wanted.name} is required because {cause.name} {words}",
    )


def _one_of(schema: TableSchema, options: Mapping[str, Any], message: str | None) -> RowRule:
    listed = options.get("fields")
    if not isinstance(listed, list) or len(listed) < 2:  # noqa: PLR2004  or there is no choice
        raise BadRule("one_of: fields is an array of two field names or more")
    names = tuple(_field(schema, name, "fields").name for name in listed)
    count = options.get("count", "at_least_one")
    if count not in _COUNTS:
        raise BadRule(f"one_of: count is one of {', '.join(_COUNTS)}")
    is_broken, words = _COUNTS[count]

    def broken(columns: Columns) -> pl.Series:
        filled = {name: _is_filled(columns[name]) for name in names if name in columns}
        frame = pl.DataFrame(filled)
        return frame.select(is_broken(pl.sum_horizontal(pl.all().cast(pl.Int32)))).to_series()

    return RowRule(
        field=None,
        fields=(),
        looks_at=names,
        broken=broken,
        message=message or words.format(", ".join(names)),
    )


FORMS: Final[Mapping[str, Callable[[TableSchema, Mapping[str, Any], str | None], RowRule]]] = {
    "compare": _compare,
    "required_if": _required_if,
    "one_of": _one_of,
}


def _field(schema: TableSchema, name: object, option: str) -> Field:
    try:
        return schema.field(str(name))
    except KeyError:
        known = ", ".join(field.name for field in schema.fields)
        raise BadRule(f"{option}: there is no field {name!r}; the fields are {known}") from None


def _membership(field: Field, members: list[object]) -> Check:
    try:
        return membership(field, "when", tuple(members))
    except BadConstraint as fault:
        raise BadRule(str(fault)) from None


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_filled(column: Column) -> pl.Series:
    return ~column.missing


def _exact(column: Column) -> Sequence[Any]:
    """Give the values as Python objects."""
    return column.values.to_list() if column.wide is None else column.wide
