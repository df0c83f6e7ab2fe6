"""Transforms change the text of a cell before it is read; the error keeps the raw cell."""

from __future__ import annotations

import pyarrow as pa
import pytest

from rowport.engine import schema_document
from rowport.engine.validation import Validated, Validator


def run(steps: list[object], *cells: str | None, **field: object) -> Validated:
    schema = schema_document.parse(
        {
            "fields": [
                {"name": "a", "type": "string", "transforms": steps, **field},
                {"name": "b"},
                {"name": "c"},
            ],
            "missingValues": ["", "NA"],
        }
    )
    table = pa.table(
        {
            "a": pa.array(cells, pa.string()),
            "b": pa.array(["Ann"] * len(cells), pa.string()),
            "c": pa.array(["NA"] * len(cells), pa.string()),
        }
    )
    numbers = pa.array(range(1, len(cells) + 1), pa.int64())
    return Validator(schema, ["a", "b", "c"]).run(table, numbers)


@pytest.mark.parametrize(
    ("steps", "cell", "value"),
    [
        (["trim"], " x  y\u00a0\t", "x  y"),
        (["trim"], " NA ", None),
        (["collapse"], " x \n y ", "x y"),
        ([{"case": {"to": "lower"}}], "ÄB", "äb"),
        ([{"case": {"to": "upper"}}], "äß", "ÄSS"),
        ([{"case": {"to": "title"}}], "new york", "New York"),
        (["strip_accents"], "Žluťoučký Ñ", "Zlutoucky N"),
        (["strip_accents"], "हिन्दी", "हिन्दी"),
        ([{"null_if": {"values": ["-", "?"]}}], "-", None),
        ([{"null_if": {"values": ["-", "?"]}}], "--", "--"),
        ([{"map": {"values": {"m": "male"}}}], "m", "male"),
        ([{"map": {"values": {"m": "male"}}}], "x", "x"),
        ([{"map": {"values": {"m": "male"}, "others": "null"}}], "x", None),
        ([{"split": {"by": ", ", "part": 2}}], "Doe, Ann", "Ann"),
        ([{"split": {"by": "/", "part": -1}}], "a/b/c", "c"),
        ([{"split": {"by": "|", "join": ","}}], "a|b", "a,b"),
        ([{"extract": {"pattern": "No[.] ([0-9]+)"}}], "see No. 17!", "17"),
        ([{"extract": {"pattern": "[0-9]+"}}], "see No. 17!", "17"),
        (["email"], " Ann.Doe@Example.COM ", "Ann.Doe@example.com"),
        (["email"], "Nobody", "Nobody"),
        (["url"], "www.example.com/a", "https://www.example.com/a"),
        (["url"], "localhost:8080", "https://localhost:8080"),
        (["url"], "mailto:a@b.example", "mailto:a@b.example"),
        (["url"], "", None),
        ([{"default": {"value": "new"}}], "NA", "new"),
        ([{"default": {"value": "new"}}], None, "new"),
        ([{"default": {"value": "new"}}], "old", "old"),
        ([{"concat": {"fields": ["b", "c"], "by": "-"}}], "x", "Ann"),
        (["trim", {"case": {"to": "upper"}}, {"map": {"values": {"Y": "yes"}}}], " y ", "yes"),
    ],
)
def test_each_step(steps: list[object], cell: str | None, value: str | None) -> None:
    found = run(steps, cell)
    assert found.errors.num_rows == 0
    assert found.rows["a"].to_pylist() == [value]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([{"map": {"values": {"m": "male"}, "others": "error"}}], "is not one of m"),
        ([{"split": {"by": ",", "part": 2}}], 'has no part 2 when split by ","'),
        ([{"extract": {"pattern": "[0-9]"}}], "has nothing that matches the pattern [0-9]"),
    ],
)
def test_a_step_that_cannot_be_done_is_an_error_of_the_row(steps: list[object], words: str) -> None:
    found = run(steps, "x", "NA", None)
    assert found.errors.to_pylist() == [
        {"row": 1, "field": "a", "code": "type-error", "value": "x", "message": f'"x" {words}'}
    ]
    assert found.rows["a"].to_pylist() == [None, None]


def test_the_error_keeps_the_raw_cell_and_the_sentence_speaks_of_what_was_read() -> None:
    found = run(["trim"], " x ", type="integer")
    assert found.errors["value"].to_pylist() == [" x "]
    assert found.errors["message"].to_pylist() == ['"x" is not a whole number']


def test_the_step_number_says_how_numbers_are_written() -> None:
    steps: list[object] = [{"number": {"decimalChar": ",", "groupChar": ".", "bareNumber": False}}]
    found = run(steps, "1.234,50 €", type="number")
    assert [str(value) for value in found.rows["a"].to_pylist()] == ["1234.50"]


@pytest.mark.parametrize(
    "step",
    [
        {"extract": {"pattern": "[0-9]"}},
        {"map": {"values": {"m": "male"}, "others": "error"}},
        {"country": {}},
    ],
)
def test_nul_is_found_before_any_step(step: object) -> None:
    found = run([step], "x\0")
    assert found.errors["code"].to_pylist() == ["nul-character"]
