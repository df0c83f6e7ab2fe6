"""The validator as a whole: all errors of a row, in order, and the typed rows without any."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from rowport.engine import schema_document
from rowport.engine.tables import ERRORS_SCHEMA
from rowport.engine.validation import ARROW_TYPES, Validated, Validator
from rowport.model.table_schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(
    fields: Sequence[object],
    *rows: tuple[str | None, ...],
    key: tuple[str, ...] = (),
    first: int = 1,
    **more: object,
) -> Validated:
    schema = schema_document.parse({"fields": list(fields), **more})
    names = [field.name for field in schema.fields]
    columns = [[row[i] for row in rows] for i in range(len(names))]
    cells = pa.table([pa.array(column, pa.string()) for column in columns], names=names)
    numbers = pa.array(range(first, first + len(rows)), pa.int64())
    return Validator(schema, names, key=key).run(cells, numbers)


def test_rows_are_typed_and_numbered() -> None:
    found = run(
        [{"name": "a", "type": "integer"}, {"name": "b", "type": "string"}],
        ("1", "x"),
        ("no", "y"),
        ("", ""),
        first=41,
    )
    assert found.rows.to_pylist() == [{"a": 1, "b": "x"}, {"a": None, "b": None}]
    assert found.row.to_pylist() == [41, 43]
    assert found.errors.to_pylist() == [
        {
            "row": 42,
            "field": "a",
            "code": "type-error",
            "value": "no",
            "message": '"no" is not a whole number',
        }
    ]
    assert found.errors.schema == ERRORS_SCHEMA


def test_all_errors_of_a_row_are_collected_by_row_then_by_the_fields_place() -> None:
    fields = [
        {"name": "z", "type": "string", "constraints": {"minLength": 3, "enum": ["abc"]}},
        {"name": "b", "type": "integer", "constraints": {"minimum": 0}},
        {"name": "a", "type": "date", "format": "%d/%m/%Y", "constraints": {"required": True}},
    ]
    found = run(fields, ("x", "-5", ""), ("abc", "1", "31/02/2023"), ("abc", "1", "01/02/2023"))
    told = [(e["row"], e["field"], e["code"], e["message"]) for e in found.errors.to_pylist()]
    assert told == [
        (1, "z", "constraint-error", '"x" must have at least 3 characters'),
        (1, "z", "constraint-error", '"x" is not one of abc'),
        (1, "b", "constraint-error", "-5 is below the minimum 0"),
        (1, "a", "constraint-error", "a is required"),
        (2, "a", "type-error", '"31/02/2023" is not a date of the form %d/%m/%Y'),
    ]
    assert found.row.to_pylist() == [3]


def test_only_the_chosen_fields_are_read_and_errors_keep_the_order_of_the_schema() -> None:
    schema = schema_document.parse(
        {"fields": [{"name": n, "type": "integer"} for n in ("a", "b", "c")]}
    )
    cells = pa.table({"c": ["x"], "a": ["y"]})
    found = Validator(schema, ["c", "a"]).run(cells, pa.array([7], pa.int64()))
    assert found.errors["field"].to_pylist() == ["a", "c"]


def test_an_empty_cell_of_the_key_is_a_primary_key_error() -> None:
    fields = [{"name": "id"}, {"name": "no", "constraints": {"required": True}}]
    by_schema = run(fields, ("", "1"), ("a", "1"), primaryKey="id")
    by_import = run(fields, ("a", ""), ("a", "1"), key=("no",))
    assert by_schema.errors["code"].to_pylist() == ["primary-key"]
    assert by_import.errors["code"].to_pylist() == ["primary-key"]
    assert by_import.errors["message"].to_pylist() == ["no is required because it is in the key"]


def test_a_cell_that_does_not_exist_is_empty() -> None:
    found = run([{"name": "a", "constraints": {"required": True}}], (None,))
    assert found.errors["value"].to_pylist() == [None]
    assert run([{"name": "a"}], (None,), missingValues=[]).rows["a"].to_pylist() == [None]


def test_nul_in_any_cell_is_its_own_error() -> None:
    found = run([{"name": "a", "type": "integer"}, {"name": "b"}], ("1\0", "\0"), ("2", "b"))
    assert found.errors["code"].to_pylist() == ["nul-character", "nul-character"]
    assert found.row.to_pylist() == [2]


def test_nul_in_another_part_of_a_sliced_table_is_no_error() -> None:
    schema = schema_document.parse({"fields": [{"name": "a"}]})
    whole = pa.table({"a": ["\0", "b", "\0"]})
    found = Validator(schema, ["a"]).run(whole.slice(1, 1), pa.array([2], pa.int64()))
    assert found.rows["a"].to_pylist() == ["b"]


def test_missing_values_of_a_field_replace_those_of_the_schema() -> None:
    fields = [
        {"name": "a", "type": "integer", "missingValues": ["-"]},
        {"name": "b", "type": "integer"},
        {"name": "c", "type": "string", "missingValues": []},
    ]
    found = run(fields, ("-", "n/a", ""), ("n/a", "1", "x"), missingValues=["", "n/a"])
    assert found.rows.to_pylist() == [{"a": None, "b": None, "c": ""}]
    assert found.errors["field"].to_pylist() == ["a"]


def test_numbers_have_the_most_decimals_that_were_typed_in_the_chunk() -> None:
    found = run([{"name": "a", "type": "number"}], ("1.50",), ("2",), ("1.5e-2",), ("",))
    assert found.rows.schema.field("a").type == pa.decimal128(38, 3)
    assert found.rows["a"].to_pylist() == [
        Decimal("1.500"),
        Decimal("2.000"),
        Decimal("0.015"),
        None,
    ]


def test_numbers_too_far_apart_for_one_decimal128_stay_exact() -> None:
    fields = [{"name": "a", "type": "number", "constraints": {"maximum": 10, "enum": [10, 2]}}]
    wide = [{"name": "a", "type": "number", "constraints": {"minimum": "1e-30"}}]
    found = run(wide, ("6.02214076e+23",), ("1.602176634e-19",), ("",), ("0",))
    assert found.rows["a"].to_pylist() == [
        602214076 * Decimal(10) ** 15,
        Decimal("0.0000000000000000001602176634"),
        None,
    ]
    assert found.errors["message"].to_pylist() == ["0 is below the minimum 1e-30"]
    assert run(fields, ("10.0",), ("3",)).errors["row"].to_pylist() == [2]


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ({"minimum": 3}, "3", "2.999"),
        ({"exclusiveMinimum": 3}, "3.001", "3"),
        ({"maximum": "3.5"}, "3.50", "3.51"),
        ({"exclusiveMaximum": 3.5}, "3.49", "3.5"),
        ({"enum": [1.5, "2"]}, "2.00", "3"),
        ({"enum": list(range(30))}, "29.0", "30"),
    ],
)
def test_bounds_of_numbers(rule: dict[str, Any], good: str, bad: str) -> None:
    found = run([{"name": "a", "type": "number", "constraints": rule}], (good,), (bad,))
    assert found.row.to_pylist() == [1]
    assert found.errors["code"].to_pylist() == ["constraint-error"]


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ({"type": "date", "constraints": {"minimum": "2024-01-01"}}, "2024-01-01", "2023-12-31"),
        (
            {"type": "datetime", "constraints": {"maximum": "2024-01-01T12:00:00Z"}},
            "2024-01-01T12:00:00",
            "2024-01-01T12:00:01",
        ),
        ({"type": "time", "constraints": {"exclusiveMaximum": "12:00:00"}}, "11:59:59", "12:00:00"),
        ({"type": "year", "constraints": {"minimum": 2000}}, "2000", "1999"),
        ({"type": "yearmonth", "constraints": {"minimum": "2000-02"}}, "12000-01", "2000-01"),
        ({"type": "string", "constraints": {"pattern": "a|b"}}, "b", "ab"),
        ({"type": "string", "constraints": {"maxLength": 2}}, "üé", "abc"),
        ({"type": "array", "constraints": {"minLength": 2}}, "[1,2]", "[1]"),
        ({"type": "object", "constraints": {"maxLength": 1}}, '{"a":1}', '{"a":1,"b":2}'),
        ({"type": "list", "constraints": {"minLength": 2}}, "a,b", "a"),
        ({"type": "integer", "categories": [{"value": 1, "label": "one"}, {"value": 2}]}, "1", "3"),
        ({"type": "string", "categories": ["x", "y"]}, "x", "z"),
        ({"type": "boolean", "constraints": {"enum": [True]}}, "1", "0"),
        (
            {"type": "date", "format": "%d/%m/%Y", "constraints": {"enum": ["01/02/2023"]}},
            "1/2/2023",
            "02/01/2023",
        ),
        ({"type": "object", "constraints": {"enum": [{"a": 1}]}}, '{"a": 1}', '{"a": 2}'),
        ({"type": "duration", "constraints": {"minimum": "P1M"}}, "P31D", "P30D"),
        ({"type": "duration", "constraints": {"exclusiveMaximum": "PT1H"}}, "-P9Y", "PT60M"),
        (
            {"type": "object", "constraints": {"jsonSchema": {"required": ["a"]}}},
            '{"a": 1.5}',
            '{"b": 1}',
        ),
        (
            {"type": "array", "constraints": {"jsonSchema": {"items": {"multipleOf": 0.1}}}},
            "[0.3, 1e3]",
            "[0.35]",
        ),
    ],
)
def test_constraints_look_at_the_value(field: dict[str, Any], good: str, bad: str) -> None:
    found = run([{"name": "a", **field}], (good,), (bad,), ("",))
    assert found.row.to_pylist() == [1, 3]
    assert found.errors["code"].to_pylist() == ["constraint-error"]


def test_the_sentence_of_a_json_schema_says_where_and_why() -> None:
    rule = {"properties": {"v": {"type": "integer"}, "w": {"pattern": "^[a-z]+$"}}}
    field = {"name": "a", "type": "object", "constraints": {"jsonSchema": rule}}
    found = run([field], ('{"v": 1.0, "w": "x"}',), ('{"v":1.5}',), ('{"w":"1"}',))
    assert found.row.to_pylist() == [1]
    assert found.errors["message"].to_pylist() == [
        '"{"v":1.5}" breaks the JSON Schema: v: 1.5 is not of type \'integer\'',
        '"{"w":"1"}" breaks the JSON Schema: w: \'1\' does not match \'^[a-z]+$\'',
    ]


def test_a_json_schema_that_refers_to_itself_without_end_fails_the_row_only() -> None:
    field = {"name": "a", "type": "object", "constraints": {"jsonSchema": {"$ref": "#"}}}
    assert run([field], ("{}",)).errors["code"].to_pylist() == ["constraint-error"]


def test_a_long_cell_is_shortened_in_the_sentence_but_not_in_the_value() -> None:
    long = "x" * 5000
    found = run([{"name": "a", "type": "integer"}], (long,))
    assert found.errors["value"].to_pylist() == [long]
    assert len(found.errors["message"][0].as_py()) < 200


def test_every_type_has_its_arrow_column() -> None:
    kinds = list(FieldType)
    found = run([{"name": kind.value, "type": kind.value} for kind in kinds], ("",) * len(kinds))
    assert {kind: found.rows.schema.field(kind.value).type for kind in kinds} == dict(ARROW_TYPES)


def test_a_chunk_without_rows_gives_typed_columns_without_rows() -> None:
    found = run([{"name": "a", "type": "date"}, {"name": "b", "type": "number"}])
    assert (found.rows.num_rows, len(found.row), found.errors.num_rows) == (0, 0, 0)
    assert found.rows.schema.field("a").type == pa.date32()


def test_other_string_layouts_of_arrow_are_read_the_same() -> None:
    schema = schema_document.parse({"fields": [{"name": "a", "type": "integer"}]})
    validator = Validator(schema, ["a"])
    rows = pa.array([1, 2, 3], pa.int64())
    columns = [
        pa.chunked_array([["1"], ["x", "3"]], kind)
        for kind in (pa.string(), pa.large_string(), pa.string_view())
    ]
    for column in [*columns, columns[0].dictionary_encode()]:
        found = validator.run(pa.table({"a": column}), rows)
        assert found.rows["a"].to_pylist() == [1, 3]
    nothing = validator.run(pa.table({"a": pa.nulls(3)}), rows)
    assert nothing.rows["a"].to_pylist() == [None, None, None]
