"""What is read from the bytes of a column is what the exact reader makes of each cell."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rowport.engine.validation import Validator
from rowport.engine.validation.cells import CellFault
from rowport.engine.validation.readers import reader_of
from rowport.model.table_schema import Constraints, Field, FieldType, TableSchema

if TYPE_CHECKING:
    from rowport.engine.validation.cells import CellReader, Swift

NUMBER = Field(name="n", type=FieldType.NUMBER)
MONEY = Field(name="n", type=FieldType.NUMBER, decimal_char=",", group_char=".")
INTEGER = Field(name="n", type=FieldType.INTEGER)
GROUPED = Field(name="n", type=FieldType.INTEGER, group_char=" ")
BOOLEAN = Field(name="b", type=FieldType.BOOLEAN)


def day(*forms: str) -> Field:
    return Field(name="d", type=FieldType.DATE, transforms=({"date": {"formats": list(forms)}},))


def moment(form: str = "default") -> Field:
    return Field(name="d", type=FieldType.DATETIME, format=form)


TAKEN: list[tuple[Field, list[str]]] = [
    (NUMBER, ["0", "-1", "12.50", "-179.999999", "12345678", "123456789", "1234567890.12345"]),
    (MONEY, ["1.234,56", "-1.234.567,8", "12", "0,5", "123.456.789,01"]),
    (INTEGER, ["0", "-0", "42", "-12345678", "1234567890123456"]),
    (GROUPED, ["1 234", "-12 34 567", "1"]),
    (BOOLEAN, ["true", "False", "1", "0"]),
    (day("default"), ["2024-02-29", "1000-01-01", "9999-12-31"]),
    (day("%d/%m/%Y"), ["29/02/2024", "01/01/1970", "31/12/1969"]),
    (day("%d %b %Y"), ["01 Jan 2020", "31 Dec 1999"]),
    (day("%Y%m%d"), ["20240229"]),
    (day("%Y-%m-%d", "%d.%m.%Y", "%d %b %Y"), ["2024-02-29", "29.02.2024", "29 Feb 2024"]),
    (moment(), ["2024-02-29T23:59:59Z", "2024-02-29T00:00:00"]),
    (moment("%d.%m.%Y %H:%M"), ["29.02.2024 23:59"]),
    (moment("%Y-%m-%d %H:%M:%S"), ["2024-02-29 23:59:59"]),
]
"""Cells that must be read from the bytes, or an import would be slow without anybody noticing."""
ODD = ["", "-", "+1", "1e5", " 1", "1 ", ".5", "5.", "1.2.3", "1..2", "--1", "٣", "1_000", "NaN"]
ODD += ["29/02/2023", "00/01/2024", "1/1/2024", "31/04/2024", "01/13/2024", "0999-01-01", "x" * 40]
ODD += ["2024-02-29T24:00:00Z", "2024-02-29T23:59:60Z", "2024-02-29t23:59:59Z", "29 feb 2024"]
ODD += [
    "12345678901234567",
    "1.234,5.6",
    ".123",
    "123.",
    "1,2,3",
    "\uff12\uff10\uff12\uff14-01-01",
    "TRUE ",
    "yes",
]


def read(field: Field, texts: list[str]) -> tuple[CellReader, Swift]:
    reader = reader_of(field)
    assert reader.swift is not None
    return reader, reader.swift(pa.array(texts, pa.string()))


def python_value(field: Field, swift: Swift, place: int) -> Any:  # noqa: ANN401  of any type
    stored = swift.values[place].item()
    if swift.decimals is not None:
        return Decimal(stored).scaleb(-int(swift.decimals[place]))
    if field.type is FieldType.DATE:
        return date(1970, 1, 1) + timedelta(days=stored)
    if field.type is FieldType.DATETIME:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stored)
    return stored


@pytest.mark.parametrize(("field", "texts"), TAKEN)
def test_usual_cells_are_taken(field: Field, texts: list[str]) -> None:
    assert read(field, texts)[1].taken.all()
    # the bytes around a cell are those of others, and belong to none
    assert read(field, ["7", *texts, "7"])[1].taken[1:-1].all()


characters = st.sampled_from("0123456789" * 2 + "-+., :/TZeJan")
cells = st.lists(
    st.one_of(
        st.sampled_from([*ODD, *(text for _, texts in TAKEN for text in texts)]),
        st.text(characters, max_size=22),
        st.dates().map(lambda d: d.strftime("%d/%m/%Y")),
        st.datetimes().map(lambda d: d.strftime("%Y-%m-%dT%H:%M:%SZ")),
        st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    ),
    min_size=1,
    max_size=30,
)


def mutated(text: str, place: int, char: str) -> str:
    return text[: place % (len(text) + 1)] + char + text[place % (len(text) + 1) + 1 :]


@given(texts=cells, changes=st.lists(st.tuples(st.integers(0, 20), characters), max_size=30))
@example(texts=ODD, changes=[])
@settings(max_examples=200)
def test_what_is_taken_is_read_as_the_exact_reader_does(
    texts: list[str], changes: list[tuple[int, str]]
) -> None:
    texts = texts + [
        mutated(text, place, char) for text, (place, char) in zip(texts, changes, strict=False)
    ]
    for field in [field for field, _ in TAKEN]:
        reader, swift = read(field, texts)
        for place, text in enumerate(texts):
            if swift.taken[place]:
                value = reader.exact(text)
                assert python_value(field, swift, place) == value, (field, text)
                if swift.decimals is not None:
                    assert isinstance(value, Decimal)
                    assert -int(value.as_tuple().exponent) == swift.decimals[place], text


def test_a_form_behind_another_that_could_read_its_cells_is_left_to_slower_readers() -> None:
    reader, swift = read(day("%d/%m/%Y", "%m/%d/%Y"), ["01/02/2024", "01/13/2024"])
    assert swift.taken.tolist() == [True, False]
    assert reader.exact("01/13/2024") == date(2024, 1, 13)


def test_cells_that_are_left_over_stand_in_their_places() -> None:
    texts = [str(n) for n in range(200)]
    texts[3], texts[5], texts[7], texts[9], texts[11] = "1e2", "x", "", "+5", "0." + "1" * 20
    field = Field(name="n", type=FieldType.NUMBER, constraints=Constraints(maximum=198))
    for many in (
        texts,
        [*texts, *(f"+{n}" for n in range(-100, 0)), *(f"+{n}" for n in range(100))],
    ):
        row = pa.array(range(len(many)), pa.int64())
        done = Validator(TableSchema(fields=(field,)), ["n"]).run(pa.table({"n": many}), row)
        told = dict(zip(done.row.to_pylist(), done.rows["n"].to_pylist(), strict=True))
        for place, text in enumerate(many):
            if re.fullmatch(r"\+-.*|x|199", text):
                assert place not in told
            else:
                assert told[place] == (Decimal(text) if text else None), text


def test_a_number_that_fits_no_column_of_its_scale_keeps_its_digits() -> None:
    texts = ["9" * 16, "0." + "0" * 30 + "1", "1"]
    row = pa.array(range(3), pa.int64())
    done = Validator(TableSchema(fields=(NUMBER,)), ["n"]).run(pa.table({"n": texts}), row)
    assert done.rows["n"].to_pylist() == [Decimal(text) for text in texts]


@pytest.mark.parametrize("text", ODD)
def test_odd_cells_have_the_verdict_of_the_exact_reader(text: str) -> None:
    for field in [field for field, _ in TAKEN]:
        done = Validator(TableSchema(fields=(field,), missing_values=("NA",)), [field.name]).run(
            pa.table({field.name: [text]}), pa.array([1], pa.int64())
        )
        try:
            value = reader_of(field).exact(text)
        except CellFault:
            assert done.errors.num_rows == 1
        else:
            assert done.rows[field.name].to_pylist() == [value]
