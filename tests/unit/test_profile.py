"""The published profile says what schemas may be, and agrees with what reads them."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from rowport.engine import schema_reading
from rowport.engine.schema_document import parse
from rowport.engine.validation import rules, semantic_steps, transforms
from rowport.engine.validation.semantics import catalogue
from rowport.model.errors import InvalidSchema
from rowport.model.table_schema import FieldType, Keep, Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PROFILE: dict[str, Any] = json.loads((ROOT / "docs/profile.json").read_text(encoding="utf-8"))
STANDARD = "https://datapackage.org/profiles/2.0/tableschema.json"
THEIRS: Resource[Any] = Resource.from_contents({"type": "object"}, DRAFT7)
"""In place of the standard's own profile: tests fetch nothing."""
VALIDATOR = Draft7Validator(PROFILE, registry=Registry().with_resource(STANDARD, THEIRS))

EVERYTHING: dict[str, object] = {
    "fields": [
        {
            "name": "email",
            "type": "string",
            "format": "email",
            "titles": {"de": "E-Mail"},
            "aliases": ["mail"],
            "semantic": "email",
            "transforms": ["trim", {"case": {"to": "lower"}}, {"null_if": {"values": ["-"]}}],
        },
        {
            "name": "company",
            "type": "string",
            "lookup": {"type": "companies", "by": "domain", "missing": "create"},
        },
        {"name": "boss", "missingValues": [{"value": "-", "label": "none"}]},
        {"name": "begin", "type": "date", "format": "%d/%m/%Y"},
        {"name": "end", "type": "date", "constraints": {"minimum": "2020-01-01"}},
        {
            "name": "phone",
            "semantic": {"phone": {"region": "DE"}},
            "transforms": [{"phone": {"region": "DE"}}],
        },
        {"name": "tags", "type": "list", "itemType": "string", "delimiter": ";"},
        {"name": "size", "type": "string", "categories": ["S", {"value": "M", "label": "medium"}]},
    ],
    "fieldsMatch": ["superset"],
    "primaryKey": "email",
    "uniqueKeys": [["company", "boss"]],
    "foreignKeys": [{"fields": "boss", "reference": {"resource": "", "fields": "email"}}],
    "dedupe": {"fields": ["company", "boss"], "keep": "error"},
    "rules": [
        {"compare": {"left": "end", "op": ">=", "right": "begin"}, "message": "backwards"},
        {"check": "begin <= \"end\" OR size = 'S'", "name": "order", "message": "backwards"},
        {"required_if": {"field": "boss", "when": {"field": "size", "in": ["S", "M"]}}},
        {"one_of": {"fields": ["boss", "company"], "count": "at_least_one"}},
    ],
}


def examples() -> Iterator[Path]:
    """Give every schema that we ship."""
    for path in sorted((ROOT / "examples").rglob("*.json")):
        if "fields" in json.loads(path.read_text(encoding="utf-8")):
            yield path


def test_the_profile_is_a_json_schema_that_extends_the_standards() -> None:
    Draft7Validator.check_schema(PROFILE)
    assert {"$ref": STANDARD} in PROFILE["allOf"]


@pytest.mark.parametrize("path", [*examples()], ids=lambda path: path.parent.name)
def test_every_example_is_of_the_profile(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def test_a_schema_with_every_addition_is_of_the_profile_and_can_be_used() -> None:
    assert [error.message for error in VALIDATOR.iter_errors(EVERYTHING)] == []
    parse(EVERYTHING)


def names(schema: object) -> Iterator[str]:
    """Give every property that a JSON Schema names."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for value in schema.values():
            yield from names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from names(value)


def read_properties() -> set[str]:
    """Give every property that the reader of documents asks for, from its source."""
    tree = ast.parse(Path(schema_reading.__file__).read_text(encoding="utf-8"))
    place_of = {"get": 0, "_get": 2, "_mark": 2, "_length": 2}
    asked = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
                named = node.args[place_of[called] :][:1] if called in place_of else []
            case ast.Subscript(slice=ast.Constant() as named_so):
                named = [named_so]
            case _:
                continue
        asked |= {a.value for a in named if isinstance(a, ast.Constant) and _is_name(a.value)}
    return asked


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def test_every_property_that_is_read_is_in_the_profile() -> None:
    read = read_properties()
    assert {"fields", "fieldsMatch", "lookup", "missing", "jsonSchema", "groupChar"} <= read
    assert read <= set(names(PROFILE))


def test_every_type_step_rule_and_word_is_in_the_profile() -> None:
    parts = PROFILE["definitions"]
    assert parts["field"]["properties"]["type"]["enum"] == [*FieldType]
    assert parts["lookup"]["properties"]["missing"]["enum"] == [*Missing]
    assert parts["schema"]["properties"]["dedupe"]["properties"]["keep"]["enum"] == [*Keep]
    assert parts["fieldsMatch"]["enum"] == [*schema_reading.FIELDS_MATCH]
    name, options = parts["transform"]["oneOf"]
    steps = {**transforms.OPTIONS, **semantic_steps.OPTIONS}
    assert name["enum"] == [*options["properties"]] == [*steps]
    for step, known in steps.items():
        assert set(options["properties"][step]["properties"]) == set(known), step
    name, options = parts["semantic"]["oneOf"]
    assert name["enum"] == [*options["properties"]] == [*catalogue.OPTIONS]
    for semantic, known in catalogue.OPTIONS.items():
        assert set(options["properties"][semantic]["properties"]) == set(known), semantic
    assert set(parts["rule"]["properties"]) == {"message", "name", "check", *rules.FORMS}


BROKEN: dict[str, dict[str, object]] = {
    "no fields": {"fields": []},
    "no name": {"fields": [{"type": "string"}]},
    "unknown type": {"fields": [{"name": "a", "type": "text"}]},
    "unknown word": {"fields": [{"name": "a"}], "fieldsMatch": "some"},
    "lookup without by": {"fields": [{"name": "a", "lookup": {"type": "b"}}]},
    "unknown missing": {
        "fields": [{"name": "a", "lookup": {"type": "b", "by": "c", "missing": "skip"}}]
    },
    "unknown step": {"fields": [{"name": "a", "transforms": ["shout"]}]},
    "unknown option": {"fields": [{"name": "a", "transforms": [{"trim": {"left": True}}]}]},
    "last": {"fields": [{"name": "a"}], "dedupe": {"fields": "a", "keep": "last"}},
    "unknown semantic": {"fields": [{"name": "a", "semantic": "shoe"}]},
    "semantic option": {"fields": [{"name": "a", "semantic": {"iban": {"region": "DE"}}}]},
    "no check": {"fields": [{"name": "a"}], "rules": [{"check": ""}]},
    "alias": {"fields": [{"name": "a", "aliases": "b"}]},
    "title": {"fields": [{"name": "a", "titles": {"de": 1}}]},
    "length": {"fields": [{"name": "a", "constraints": {"maxLength": -1}}]},
    "foreign key": {"fields": [{"name": "a"}], "foreignKeys": [{"fields": "a"}]},
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN)
def test_what_the_profile_refuses_cannot_be_used(document: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(InvalidSchema):
        parse(document)
