"""Columns meet fields by name, alias and title; never by guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.mapping import check_given, folded, match
from rowport.model.errors import InvalidOptions
from rowport.model.table_schema import Constraints, Field, TableSchema

OUTLETS = TableSchema(
    fields=(
        Field(name="external_id", aliases=("Outlet No.", "SAP")),
        Field(name="name", title="Outlet name", titles={"de": "Filialname"}),
        Field(name="email", constraints=Constraints(required=True)),
        Field(name="city"),
    ),
    primary_key=("external_id",),
)


def test_the_exact_name_wins_over_everything_that_looks_like_it() -> None:
    found = match(["NAME", "name", "Name"], OUTLETS, {})
    assert found.columns == {1: "name"}
    assert found.unmapped == ("NAME", "Name")


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        ("External ID", "external_id"),
        ("external-id", "external_id"),
        ("EXTERNALID", "external_id"),
        ("outlet no", "external_id"),
        ("sap", "external_id"),
        ("OUTLET NAME", "name"),
        ("filialname", "name"),
        ("E-Mail:", "email"),
        (" city ", "city"),
        ("\uff43\uff49\uff54\uff59", "city"),
    ],
)
def test_case_blanks_and_punctuation_do_not_matter(cell: str, field: str) -> None:
    assert match([cell], OUTLETS, {}).by_header == {cell: field}


@pytest.mark.parametrize("cell", ["mail", "citys", "id", "", "---"])
def test_nothing_is_guessed(cell: str) -> None:
    assert match([cell], OUTLETS, {}).columns == {}


def test_a_field_takes_the_first_of_equal_columns() -> None:
    assert match(["City", "CITY"], OUTLETS, {}).columns == {0: "city"}


def test_what_is_given_by_hand_wins() -> None:
    found = match(["city", "name", "x"], OUTLETS, {"city": "name", "x": "city"})
    assert found.by_header == {"city": "name", "x": "city"}
    assert found.mapped == ("name", "city")


def test_a_column_can_be_left_out_by_hand() -> None:
    assert match(["city"], OUTLETS, {"city": ""}).columns == {}


def test_fields_that_must_have_a_value_and_have_no_column_are_missing() -> None:
    assert match(["name"], OUTLETS, {}).missing == ("external_id", "email")
    assert match(["name", "SAP", "email"], OUTLETS, {}, key=["city"]).missing == ("city",)


@pytest.mark.parametrize(
    ("by_hand", "words"),
    [
        ({"nope": "city"}, "no column 'nope'; its columns are 'city', 'x'"),
        ({"city": "town"}, "no field 'town' for column 'city'; the fields are 'external_id'"),
        ({"city": "name", "x": "name"}, "columns 'city' and 'x' are both given for field 'name'"),
    ],
)
def test_a_mapping_by_hand_that_cannot_be_is_refused(by_hand: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidOptions, match=words):
        match(["city", "x"], OUTLETS, by_hand)


def test_a_mapping_by_hand_can_be_checked_without_the_file() -> None:
    check_given(OUTLETS, {"anything": "city", "else": ""})
    with pytest.raises(InvalidOptions, match="no field 'town'"):
        check_given(OUTLETS, {"anything": "town"})


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_header_gives_each_field_at_most_one_column(header: list[str]) -> None:
    found = match(header, OUTLETS, {})
    assert len(set(found.mapped)) == len(found.mapped)
    assert len(found.unmapped) + len(found.mapped) == len(header)
    assert found == match(header, OUTLETS, {})


@given(st.text(alphabet="abcÄß_- 1", max_size=8))
def test_folding_forgets_case_blanks_and_punctuation(text: str) -> None:
    assert folded(f" {text.upper()}_") in {folded(text), f" {text.upper()}_"}


def test_where_nothing_is_matched_by_name_only_what_is_given_is_imported() -> None:
    found = match(["name", "Mail", "city"], OUTLETS, {"Mail": "email"}, by_name=False)
    assert found.columns == {1: "email"}
    assert found.missing == ("external_id",)
    assert not found.is_complete(by_name=False)


def test_where_nothing_is_matched_by_name_no_column_is_no_mapping() -> None:
    free = TableSchema(fields=(Field(name="name"),))
    assert not match(["name"], free, {}, by_name=False).is_complete(by_name=False)
    assert match(["x"], free, {}).is_complete()
