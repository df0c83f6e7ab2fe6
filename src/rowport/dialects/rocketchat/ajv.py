"""Bodies checked as Ajv checks them: one error, in its words, and values turned to their types.

Only what the bodies of this API need: type, nullable, required, properties, additionalProperties
and items, in Ajv's order of looking, with `coerceTypes: true`.

Source: https://ajv.js.org/coercion.html; the words were measured with ajv 8 on the published
schemas.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Schema = dict[str, object]
JS_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
LARGEST_PLAIN: Final = 10**21
"""From here on JavaScript writes whole numbers with an exponent."""


class Mismatch(Exception):
    """What Ajv says first of a body."""


def check(schema: Mapping[str, object], value: object) -> object:
    """Give the value with its parts turned to the types that the schema wants.

    Raises:
        Mismatch: it cannot be; the message is Ajv's.
    """
    kind = str(schema["type"])
    is_nullable = bool(schema.get("nullable"))
    value = _typed(value, kind, is_nullable=is_nullable)
    if value is None:
        return None
    if isinstance(value, dict):
        return _object(schema, value)
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return [check(items, item) for item in value]
    return value


def _object(schema: Mapping[str, object], value: dict[str, object]) -> dict[str, object]:
    known = schema.get("properties", {})
    required = schema.get("required", [])
    if not isinstance(known, dict) or not isinstance(required, list):
        raise TypeError("the schema itself is not one")
    for name in required:
        if name not in value:
            raise Mismatch(f"must have required property '{name}'")
    if schema.get("additionalProperties") is False and not value.keys() <= known.keys():
        raise Mismatch("must NOT have additional properties")
    checked = {name: check(part, value[name]) for name, part in known.items() if name in value}
    return {**value, **checked}


def _typed(value: object, kind: str, *, is_nullable: bool) -> object:
    if IS[kind](value) or (value is None and is_nullable):
        return value
    coerced = COERCE[kind](value) if kind in COERCE else None
    if coerced is not None:
        return coerced
    if is_nullable and value in ("", 0):  # also false and 0.0, which equal 0
        return None
    raise Mismatch(f"must be {kind}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


IS: Final[dict[str, Callable[[object], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
}


def _to_string(value: object) -> str | None:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    return None


def _number_text(value: float) -> str:
    """Write a number as JavaScript does."""
    if value == int(value) and abs(value) < LARGEST_PLAIN:
        return str(int(value))
    return repr(float(value))


def _to_number(value: object) -> float | None:
    if value is None or isinstance(value, bool):
        return int(bool(value))
    if isinstance(value, str) and JS_NUMBER.fullmatch(value.strip()):
        number = float(value)
        is_whole = number.is_integer() and abs(number) < LARGEST_PLAIN
        return int(number) if is_whole else number
    return None


def _to_boolean(value: object) -> bool | None:
    if value is None or value == "false" or (_is_number(value) and value == 0):
        return False
    if value == "true" or (_is_number(value) and value == 1):
        return True
    return None


COERCE: Final[dict[str, Callable[[object], object]]] = {
    "string": _to_string,
    "number": _to_number,
    "boolean": _to_boolean,
}
