"""What is loaded is what is read back, for every type."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from rowport.destinations.postgres.columns import SqlType
from rowport.destinations.postgres.copying import copy_in
from rowport.destinations.postgres.encoding import encodable
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Managed

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
INT8 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.decimals(min_value=-(10**20), max_value=10**20, places=9)
DATES = st.dates(date(1, 1, 1), date(9999, 12, 31))
INSTANTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the strategy wants naive bounds
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
VALUES: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.STRING: TEXT,
    FieldType.INTEGER: INT8,
    FieldType.YEAR: st.integers(-5000, 9999),
    FieldType.NUMBER: NUMBERS,
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: DATES,
    FieldType.DATETIME: INSTANTS,
    FieldType.TIME: st.times(),
    FieldType.OBJECT: JSON.map(json.dumps),
}
FIELDS = tuple(Field(name=str(kind), type=kind) for kind in VALUES)
ROWS = st.lists(
    st.fixed_dictionaries({str(kind): st.none() | values for kind, values in VALUES.items()}),
    min_size=1,
    max_size=8,
)
SLOWLY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def as_read(row: dict[str, Any]) -> tuple[Any, ...]:
    """Give what psycopg reads back of a row."""
    document = row["object"]
    read = {**row, "object": None if document is None else json.loads(document)}
    return tuple(read[str(kind)] for kind in VALUES)


@SLOWLY
@given(rows=ROWS)
def test_every_value_comes_back_and_loading_twice_changes_nothing(
    managed: Managed, make_people: Callable[..., Any], rows: list[dict[str, Any]]
) -> None:
    keyed = [{"id": number, **row} for number, row in enumerate(rows)]
    fields = (Field(name="id", type=FieldType.INTEGER), *FIELDS)
    record_type = managed.prepare(make_people(*fields, key=("id",)))
    managed.sql("TRUNCATE rowport_test.people")
    assert managed.load(record_type, keyed).outcomes == ["created"] * len(rows)
    found = managed.sql("SELECT * FROM rowport_test.people ORDER BY id")
    # The system columns and the key stand before the values.
    assert [record[4:] for record in found] == [as_read(row) for row in rows]
    assert managed.load(record_type, keyed).outcomes == ["unchanged"] * len(rows)


@SLOWLY
@given(old=ROWS, data=st.data())
def test_before_images_hold_exactly_what_was_there(
    managed: Managed,
    make_people: Callable[..., Any],
    old: list[dict[str, Any]],
    data: st.DataObject,
) -> None:
    fields = (Field(name="id", type=FieldType.INTEGER), *FIELDS)
    record_type = managed.prepare(make_people(*fields, key=("id",)))
    managed.sql("TRUNCATE rowport_test.people")
    before = [{"id": number, **row} for number, row in enumerate(old)]
    managed.load(record_type, before)
    new = data.draw(st.lists(ROWS.map(lambda rows: rows[0]), min_size=len(old), max_size=len(old)))
    loaded = managed.load(record_type, [{"id": number, **row} for number, row in enumerate(new)])
    changed = [row for row, word in enumerate(loaded.outcomes) if word == "updated"]
    assert [image["row"] - 1 for image in loaded.before] == changed
    for image, place in zip(loaded.before, changed, strict=True):
        number = image["number"]
        image["number"] = None if number is None else Decimal(number)
        assert as_read(image) == as_read(before[place])


NUMBER_TEXTS = st.one_of(
    NUMBERS.map(str),
    st.integers().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: f"{number:f}"),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "1e5", "-0.000", "+1", "1" * 60 + ".5"]),
).filter(lambda text: len(text) < 200)


@SLOWLY
@given(texts=st.lists(st.none() | NUMBER_TEXTS, min_size=1))
def test_numbers_as_text_keep_every_digit(managed: Managed, texts: list[str | None]) -> None:
    sent = encodable(pa.chunked_array([pa.array(texts, pa.string())]), SqlType.NUMERIC)
    expected = [None if text is None else Decimal(text) for text in texts]
    for value, read in zip(expected, stored(managed, sent, "numeric"), strict=True):
        both_nan = value is not None and value.is_nan() and read.is_nan()
        assert both_nan or value == read


def stored(managed: Managed, values: pa.ChunkedArray, kind: str) -> list[Any]:
    """Give values as PostgreSQL holds them after a COPY into a column of this type."""
    with managed.connection.transaction(force_rollback=True):
        managed.connection.execute(
            sql.SQL("CREATE TABLE sent (v {}, place int)").format(sql.SQL(kind))
        )
        places = pa.array(range(len(values)), pa.int32())
        copy_in(
            managed.connection, sql.Identifier("sent"), pa.table({"v": values, "place": places})
        )
        found = managed.connection.execute("SELECT v FROM sent ORDER BY place").fetchall()
    return [value for (value,) in found]


@pytest.mark.parametrize(
    ("values", "sql_type"),
    [
        (pa.array(["a", "", None, "x" * 3_000_000], pa.string()), SqlType.TEXT),
        (pa.array(["a", "", None, "longer than twelve"], pa.string_view()), SqlType.TEXT),
        (pa.array(["a", "b", None, "a"]).dictionary_encode(), SqlType.TEXT),
        (pa.array([1, None], pa.int8()), SqlType.BIGINT),
        (pa.array([None, None], pa.null()), SqlType.NUMERIC),
        (pa.array([1, None, 2**62], pa.uint64()), SqlType.NUMERIC),
        (pa.array([Decimal("1.50"), None], pa.decimal256(60, 2)), SqlType.NUMERIC),
        (pa.array([Decimal(10**50), None], pa.decimal256(60, 2)), SqlType.NUMERIC),
        (pa.array([Decimal(1200), None], pa.decimal128(10, -2)), SqlType.NUMERIC),
        (pa.array([0.1, None, 1e-7, 2.5e20]), SqlType.NUMERIC),
        (pa.array([date(2024, 2, 29)], pa.date64()), SqlType.DATE),
        (pa.array([time(23, 59, 59)], pa.time32("s")), SqlType.TIME),
        (pa.array([time(23, 59, 59, 999999)], pa.time64("ns")), SqlType.TIME),
        (pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("ns", "UTC")), "timestamptz"),
        (pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("s", "+05:30")), "timestamptz"),
    ],
)
def test_arrow_types_of_any_kind_are_taken(
    managed: Managed, values: pa.Array, sql_type: SqlType | str
) -> None:
    kind = SqlType.TIMESTAMPTZ if sql_type == "timestamptz" else SqlType(sql_type)
    chunks = pa.chunked_array([values[:1], values[1:]])
    sent = encodable(chunks, kind)
    expected = values.to_pylist()
    if pa.types.is_floating(values.type):
        expected = [None if value is None else Decimal(str(value)) for value in expected]
    assert stored(managed, sent, str(kind)) == expected


def test_a_time_without_zone_is_taken_as_utc(managed: Managed) -> None:
    naive = pa.chunked_array([pa.array([datetime(2024, 1, 1)], pa.timestamp("us"))])  # noqa: DTZ001  that is the case
    sent = encodable(naive, SqlType.TIMESTAMPTZ)
    assert stored(managed, sent, "timestamptz") == [datetime(2024, 1, 1, tzinfo=UTC)]


def test_a_value_that_the_column_would_cut_is_an_error() -> None:
    tiny = pa.chunked_array([pa.array([1_000_000_001], pa.timestamp("ns", "UTC"))])
    with pytest.raises(pa.ArrowInvalid, match="lose data"):
        encodable(tiny, SqlType.TIMESTAMPTZ)
