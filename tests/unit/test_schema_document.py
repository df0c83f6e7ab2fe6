"""Table Schema documents become values, or are refused with the place and the reason."""

from __future__ import annotations

from typing import Any

import pytest

from rowport.engine.schema_document import parse
from rowport.model.errors import InvalidSchema
from rowport.model.table_schema import Dedupe, FieldType, ForeignKey, Keep, Lookup, Missing


def one(**field: object) -> dict[str, object]:
    return {"fields": [{"name": "a", **field}]}


def test_a_plain_document_of_version_2_is_taken_as_it_is() -> None:
    document: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"required": True}},
            {"name": "name", "title": "Name", "type": "string", "rdfType": "x", "weight": 3},
            {"name": "parent", "type": "integer"},
        ],
        "fieldsMatch": "partial",
        "missingValues": [{"value": "", "label": "OMITTED"}, {"value": "-99"}],
        "primaryKey": ["id"],
        "uniqueKeys": [["name"], ["id", "name"]],
        "foreignKeys": [{"fields": ["parent"], "reference": {"fields": ["id"]}}],
    }
    schema = parse(document)
    assert [field.name for field in schema.fields] == ["id", "name", "parent"]
    assert schema.field("id").constraints.required
    assert schema.field("name").title == "Name"
    assert schema.fields_match == "partial"
    assert schema.missing_values == ("", "-99")
    assert schema.primary_key == ("id",)
    assert schema.unique_keys == (("name",), ("id", "name"))
    assert schema.foreign_keys == (
        ForeignKey(fields=("parent",), resource="", reference_fields=("id",)),
    )
    assert schema.document == document


def test_a_document_of_version_1_is_taken_as_it_is() -> None:
    schema = parse(
        {
            "fields": [{"name": "a", "type": "date", "format": "fmt:%d/%m/%y"}],
            "primaryKey": "a",
            "foreignKeys": [{"fields": "a", "reference": {"resource": "b", "fields": "x"}}],
        }
    )
    assert schema.primary_key == ("a",)
    assert schema.fields[0].format == "%d/%m/%y"
    assert schema.foreign_keys[0].resource == "b"


def test_a_lookup_that_does_not_say_what_to_do_makes_an_error() -> None:
    schema = parse(one(lookup={"type": "b", "by": "x"}))
    assert schema.fields[0].lookup == Lookup(type="b", by="x", missing=Missing.ERROR)


def test_the_first_row_is_kept_and_rows_repeat_others_by_the_key_unless_it_is_said() -> None:
    schema = parse(one() | {"primaryKey": "a", "dedupe": {}})
    assert schema.dedupe == Dedupe(fields=("a",), keep=Keep.FIRST)
    schema = parse(one() | {"dedupe": {"fields": "a", "keep": "error"}})
    assert schema.dedupe == Dedupe(fields=("a",), keep=Keep.ERROR)


def test_keeping_the_last_row_is_refused_with_the_reason() -> None:
    with pytest.raises(InvalidSchema, match="in the table already"):
        parse(one() | {"dedupe": {"fields": "a", "keep": "last"}})


def test_a_field_without_type_is_any() -> None:
    assert parse(one()).fields[0].type is FieldType.ANY


def test_missing_values_default_to_the_empty_cell_and_may_be_none() -> None:
    assert parse(one()).missing_values == ("",)
    assert parse(one() | {"missingValues": []}).missing_values == ()
    field = parse(one(missingValues=["-"])).fields[0]
    assert field.missing_values == ("-",)


def test_aliases_and_transforms_of_our_profile_are_kept() -> None:
    transforms = [{"date": {"formats": ["%Y-%m-%d", "%d.%m.%Y"]}}]
    field = parse(one(type="date", aliases=["A B"], transforms=transforms)).fields[0]
    assert field.aliases == ("A B",)
    assert field.transforms == tuple(transforms)


REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ([], "/"),
    "no fields": ({}, "/fields"),
    "empty fields": ({"fields": []}, "/fields"),
    "a field that is no object": ({"fields": ["a"]}, "/fields/0"),
    "no name": ({"fields": [{"type": "string"}]}, "/fields/0/name"),
    "blank name": ({"fields": [{"name": " "}]}, "/fields/0/name"),
    "NUL in a name": ({"fields": [{"name": "a\0"}]}, "/fields/0/name"),
    "NUL in a title": (one(title="a\0"), "/fields/0/title"),
    "NUL in an enum": (one(constraints={"enum": ["a\0"]}), "/fields/0/constraints/enum/0"),
    "NUL in a default": (
        one(transforms=[{"default": {"value": "a\0"}}]),
        "/fields/0/transforms/0/default/value",
    ),
    "names twice": ({"fields": [{"name": "a"}, {"name": "a"}]}, "/fields/1/name"),
    "unknown type": (one(type="money"), "/fields/0/type"),
    "type that is no word": (one(type=["string"]), "/fields/0/type"),
    "unknown string format": (one(type="string", format="ipv4"), "/fields/0/format"),
    "any date": (one(type="date", format="any"), "/fields/0/format"),
    "locale's own date": (one(type="date", format="%x"), "/fields/0/format"),
    "time of a date": (one(type="date", format="%Y-%m-%d %H"), "/fields/0/format"),
    "no directive": (one(type="date", format="invalid"), "/fields/0/format"),
    "lone percent": (one(type="time", format="%H:%"), "/fields/0/format"),
    "date without year": (one(type="datetime", format="%d/%m %H:%M"), "/fields/0/format"),
    "directive twice": (one(type="date", format="%Y-%m-%m"), "/fields/0/format"),
    "geopoint format": (one(type="geopoint", format="wkt"), "/fields/0/format"),
    "constraints that are no object": (one(constraints=[]), "/fields/0/constraints"),
    "required that is no boolean": (
        one(constraints={"required": "yes"}),
        "/fields/0/constraints/required",
    ),
    "negative length": (
        one(type="string", constraints={"minLength": -1}),
        "/fields/0/constraints/minLength",
    ),
    "length of a number": (
        one(type="number", constraints={"maxLength": 3}),
        "/fields/0/constraints/maxLength",
    ),
    "minimum of a string": (
        one(type="string", constraints={"minimum": 3}),
        "/fields/0/constraints/minimum",
    ),
    "minimum that is no number": (
        one(type="integer", constraints={"minimum": "low"}),
        "/fields/0/constraints/minimum",
    ),
    "minimum that is no date": (
        one(type="date", constraints={"minimum": 4}),
        "/fields/0/constraints/minimum",
    ),
    "enum member of another type": (
        one(type="integer", constraints={"enum": [1, "x"]}),
        "/fields/0/constraints/enum",
    ),
    "empty enum": (one(constraints={"enum": []}), "/fields/0/constraints/enum"),
    "pattern of a number": (
        one(type="integer", constraints={"pattern": "1"}),
        "/fields/0/constraints/pattern",
    ),
    "look-ahead": (
        one(type="string", constraints={"pattern": "(?=a)a"}),
        "/fields/0/constraints/pattern",
    ),
    "back-reference": (
        one(type="string", constraints={"pattern": r"(a)\1"}),
        "/fields/0/constraints/pattern",
    ),
    "pattern that is half of one": (
        one(type="string", constraints={"pattern": "a)|(?:b"}),
        "/fields/0/constraints/pattern",
    ),
    "pattern that is too long": (
        one(type="string", constraints={"pattern": "a" * 1001}),
        "/fields/0/constraints/pattern",
    ),
    "pattern that explodes": (
        one(type="string", constraints={"pattern": "((a{1000}){1000}){10}"}),
        "/fields/0/constraints/pattern",
    ),
    "missingValues that are no strings": (one() | {"missingValues": [1]}, "/missingValues"),
    "labelled without value": (one() | {"missingValues": [{"label": "x"}]}, "/missingValues/0"),
    "true that is false too": (
        one(type="boolean", trueValues=["x"], falseValues=["x"]),
        "/fields/0/falseValues",
    ),
    "one sign for two things": (
        one(type="number", groupChar=",", decimalChar=","),
        "/fields/0/groupChar",
    ),
    "digit as group sign": (one(type="number", groupChar="0"), "/fields/0/groupChar"),
    "categories of a date": (one(type="date", categories=["x"]), "/fields/0/categories"),
    "category of another type": (one(type="integer", categories=["x"]), "/fields/0/categories"),
    "unknown step": (one(transforms=["shout"]), "/fields/0/transforms/0"),
    "two steps in one": (one(transforms=[{"trim": {}, "case": {}}]), "/fields/0/transforms/0"),
    "unknown option": (one(transforms=[{"trim": {"left": True}}]), "/fields/0/transforms/0"),
    "option of another kind": (
        one(transforms=[{"null_if": {"values": "x"}}]),
        "/fields/0/transforms/0",
    ),
    "step without its option": (one(transforms=["trim", "default"]), "/fields/0/transforms/1"),
    "any date in a step": (
        one(type="date", transforms=[{"date": {"formats": ["any"]}}]),
        "/fields/0/transforms/0",
    ),
    "dates of a string": (
        one(type="string", transforms=[{"date": {"formats": ["%Y"]}}]),
        "/fields/0/transforms/0",
    ),
    "numbers of a date": (one(type="date", transforms=["number"]), "/fields/0/transforms/0"),
    "look-behind in a step": (
        one(transforms=[{"extract": {"pattern": "(?<=a)b"}}]),
        "/fields/0/transforms/0",
    ),
    "a group that is not there": (
        one(transforms=[{"extract": {"pattern": "(a)", "group": 2}}]),
        "/fields/0/transforms/0",
    ),
    "joined unknown fields": (
        one(transforms=[{"concat": {"fields": ["b"]}}]),
        "/fields/0/transforms/0/concat/fields",
    ),
    "no JSON Schema": (
        one(type="object", constraints={"jsonSchema": {"type": "thing"}}),
        "/fields/0/constraints/jsonSchema",
    ),
    "JSON Schema from the net": (
        one(type="object", constraints={"jsonSchema": {"$ref": "https://example.com/x"}}),
        "/fields/0/constraints/jsonSchema",
    ),
    "JSON Schema with look-ahead": (
        one(type="object", constraints={"jsonSchema": {"pattern": "(?=a)"}}),
        "/fields/0/constraints/jsonSchema",
    ),
    "JSON Schema of a string": (
        one(type="string", constraints={"jsonSchema": {}}),
        "/fields/0/constraints/jsonSchema",
    ),
    "enum beyond the categories": (
        one(type="string", categories=["a"], constraints={"enum": ["a", "b"]}),
        "/fields/0/constraints/enum",
    ),
    "itemType": (one(type="list", itemType="object"), "/fields/0/itemType"),
    "key of an unknown field": (one() | {"primaryKey": ["b"]}, "/primaryKey"),
    "key with a field twice": (one() | {"primaryKey": ["a", "a"]}, "/primaryKey"),
    "unique key of an unknown field": (one() | {"uniqueKeys": [["b"]]}, "/uniqueKeys/0"),
    "foreign key without reference": (
        one() | {"foreignKeys": [{"fields": ["a"]}]},
        "/foreignKeys/0",
    ),
    "foreign key of another length": (
        one() | {"foreignKeys": [{"fields": ["a"], "reference": {"resource": "b", "fields": []}}]},
        "/foreignKeys/0/reference/fields",
    ),
    "lookup without its field": (one(lookup={"type": "b"}), "/fields/0/lookup"),
    "lookup with a word unknown": (
        one(lookup={"type": "b", "by": "x", "mising": "null"}),
        "/fields/0/lookup",
    ),
    "lookup that does something else": (
        one(lookup={"type": "b", "by": "x", "missing": "skip"}),
        "/fields/0/lookup/missing",
    ),
    "lookup in a number": (one(type="number", lookup={"type": "b", "by": "x"}), "/fields/0/lookup"),
    "lookup that may miss what is required": (
        one(lookup={"type": "b", "by": "x", "missing": "null"}, constraints={"required": True}),
        "/fields/0/lookup/missing",
    ),
    "dedupe of an unknown field": (one() | {"dedupe": {"fields": "b"}}, "/dedupe/fields"),
    "dedupe by nothing": (one() | {"dedupe": {}}, "/dedupe/fields"),
    "dedupe with a word unknown": (one() | {"dedupe": {"by": "a"}}, "/dedupe"),
    "dedupe that does something else": (
        one() | {"dedupe": {"fields": "a", "keep": "longest"}},
        "/dedupe/keep",
    ),
    "dedupe that keeps the last": (
        one() | {"dedupe": {"fields": "a", "keep": "last"}},
        "/dedupe/keep",
    ),
    "fieldsMatch": (one() | {"fieldsMatch": "some"}, "/fieldsMatch"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_kept_is_refused_with_its_place(case: str) -> None:
    document, pointer = REFUSED[case]
    with pytest.raises(InvalidSchema) as caught:
        parse(document)
    assert caught.value.message.startswith(f"{pointer}: ")


def test_the_refusal_of_any_says_why() -> None:
    with pytest.raises(InvalidSchema, match="guesswork"):
        parse(one(type="date", format="any"))


def test_the_refusal_of_a_format_says_what_is_allowed() -> None:
    with pytest.raises(InvalidSchema, match=r"%c is not allowed in a date; allowed are %Y, %y, %m"):
        parse(one(type="date", format="%c"))


def test_bounds_may_be_written_as_json_values_or_as_text_of_the_field() -> None:
    parse(one(type="number", decimalChar=",", constraints={"minimum": 0.5, "maximum": "1,5"}))
    parse(one(type="date", format="%d/%m/%Y", constraints={"minimum": "01/02/2023"}))
    parse(one(type="boolean", constraints={"enum": [True]}))


@pytest.mark.parametrize("kind", [kind.value for kind in FieldType])
def test_every_type_of_the_standard_is_known(kind: str) -> None:
    assert parse(one(type=kind)).fields[0].type.value == kind
