"""Rules between fields are broken where they are false, and say nothing of missing values."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from rowport.engine import schema_document
from rowport.engine.validation import Validated, Validator
from rowport.model.errors import InvalidSchema

FIELDS = [
    {"name": "kind", "type": "string"},
    {"name": "email", "type": "string"},
    {"name": "phone", "type": "string"},
    {"name": "start", "type": "date"},
    {"name": "end", "type": "date"},
    {"name": "low", "type": "integer"},
    {"name": "high", "type": "number"},
    {"name": "point", "type": "geopoint"},
]


def run(rule: dict[str, Any], *rows: dict[str, str], columns: list[str] | None = None) -> Validated:
    schema = schema_document.parse({"fields": FIELDS, "rules": [rule]})
    names = columns or [field.name for field in schema.fields]
    cells = pa.table(
        {name: pa.array([row.get(name, "") for row in rows], pa.string()) for name in names}
    )
    return Validator(schema, names).run(cells, pa.array(range(1, len(rows) + 1), pa.int64()))


def test_dates_are_compared() -> None:
    found = run(
        {"compare": {"left": "end", "op": ">=", "right": "start"}},
        {"start": "2024-01-01", "end": "2024-01-01"},
        {"start": "2024-01-02", "end": "2024-01-01"},
        {"start": "2024-01-02"},
        {"start": "x", "end": "2024-01-01"},
    )
    assert [(e["row"], e["field"], e["code"], e["value"]) for e in found.errors.to_pylist()] == [
        (2, "end", "row-constraint", "2024-01-01"),
        (4, "start", "type-error", "x"),
    ]
    assert found.errors["message"][0].as_py() == "end (2024-01-01) must be >= start (2024-01-02)"


@pytest.mark.parametrize(("sign", "kept"), [("=", [2]), ("!=", [1, 3]), ("<", [1]), (">=", [2, 3])])
def test_integers_and_numbers_have_one_order(sign: str, kept: list[int]) -> None:
    rule = {"compare": {"left": "low", "op": sign, "right": "high"}}
    rows = [{"low": "1", "high": "1.5"}, {"low": "2", "high": "2.00"}, {"low": "3", "high": "2.9"}]
    assert run(rule, *rows).row.to_pylist() == kept


def test_numbers_that_no_decimal128_holds_together_are_compared_exactly() -> None:
    rule = {"compare": {"left": "low", "op": "<", "right": "high"}, "message": "low above high"}
    rows = [{"low": "5", "high": "6e23"}, {"low": "5", "high": "1e-30"}, {"low": "5"}]
    found = run(rule, *rows)
    assert found.errors["row"].to_pylist() == [2]
    assert found.errors["message"].to_pylist() == ["low above high"]


def test_a_field_is_required_where_another_says_so() -> None:
    rule = {"required_if": {"field": "email", "when": {"field": "kind", "in": ["a", "b"]}}}
    found = run(rule, {"kind": "a"}, {"kind": "c"}, {}, {"kind": "b", "email": "x"})
    assert found.errors.to_pylist() == [
        {
            "row": 1,
            "field": "email",
            "code": "row-constraint",
            "value": "",
            "message": "email is required because kind is a or b",
        }
    ]


def test_a_field_is_required_where_another_has_a_value() -> None:
    rule = {"required_if": {"field": "end", "when": {"field": "start"}}}
    assert run(rule, {"start": "2024-01-01"}, {}).errors["row"].to_pylist() == [1]


@pytest.mark.parametrize(
    ("count", "broken"), [("at_least_one", [1]), ("exactly_one", [1, 3]), ("at_most_one", [3])]
)
def test_one_of_several(count: str, broken: list[int]) -> None:
    rule = {"one_of": {"fields": ["email", "phone"], "count": count}}
    found = run(rule, {}, {"email": "x"}, {"email": "x", "phone": "y"})
    assert found.errors["row"].to_pylist() == broken
    assert set(found.errors["field"].to_pylist()) == {None}


def test_rules_look_at_the_columns_of_the_file_only() -> None:
    compare = {"compare": {"left": "end", "op": ">=", "right": "start"}}
    row = {"start": "2024-01-02", "end": "2024-01-01", "kind": "a"}
    assert run(compare, row, columns=["end"]).errors.num_rows == 0
    one_of = {"one_of": {"fields": ["email", "phone"]}}
    assert run(one_of, row, columns=["kind"]).errors.num_rows == 0
    assert run(one_of, row, columns=["email"]).errors.num_rows == 1


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"sql": "a < b"},
        {"compare": [], "message": "x"},
        {"compare": {"left": "start", "op": "<", "right": "end"}, "message": 5},
        {"compare": {"left": "start", "op": "~", "right": "end"}},
        {"compare": {"left": "start", "op": "<", "right": "low"}},
        {"compare": {"left": "kind", "op": "<", "right": "email"}},
        {"compare": {"left": "point", "op": ">", "right": "point"}},
        {"compare": {"left": "start", "op": "<", "right": "finish"}},
        {"required_if": {"field": "email"}},
        {"required_if": {"field": "email", "when": {"field": "low", "equals": "many"}}},
        {"required_if": {"field": "email", "when": {"field": "low", "in": 1}}},
        {"one_of": {"fields": ["email"]}},
        {"one_of": {"fields": ["email", "phone"], "count": "two"}},
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_used_is_refused_with_its_place(rule: dict[str, Any]) -> None:
    with pytest.raises(InvalidSchema, match=r"^/rules/0: "):
        schema_document.parse({"fields": FIELDS, "rules": [rule]})


def test_rules_are_an_array_of_objects() -> None:
    several: list[object] = [{}, ["x"]]
    for rules in several:
        with pytest.raises(InvalidSchema, match=r"^/rules"):
            schema_document.parse({"fields": FIELDS, "rules": rules})
