"""A file's columns meet the fields as `fieldsMatch` asks."""

from __future__ import annotations

import pytest

from rowport.engine.fields_match import check_columns
from rowport.engine.mapping import match
from rowport.engine.schema_document import parse
from rowport.model.errors import FieldsMismatch

ALL = ["a", "b", "c"]
MORE = [*ALL, "d"]
FEWER = ["a", "c"]
SWAPPED = ["a", "c", "b"]
FOREIGN = ["x", "y"]
MEETS = {
    None: [ALL, MORE, FEWER, SWAPPED, FOREIGN],
    "exact": [ALL],
    "equal": [ALL, SWAPPED],
    "subset": [ALL, MORE, SWAPPED],
    "superset": [ALL, FEWER, SWAPPED],
    "partial": [ALL, MORE, FEWER, SWAPPED],
}


def meets(word: str | None, header: list[str], given: dict[str, str] | None = None) -> bool:
    document: dict[str, object] = {"fields": [{"name": name} for name in ALL]}
    schema = parse(document | ({"fieldsMatch": word} if word else {}))
    mapping = match(header, schema, given or {})
    try:
        check_columns(mapping, schema)
    except FieldsMismatch:
        return False
    return not mapping.missing


@pytest.mark.parametrize("header", [ALL, MORE, FEWER, SWAPPED, FOREIGN], ids="-".join)
@pytest.mark.parametrize("word", MEETS)
def test_a_file_is_taken_exactly_if_it_has_the_columns_that_the_word_asks_for(
    word: str | None, header: list[str]
) -> None:
    assert meets(word, header) is (header in MEETS[word])


def test_columns_count_by_the_field_that_they_feed() -> None:
    assert meets("exact", ["A", "Bee", "c"], {"Bee": "b"})
    assert not meets("exact", ["Bee", "A", "c"], {"Bee": "b"})


@pytest.mark.parametrize("word", ["exact", "equal", "superset"])
def test_a_column_that_was_left_out_by_hand_does_not_count(word: str) -> None:
    assert not meets(word, MORE)
    assert meets(word, MORE, {"d": ""})


def test_the_refusal_names_the_columns_and_the_word() -> None:
    schema = parse({"fields": [{"name": "a"}], "fieldsMatch": "superset"})
    with pytest.raises(FieldsMismatch, match=r"fieldsMatch superset .*'extra'"):
        check_columns(match(["a", "extra"], schema, {}), schema)


def test_the_refusal_of_an_order_tells_both_orders() -> None:
    schema = parse({"fields": [{"name": "a"}, {"name": "b"}], "fieldsMatch": "exact"})
    with pytest.raises(FieldsMismatch, match=r"'a', 'b'; the file has 'b', 'a'"):
        check_columns(match(["b", "a"], schema, {}), schema)
