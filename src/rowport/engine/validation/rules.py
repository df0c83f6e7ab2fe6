"""Rules between the fields of a row (our profile), with the semantics of a CHECK constraint.

A rule is broken where it is false; where a value is missing it says nothing, as in SQL.  Four
forms: `compare` (left, op, right), `required_if` (field, when), `one_of` (fields, count) and
`check` (an SQL expression), each with an optional `message` of one's own, and a `name`.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from rowport.engine.validation.checks.comparing import values_hold
from rowport.engine.validation.checks.vectors import KIND_OF, Kind, vector_of
from rowport.engine.validation.constraints import BadConstraint, membership
from rowport.engine.validation.row_rules import BadRule, Broken, RowRule, everywhere
from rowport.model.table_schema import FieldType

if TYPE_CHECKING:
    from datetime import date

    from rowport.engine.validation.columns import Column
    from rowport.engine.validation.constraints import Check
    from rowport.engine.validation.row_rules import Columns
    from rowport.model.table_schema import Field, TableSchema

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
    forms = [name for name in rule if name not in {"message", "name"}]
    if len(forms) != 1 or forms[0] not in {*FORMS, "check"}:
        known = ", ".join([*FORMS, "check"])
        raise BadRule(f"a rule has one of the forms {known}, and may have a message and a name")
    form, message, name = forms[0], rule.get("message"), rule.get("name")
    if not isinstance(message, str | None) or not isinstance(name, str | None):
        raise BadRule("message and name are strings")
    if form == "check":
        return _check(schema, rule["check"], message, name)
    if not isinstance(rule[form], Mapping):
        raise BadRule(f"{form} is an object")
    return FORMS[form](schema, rule[form], message)


def _check(schema: TableSchema, text: object, message: str | None, name: str | None) -> RowRule:
    if not isinstance(text, str):
        raise BadRule("check is an SQL expression in a string")
    # The parser is heavy: only who has such rules holds it.
    from rowport.engine.validation import sql_rules  # noqa: PLC0415  see above

    return sql_rules.compile_rule(schema, text, message=message, name=name)


def _compare(schema: TableSchema, options: Mapping[str, Any], message: str | None) -> RowRule:
    left, right = (_field(schema, options.get(side), side) for side in ("left", "right"))
    sign = str(options.get("op"))
    if sign not in _OPERATORS:
        raise BadRule(f"compare: op is one of {', '.join(_OPERATORS)}")
    alike = left.type is right.type or {left.type, right.type} <= _NUMERIC
    if not alike or (sign not in {"=", "!="} and left.type not in _ORDERED):
        raise BadRule(f"compare: {left.type.value} {sign} {right.type.value} has no meaning")
    holds = _OPERATORS[sign]

    kinds = [KIND_OF.get(field.type, Kind.TEXT) for field in (left, right)]
    numeric = left.type in _NUMERIC

    def judge(columns: Columns, _: date) -> Broken:
        one, other = (
            vector_of(columns[field.name], kind, shows=False)
            for field, kind in zip((left, right), kinds, strict=True)
        )
        broken = ~values_hold(holds, one, other, numeric=numeric) & ~(one.null | other.null)
        rows = pl.Series(broken)

        def told() -> pl.Series:
            frame = pl.DataFrame({"l": columns[left.name].text, "r": columns[right.name].text})
            words = f"{left.name} ({{}}) must be {sign} {right.name} ({{}})"
            return frame.select(pl.format(words, pl.col("l"), pl.col("r"))).to_series()

        return Broken(rows=rows, told=everywhere(message, rows) if message else told)

    both = (left.name, right.name)
    return RowRule(field=left.name, fields=both, looks_at=both, judge=judge)


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

    sentence = message or f"{wanted.name} is required because {cause.name} {words}"

    def judge(columns: Columns, _: date) -> Broken:
        asked = _is_filled(columns[cause.name])
        if among is not None:
            asked &= ~columns[cause.name].breaks(among).fill_null(value=True)
        rows = asked & columns[wanted.name].missing
        return Broken(rows=rows, told=everywhere(sentence, rows))

    both = (wanted.name, cause.name)
    return RowRule(field=wanted.name, fields=both, looks_at=both, judge=judge)


def _one_of(schema: TableSchema, options: Mapping[str, Any], message: str | None) -> RowRule:
    listed = options.get("fields")
    if not isinstance(listed, list) or len(listed) < 2:  # noqa: PLR2004  or there is no choice
        raise BadRule("one_of: fields is an array of two field names or more")
    names = tuple(_field(schema, name, "fields").name for name in listed)
    count = options.get("count", "at_least_one")
    if count not in _COUNTS:
        raise BadRule(f"one_of: count is one of {', '.join(_COUNTS)}")
    is_broken, words = _COUNTS[count]

    sentence = message or words.format(", ".join(names))

    def judge(columns: Columns, _: date) -> Broken:
        filled = {name: _is_filled(columns[name]) for name in names if name in columns}
        count = pl.sum_horizontal(pl.all().cast(pl.Int32))
        rows = pl.DataFrame(filled).select(is_broken(count)).to_series()
        return Broken(rows=rows, told=everywhere(sentence, rows))

    return RowRule(field=None, fields=(), looks_at=names, judge=judge)


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
