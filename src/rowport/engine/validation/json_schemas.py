"""The constraint `jsonSchema`: JSON Schema (draft 2020-12 unless `$schema` says another).

Patterns inside are matched by the linear-time engine like all user patterns, and no reference is
ever fetched: what a schema points to must stand in it.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from jsonschema import exceptions, validators
from referencing import exceptions as unresolved

from rowport.engine.validation import patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class BadJsonSchema(ValueError):
    """The JSON Schema cannot be used; the message says why."""


def compile_schema(schema: Mapping[str, Any]) -> Callable[[str], str | None]:
    """Give what says why a JSON text breaks the schema; None: it does not.

    Raises:
        BadJsonSchema: it is no JSON Schema, or uses a pattern or reference that cannot be used.
    """
    family = validators.validator_for(schema, default=validators.Draft202012Validator)
    try:
        family.check_schema(schema)
    except exceptions.SchemaError as error:
        raise BadJsonSchema(_said(error)) from None
    for pattern in _patterns(schema):
        try:
            patterns.check(pattern)
        except patterns.BadPattern as error:
            raise BadJsonSchema(f"pattern {json.dumps(pattern)} cannot be used: {error}") from None
    exact = json.loads(json.dumps(schema), parse_float=Decimal)
    checker = validators.extend(
        family,
        {"pattern": _pattern, "patternProperties": _pattern_properties},
        type_checker=family.TYPE_CHECKER.redefine_many({"integer": _is_integer}),
    )(exact)
    _resolve_all(checker, schema)

    def fault(text: str) -> str | None:
        try:
            error = exceptions.best_match(checker.iter_errors(_parsed(text)))
        except RecursionError:
            return "the schema refers to itself without end"
        except ArithmeticError:
            return "a number is too large to be checked"
        return None if error is None else _said(error)

    return fault


def _said(error: Any) -> str:  # noqa: ANN401  jsonschema ships no types
    place = error.json_path.removeprefix("$")
    message = re.sub(r"Decimal\('([^']*)'\)", r"\1", error.message)
    return f"{place.lstrip('.')}: {message}" if place else message


def _parsed(text: str) -> Any:  # noqa: ANN401  any JSON value
    return json.loads(text, parse_float=Decimal)


def _is_integer(checker: object, value: object) -> bool:
    del checker
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _found(pattern: str, text: str) -> bool:
    return bool(pl.Series([text]).str.contains(pattern)[0])


def _pattern(checker: Any, pattern: str, value: object, schema: object) -> Iterator[Any]:  # noqa: ANN401  untyped
    del schema
    if checker.is_type(value, "string") and not _found(pattern, str(value)):
        yield exceptions.ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(
    checker: Any,  # noqa: ANN401  jsonschema ships no types
    by_pattern: Mapping[str, Any],
    value: object,
    schema: object,
) -> Iterator[Any]:
    del schema
    if not isinstance(value, dict):
        return
    for pattern, inner in by_pattern.items():
        for name, member in value.items():
            if _found(pattern, name):
                yield from checker.descend(member, inner, path=name, schema_path=pattern)


_PLAIN: Final = frozenset({"enum", "const", "default", "examples"})
"""Keywords whose values are data, not schemas."""


def _patterns(schema: object) -> Iterator[str]:
    """Find every pattern in a schema."""
    for keyword, value in _keywords(schema):
        if keyword == "pattern" and isinstance(value, str):
            yield value
        elif keyword == "patternProperties" and isinstance(value, dict):
            yield from value


def _keywords(schema: object) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, list):
        for part in schema:
            yield from _keywords(part)
    elif isinstance(schema, dict):
        for keyword, value in schema.items():
            yield keyword, value
            if keyword not in _PLAIN:
                yield from _keywords(value)


def _resolve_all(checker: Any, schema: object) -> None:  # noqa: ANN401  jsonschema ships no types
    """Refuse references that lead out of the schema or nowhere."""
    for keyword, value in _keywords(schema):
        if keyword in {"$ref", "$dynamicRef"} and isinstance(value, str):
            try:
                checker._resolver.lookup(value)  # noqa: SLF001  as the checker itself does
            except unresolved.Unresolvable:
                raise BadJsonSchema(
                    f"the reference {json.dumps(value)} leads to nothing in the schema"
                ) from None
