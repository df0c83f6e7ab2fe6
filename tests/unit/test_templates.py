"""Templates: what a person gets to fill in."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import fastexcel
import pyarrow as pa
import pytest

from rowport.engine import schema_document
from rowport.engine.validation import Validator
from rowport.model.record_types import RecordType
from rowport.model.table_schema import Constraints, Field, FieldType, TableSchema
from rowport.service.templates import (
    MEANING_EXAMPLES,
    dropdown,
    example,
    headers,
    note,
    template_csv,
    write_template_workbook,
)

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LONG = tuple(f"a rather long choice, number {number}" for number in range(40))


def record_type(*fields: Field, key: tuple[str, ...] = ()) -> RecordType:
    """Make a record type of these fields."""
    return RecordType(
        id=UUID(int=1),
        oid="1" * 24,
        organization_id=UUID(int=2),
        name="x.y",
        version=1,
        schema=TableSchema(fields=fields),
        key=key,
        table_schema="data_default",
        table_name="x_y",
        created_at=NOON,
        updated_at=NOON,
    )


def test_a_header_is_the_title_where_it_tells_fields_apart() -> None:
    made = record_type(
        Field(name="a", title="Name"),
        Field(name="b", title="Place"),
        Field(name="c", title="Place"),
        Field(name="d"),
        Field(name="e", title="d"),
    )
    assert headers(made) == ("Name", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        (Field(name="x", example="mine"), "mine"),
        (Field(name="x", example=7), "7"),
        (Field(name="x", constraints=Constraints(enum=("red", "blue"))), "red"),
        (Field(name="x", type=FieldType.BOOLEAN, true_values=("ja",)), "ja"),
        (Field(name="x", type=FieldType.DATE, format="%d/%m/%Y"), "31/01/2026"),
        (Field(name="x", type=FieldType.DATE), "2026-01-31"),
        (Field(name="x", type=FieldType.INTEGER, constraints=Constraints(minimum=18)), "18"),
        (Field(name="x", format="email"), "name@example.org"),
        (Field(name="x", type=FieldType.NUMBER, decimal_char=","), "1,5"),
        (
            Field(
                name="x",
                type=FieldType.NUMBER,
                constraints=Constraints(minimum=Decimal("0.5")),
                transforms=({"percentage": {}},),
            ),
            "12.5%",
        ),
    ],
)
def test_the_example_is_one_that_the_field_takes(field: Field, cell: str) -> None:
    assert example(field) == cell


@pytest.mark.parametrize("kind", list(FieldType))
def test_every_type_has_an_example(kind: FieldType) -> None:
    assert example(Field(name="x", type=kind))


def test_a_csv_template_is_a_header_and_one_row() -> None:
    made = record_type(Field(name="a", title='Say "a"'), Field(name="b", example="1,5"))
    text = template_csv(made).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [['Say "a"', "b"], ["text", "1,5"]]
    assert text.endswith("\r\n")


def test_a_spreadsheet_template_marks_what_is_required(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    made = record_type(
        Field(name="key"),
        Field(name="must", constraints=Constraints(required=True, unique=True)),
        Field(name="may", description="What you like.", example="=1+1"),
        Field(name="choice", constraints=Constraints(enum=("a", "b"))),
        Field(name="long", constraints=Constraints(enum=LONG)),
        Field(name="flag", type=FieldType.BOOLEAN),
        key=("key",),
    )
    write_template_workbook(path, made)
    reader = fastexcel.read_excel(path)
    sheet = reader.load_sheet(0, dtypes="string").to_polars()
    assert sheet.columns == ["key", "must", "may", "choice", "long", "flag"]
    assert sheet.row(0) == ("text", "text", "=1+1", "a", LONG[0], "true")
    with zipfile.ZipFile(path) as parts:
        comments = parts.read("xl/comments1.xml").decode()
        rules = parts.read("xl/worksheets/sheet1.xml").decode()
        styles = parts.read("xl/styles.xml").decode()
    assert re.findall(r"<t[^>]*>(Required|Optional)", comments) == [
        "Required",
        "Required",
        "Optional",
        "Optional",
        "Optional",
        "Optional",
    ]
    assert "<b/>" in styles
    assert "<f>" not in rules
    lists = re.findall(r"<formula1>(.*?)</formula1>", rules)
    assert lists == ['"a,b"', "_lists!$E$1:$E$40", '"true,false"']


def test_a_note_says_what_the_field_takes() -> None:
    field = Field(
        name="x",
        type=FieldType.DATE,
        format="%d/%m/%Y",
        description="Day of birth.",
        constraints=Constraints(unique=True),
    )
    said = "Optional. Day of birth. Type: date (%d/%m/%Y). No value may stand twice."
    assert note(field, is_required=False) == said


def test_free_fields_have_no_dropdown() -> None:
    assert dropdown(Field(name="x")) == ()


@pytest.mark.parametrize("semantic", MEANING_EXAMPLES)
def test_the_example_of_a_meaning_has_it(semantic: str) -> None:
    field = {"name": "x", "type": "string", "semantic": semantic}
    schema = schema_document.parse({"fields": [field]})
    cell = example(schema.fields[0])
    found = Validator(schema, ["x"]).run(pa.table({"x": [cell]}), pa.array([1], pa.int64()))
    assert found.errors.to_pylist() == []
    assert f"Means: {semantic}." in note(schema.fields[0], is_required=False)
