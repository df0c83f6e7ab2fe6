"""No text makes the validator fail or stall: every row is kept or has its errors."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowport.engine import schema_document
from rowport.engine.validation import Validator

FIELDS: list[dict[str, Any]] = [
    {"type": "integer", "groupChar": ","},
    {"type": "integer", "bareNumber": False, "constraints": {"minimum": -5}},
    {"type": "number", "decimalChar": ",", "groupChar": "."},
    {"type": "number", "bareNumber": False, "constraints": {"enum": [1, "2.5"]}},
    {"type": "boolean", "constraints": {"enum": [True]}},
    {"type": "date", "constraints": {"maximum": "2024-01-01"}},
    {"type": "date", "transforms": [{"date": {"formats": ["%d/%m/%y", "%j %Y", "default"]}}]},
    {"type": "datetime"},
    {"type": "datetime", "format": "%Y-%m-%dT%H:%M:%S.%f%z"},
    {"type": "time", "format": "%I:%M %p"},
    {"type": "year", "constraints": {"minimum": 0}},
    {"type": "yearmonth", "constraints": {"minimum": "2000-01"}},
    {"type": "duration", "constraints": {"maximum": "P1Y"}},
    {"type": "geopoint"},
    {"type": "geopoint", "format": "array"},
    {"type": "geopoint", "format": "object"},
    {"type": "geojson"},
    {"type": "geojson", "format": "topojson"},
    {"type": "object", "constraints": {"jsonSchema": {"maxProperties": 3}, "minLength": 1}},
    {"type": "array", "constraints": {"jsonSchema": {"items": {"multipleOf": 0.1}}}},
    {"type": "list", "itemType": "datetime"},
    {"type": "list", "itemType": "number", "delimiter": ";"},
    {"type": "string", "format": "email"},
    {"type": "string", "format": "uri"},
    {"type": "string", "format": "binary"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "constraints": {"pattern": "(a+)+b"}, "transforms": ["trim", "url"]},
    {"type": "any"},
]
PIECES = ("0", "9", "-", "+", ".", ",", "e", "E", ":", "/", "T", "Z", "P", '"', "{", "}", "[", "]")
CELLS = st.one_of(
    st.text(),
    st.text(alphabet="".join(PIECES) + " \n\0é٣"),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.sampled_from(['{"a":', "[1,", "1e999999", "P1Y", "9999-12-31T24:00:00", "0001-01-01", "-"]),
)


@pytest.mark.parametrize("field", FIELDS, ids=str)
@settings(max_examples=12)
@given(cells=st.lists(CELLS.filter(lambda text: text.isprintable() or text.isascii()), max_size=12))
def test_any_text_is_read_or_is_an_error_of_its_row(
    field: dict[str, Any], cells: list[str]
) -> None:
    schema = schema_document.parse({"fields": [{"name": "a", **field}]})
    rows = pa.array(range(len(cells)), pa.int64())
    found = Validator(schema, ["a"]).run(pa.table({"a": pa.array(cells, pa.string())}), rows)
    failed = set(found.errors["row"].to_pylist())
    assert failed.isdisjoint(found.row.to_pylist())
    assert len(failed) + len(found.row) == len(cells)


LONG = {
    "digits": "1" * 300_000,
    "signs": "-" * 300_000,
    "groups": "1," * 100_000,
    "dots": "a." * 100_000,
    "mail": "a" * 100_000 + "@" + "é." * 100_000 + "com",
    "brackets": "[" * 300_000,
    "members": '{"a":' * 50_000,
    "blanks": " " * 300_000,
    "pattern": "a" * 300_000,
    "uri": "http:" + "%20" * 100_000,
}


@pytest.mark.parametrize("cell", LONG)
def test_a_cell_of_many_characters_takes_no_more_than_seconds(cell: str) -> None:
    fields = [{"name": str(place), **field} for place, field in enumerate(FIELDS)]
    schema = schema_document.parse({"fields": fields})
    names = [field.name for field in schema.fields]
    table = pa.table({name: [LONG[cell]] for name in names})
    begin = time.process_time()
    found = Validator(schema, names).run(table, pa.array([1], pa.int64()))
    assert time.process_time() - begin < 5
    assert found.errors.num_rows > 0
