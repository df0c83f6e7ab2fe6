"""Create requests: what is taken, and what is refused where."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.dialects.micro.bodies import MOST_ROWS, understand
from rowport.dialects.micro.creating import options_of
from rowport.dialects.micro.errors import InvalidRequest, PayloadTooLarge
from rowport.dialects.micro.facets import object_type_of, threshold_of
from rowport.dialects.micro.properties import definitions, options
from rowport.engine.schema_document import parse
from rowport.model.imports import KeyRules, Mode, OnMatch
from rowport.model.record_types import RecordType
from rowport.model.table_schema import FieldType

LIST: Final = "0193f0a1-7c2e-7000-8000-00000000000a"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
DOCUMENT: Final[dict[str, object]] = {
    "fields": [
        {"name": "name", "type": "string", "title": "Name"},
        {"name": "stage", "type": "string", "constraints": {"enum": ["lead", "won"]}},
        {"name": "value", "type": "number"},
        {"name": "tags", "type": "array"},
        {"name": "words", "type": "list", "delimiter": ";"},
        {"name": "crm_note", "type": "string"},
    ]
}
DEAL: Final = RecordType(
    id=UUID(int=7),
    oid="0" * 24,
    organization_id=UUID(int=8),
    name="deals",
    version=1,
    schema=parse(DOCUMENT),
    key=(),
    table_schema="data_x",
    table_name="deals",
    attributes={"micro": {"object_type": "deal", "lists": {LIST: {"note": "crm_note"}}}},
    created_at=NOW,
    updated_at=NOW,
)
EMPTY: Final = dict.fromkeys(("name", "stage", "value", "tags", "words", "crm_note"))


def taken(*objects: object, **said: object) -> Any:  # noqa: ANN401  what the body says
    return understand(json.dumps({"objects": list(objects), "options": said}).encode(), DEAL)


def refused(body: object) -> dict[str, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(InvalidRequest) as raised:
        understand(data, DEAL)
    return {i.field: i.document["code"] for i in raised.value.issues}  # type: ignore[misc]  # text


def test_a_row_has_every_field_and_what_is_not_sent_is_empty() -> None:
    assert taken({"default": {"name": "A"}}).rows == [{**EMPTY, "name": "A"}]
    assert taken().rows == []


def test_numbers_keep_their_digits() -> None:
    body = b'{"objects": [{"default": {"value": 1.10000000000000000001}}]}'
    assert understand(body, DEAL).rows[0]["value"] == "1.10000000000000000001"
    assert taken({"default": {"value": 10**30}}).rows[0]["value"] == 10**30


def test_an_option_may_be_given_by_its_id() -> None:
    ids = {slug: key for key, slug in options(DEAL, DEAL.schema.field("stage")).items()}
    row = taken({"default": {"stage": ids["won"]}}).rows[0]
    assert row["stage"] == "won"
    assert taken({"default": {"stage": "won"}}).rows[0]["stage"] == "won"


def test_arrays_go_where_arrays_are_held() -> None:
    row = taken({"default": {"tags": ["a", 1, 1.5, None], "words": ["a", "b"]}}).rows[0]
    assert row["tags"] == ["a", 1, 1.5, None]
    assert row["words"] == "a;b"


def test_properties_of_a_list_need_its_id() -> None:
    row = taken({"list": {"note": "x"}, "default": {}}, list_id=LIST.upper())
    assert row.rows[0]["crm_note"] == "x"
    assert row.list_id == LIST
    body = {"objects": [{"default": {}, "list": {"note": "x"}}]}
    assert refused(body) == {
        ".body.objects[0].list.note": "additionalProperties.openapi.validation"
    }


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (b"", ".body", "format"),
        (b"{", ".body", "format"),
        (b"\xff", ".body", "format"),
        (b"[" * 100_000, ".body", "format"),
        (b'{"objects": [' + b"9" * 5000 + b"]}", ".body", "format"),
        ([], ".body", "type"),
        (None, ".body", "type"),
        ({}, ".body.objects", "required"),
        ({"objects": None}, ".body.objects", "type"),
        ({"objects": {}}, ".body.objects", "type"),
        ({"objects": [], "more": 1}, ".body.more", "additionalProperties"),
        ({"objects": [], "options": None}, ".body.options", "type"),
        ({"objects": [], "options": {"x": 1}}, ".body.options.x", "additionalProperties"),
        ({"objects": [], "options": {"dedupe_by": 1}}, ".body.options.dedupe_by", "type"),
        ({"objects": [], "options": {"dedupe_by": "no"}}, ".body.options.dedupe_by", "enum"),
        ({"objects": [], "options": {"dedupe_by": "tags"}}, ".body.options.dedupe_by", "enum"),
        (
            {"objects": [], "options": {"caseInsensitive": "true"}},
            ".body.options.caseInsensitive",
            "type",
        ),
        ({"objects": [], "options": {"list_id": "1"}}, ".body.options.list_id", "format"),
        ({"objects": [], "options": {"list_id": None}}, ".body.options.list_id", "type"),
        ({"objects": [1]}, ".body.objects[0]", "type"),
        ({"objects": [{}]}, ".body.objects[0].default", "required"),
        ({"objects": [{"default": []}]}, ".body.objects[0].default", "type"),
        (
            {"objects": [{"default": {}, "extended": {}}]},
            ".body.objects[0].extended",
            "additionalProperties",
        ),
        (
            {"objects": [{"default": {}}, {"default": {"nope": 1}}]},
            ".body.objects[1].default.nope",
            "additionalProperties",
        ),
        ({"objects": [{"default": {"name": {}}}]}, ".body.objects[0].default.name", "type"),
        ({"objects": [{"default": {"name": ["a"]}}]}, ".body.objects[0].default.name", "type"),
        ({"objects": [{"default": {"words": ["a;"]}}]}, ".body.objects[0].default.words", "type"),
    ],
)
def test_what_does_not_fit_is_refused_where_it_stands(body: object, field: str, rule: str) -> None:
    assert refused(body) == {field: f"{rule}.openapi.validation"}


def test_all_places_that_do_not_fit_are_told() -> None:
    assert len(refused({"objects": [{"default": {"x": 1, "y": 2}}, 3]})) == 3


def test_more_rows_than_are_taken_at_once_are_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        taken(*[{"default": {}}] * (MOST_ROWS + 1))


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), st.lists))
def test_no_value_is_taken_for_something_else_or_breaks_the_reader(value: object) -> None:
    try:
        row = taken({"default": {"name": value}}).rows[0]
    except InvalidRequest:
        assert isinstance(value, list)
    else:
        assert row["name"] == value


def test_a_dedupe_key_leaves_existing_records_alone_and_folds_case_by_default() -> None:
    chosen = options_of(taken(dedupe_by="name"))
    assert (chosen.key, chosen.mode, chosen.on_match) == (("name",), Mode.UPSERT, OnMatch.SKIP)
    assert chosen.key_rules == KeyRules(
        folds_case=True, skips_repeats=True, creates_keyless=True, takes_any_field=True
    )
    exact = options_of(taken(dedupe_by="name", caseInsensitive=False))
    assert not exact.key_rules.folds_case


def test_without_a_dedupe_key_every_row_is_meant_to_be_new() -> None:
    chosen = options_of(taken())
    assert (chosen.key, chosen.mode, chosen.key_rules) == ((), Mode.INSERT, KeyRules())


def test_definitions_tell_slug_name_type_and_options_under_their_id() -> None:
    found: dict[str, Any] = definitions(DEAL)
    told = {value["slug"]: value for value in found.values()}
    assert list(told) == ["name", "stage", "value", "tags", "words"]
    assert {slug: value["type"] for slug, value in told.items()} == {
        "name": "str",
        "stage": "select_str",
        "value": "num",
        "tags": "multi_str",
        "words": "multi_str",
    }
    assert told["name"]["name"] == "Name"
    assert [option["slug"] for option in told["stage"]["options"]] == ["lead", "won"]
    assert all(value["id"] == key for key, value in found.items())


def test_definitions_of_a_list_come_with_its_id_and_a_term_filters() -> None:
    both: dict[str, Any] = definitions(DEAL, list_id=LIST)
    assert [v["slug"] for v in both.values() if v["crm_id"] == LIST] == ["note"]
    assert len(definitions(DEAL, term="NAM")) == 1
    assert definitions(DEAL, term="zzz") == {}


@pytest.mark.parametrize("kind", FieldType)
def test_every_type_of_field_has_a_word(kind: FieldType) -> None:
    from rowport.dialects.micro.properties import WORDS  # noqa: PLC0415  only here

    assert kind in WORDS


@pytest.mark.parametrize(
    "facet", [None, "contact", {}, {"object_type": "event"}, {"object_type": 1}]
)
def test_a_facet_that_is_none_is_ignored(facet: object) -> None:
    assert object_type_of({"micro": facet}) is None


def test_an_organization_can_choose_from_where_imports_are_asynchronous() -> None:
    assert threshold_of({"micro": {"async_from": 3}}, 100) == 3
    assert threshold_of({"micro": {"async_from": True}}, 100) == 100
    assert threshold_of({}, 100) == 100
