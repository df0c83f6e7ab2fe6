"""Table Schema documents that can be kept to the letter.

`schema_reading` says what a document means.  Here it is asked whether each of its promises can be
kept: formats, constraints, transforms and rules are compiled once, before the schema is saved.
What cannot is refused with a JSON pointer to the place, the value that stands there and what is
allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from rowport.engine.schema_reading import names_of, read, refuse
from rowport.engine.validation import strptime, transforms
from rowport.engine.validation.constraints import BadConstraint, checks_of
from rowport.engine.validation.readers import ITEM_TYPES
from rowport.engine.validation.row_rules import BadRule
from rowport.engine.validation.rules import compile_rule
from rowport.engine.validation.semantics.catalogue import OTHERS, BadSemantic, semantic_of
from rowport.engine.validation.steps import BadTransform, reading
from rowport.engine.validation.texts import FORMATS as STRING_FORMATS
from rowport.model.errors import InvalidSchema
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from rowport.model.table_schema import TableSchema

_FORMATS: Final[Mapping[FieldType, tuple[str, ...]]] = {
    FieldType.STRING: ("default", *STRING_FORMATS),
    FieldType.GEOPOINT: ("default", "array", "object"),
    FieldType.GEOJSON: ("default", "topojson"),
}
_TEMPORAL: Final = frozenset({FieldType.DATE, FieldType.TIME, FieldType.DATETIME})


def parse(document: Mapping[str, object]) -> TableSchema:
    """Read a Table Schema document and see that all of it can be kept.

    Raises:
        InvalidSchema: it cannot be used; the message has a JSON pointer, the value and what is
            allowed there.
    """
    schema = read(document)
    _check_kept("", document)
    names = [field.name for field in schema.fields]
    written: Any = document["fields"]
    for index, (field, raw) in enumerate(zip(schema.fields, written, strict=True)):
        at = f"/fields/{index}"
        _check_format(f"{at}/format", field, raw.get("format"))
        if field.item_type not in ITEM_TYPES:
            refuse(f"{at}/itemType", field.item_type, ", ".join(ITEM_TYPES))
        _cross_check(at, field)
        _check_steps(f"{at}/transforms", field, names, raw.get("transforms") or [])
        _check_semantic(f"{at}/semantic", field, names, raw.get("semantic"))
    _check_rules(schema)
    return schema


def _check_kept(at: str, value: object) -> None:
    """Refuse a text anywhere that the database cannot keep."""
    match value:
        case str() if "\x00" in value:
            refuse(at, value, "text without the character U+0000")
        case dict():
            for name, part in value.items():
                _check_kept(at, name)
                _check_kept(f"{at}/{name}", part)
        case list():
            for index, part in enumerate(value):
                _check_kept(f"{at}/{index}", part)
        case _:
            pass


def _check_format(at: str, field: Field, raw: object) -> None:
    form = field.format
    if form == "default":
        return
    if field.type in _TEMPORAL:
        try:
            strptime.check(form, field.type.value)
        except strptime.BadFormat as error:
            raise InvalidSchema.at(at, f"{json.dumps(raw)} cannot be used: {error}") from None
    elif field.type in _FORMATS and form not in _FORMATS[field.type]:
        refuse(at, raw, ", ".join(_FORMATS[field.type]))


def _cross_check(at: str, field: Field) -> None:
    """Refuse what only the whole field shows."""
    both = set(field.true_values) & set(field.false_values)
    if field.type is FieldType.BOOLEAN and both:
        refuse(f"{at}/falseValues", sorted(both), "words that are not in trueValues too")
    if field.group_char is not None and field.group_char == field.decimal_char:
        refuse(f"{at}/groupChar", field.group_char, "another character than decimalChar")
    try:
        checks_of(field)
    except BadConstraint as fault:
        place = "" if fault.name == "categories" else "/constraints"
        raise InvalidSchema.at(f"{at}{place}/{fault.name}", str(fault)) from None


def _check_steps(at: str, field: Field, names: list[str], raw: list[Any]) -> None:
    """Refuse steps that are none, do not fit their field, or speak of unknown ones."""
    for index, written in enumerate(raw):
        try:
            step = transforms.normalised(written)
            alone = replace(field, transforms=(step,))
            transforms.steps_of(alone, missing=(), columns=names)
        except BadTransform as error:
            raise InvalidSchema.at(
                f"{at}/{index}", f"{json.dumps(written)} cannot be used: {error}"
            ) from None
        concat = step.get("concat")
        if isinstance(concat, Mapping):
            names_of(f"{at}/{index}/concat/fields", concat["fields"], names)
        _check_others(f"{at}/{index}", step, names)


def _check_semantic(at: str, field: Field, names: list[str], raw: object) -> None:
    """Refuse a semantic that is none, does not fit its field, or speaks of an unknown one."""
    try:
        semantic_of(reading(field))
    except BadSemantic as error:
        raise InvalidSchema.at(at, f"{json.dumps(raw)} cannot be used: {error}") from None
    _check_others(at, field.semantic or {}, names)


def _check_others(at: str, told: Mapping[str, Any], names: list[str]) -> None:
    """Refuse options that name a field which is none."""
    for name, options in told.items():
        for option in OTHERS:
            if isinstance(options, Mapping) and option in options:
                names_of(f"{at}/{name}/{option}", options[option], names)


def _check_rules(schema: TableSchema) -> None:
    for index, rule in enumerate(schema.rules):
        try:
            compile_rule(schema, rule)
        except BadRule as error:
            raise InvalidSchema.at(f"/rules/{index}", f"cannot be used: {error}") from None
