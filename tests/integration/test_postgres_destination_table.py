"""How the managed table is made and follows its record type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rowport.destinations.postgres.columns import column_name
from rowport.model.errors import DestinationConflict, Unavailable
from rowport.model.table_schema import Constraints, Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Managed

    from rowport.model.record_types import RecordType

EMAIL = Field(name="email")
ODD_NAMES = [
    "select",
    "User",
    "user",
    'a"b',
    "a'b; DROP TABLE x",
    "100 %s %(x)s {}",
    "🦄 naïve 名前",
    "  ",
    "new\nline",
    "xmin",
    "ctid",
    "n0",
    "place",
    "r",
    "v_state",
    "$rowport$",
    "é" * 40,
    "é" * 40 + "x",
    "l" * 64,
]


def columns(managed: Managed) -> dict[str, str]:
    found = managed.sql(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'rowport_test.people'::regclass AND attnum > 0 ORDER BY attnum"
    )
    return dict(found)


def test_each_type_has_its_column(managed: Managed, make_people: Callable[..., RecordType]) -> None:
    managed.prepare(make_people(*(Field(name=str(kind), type=kind) for kind in FieldType)))
    assert columns(managed) == {
        "rowport_id": "uuid",
        "rowport_import": "uuid",
        "rowport_row": "bigint",
        "string": "text",
        "number": "numeric",
        "integer": "bigint",
        "boolean": "boolean",
        "object": "jsonb",
        "array": "jsonb",
        "list": "jsonb",
        "datetime": "timestamp with time zone",
        "date": "date",
        "time": "time without time zone",
        "year": "bigint",
        "yearmonth": "text",
        "duration": "text",
        "geopoint": "text",
        "geojson": "jsonb",
        "any": "text",
    }


def test_table_and_columns_say_what_they_are(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    managed.prepare(make_people(Field(name="email", title="Where to write")))
    assert managed.sql(
        "SELECT obj_description('rowport_test.people'::regclass),"
        " col_description('rowport_test.people'::regclass, 4)"
    ) == [
        ("Records of type people, managed by Rowport.", "Field 'email' (string): Where to write"),
    ]


def test_odd_names_become_columns_and_load(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    fields = [Field(name=name) for name in ODD_NAMES]
    record_type = managed.prepare(make_people(*fields, key=(ODD_NAMES[0], ODD_NAMES[3])))
    row = {name: f"v {name}" for name in ODD_NAMES}
    assert managed.load(record_type, [row]).outcomes == ["created"]
    changed = managed.load(record_type, [{**row, ODD_NAMES[6]: "else"}])
    assert changed.outcomes == ["updated"]
    assert changed.before[0][ODD_NAMES[6]] == row[ODD_NAMES[6]]
    managed.sql("ALTER TABLE rowport_test.people ADD CHECK (rowport_row < 2)")
    rows = [{**row, ODD_NAMES[7]: "else"}, {**row, "select": "new"}]
    assert managed.load(record_type, rows).outcomes == ["updated", "failed"]
    assert set(map(column_name, ODD_NAMES)) < set(columns(managed))


def test_preparing_again_writes_nothing(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    unique = Field(name="badge", constraints=Constraints(unique=True))
    record_type = managed.prepare(make_people(EMAIL, unique, key=("email",)))
    state = (
        "SELECT xmin::text FROM pg_class WHERE relname LIKE 'people%'"
        " UNION ALL SELECT xmin::text FROM pg_attribute WHERE attrelid::regclass::text LIKE '%peo%'"
        " UNION ALL SELECT xmin::text FROM pg_description ORDER BY 1"
    )
    before = managed.sql(state)
    managed.prepare(record_type)
    assert managed.sql(state) == before


def test_a_new_field_is_added_and_a_removed_one_keeps_its_values(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    old = managed.prepare(make_people(EMAIL, Field(name="phone"), key=("email",)))
    managed.load(old, [{"email": "a", "phone": "1"}])
    managed.sql("ALTER TABLE rowport_test.people ALTER COLUMN phone SET NOT NULL")
    new = managed.prepare(make_people(EMAIL, Field(name="city"), key=("email",)))
    managed.load(new, [{"email": "a", "city": "X"}, {"email": "b", "city": "Y"}])
    assert managed.sql("SELECT email, phone, city FROM rowport_test.people ORDER BY 1") == [
        ("a", "1", "X"),
        ("b", None, "Y"),
    ]
    back = managed.prepare(make_people(EMAIL, Field(name="phone"), key=("email",)))
    assert managed.load(back, [{"email": "a", "phone": "1"}]).outcomes == ["unchanged"]


@pytest.mark.parametrize(
    ("old", "values", "new", "then"),
    [
        (FieldType.STRING, ["1", "-20", None], FieldType.INTEGER, [1, -20, None]),
        (FieldType.STRING, ["true", "false"], FieldType.BOOLEAN, [True, False]),
        (FieldType.INTEGER, [1, None], FieldType.STRING, ["1", None]),
        (FieldType.INTEGER, [1, 2], FieldType.NUMBER, [1, 2]),
        (FieldType.NUMBER, [1, 20], FieldType.INTEGER, [1, 20]),
        (FieldType.BOOLEAN, [None, None], FieldType.DATE, [None, None]),
        (FieldType.STRING, ['{"a": 1}', "[]"], FieldType.OBJECT, [{"a": 1}, []]),
        (FieldType.INTEGER, [1999], FieldType.YEAR, [1999]),
    ],
)
def test_a_type_changes_where_every_value_survives(
    managed: Managed,
    make_people: Callable[..., RecordType],
    old: FieldType,
    values: list[Any],
    new: FieldType,
    then: list[Any],
) -> None:
    managed.load(
        managed.prepare(make_people(Field(name="x", type=old))), [{"x": value} for value in values]
    )
    managed.prepare(make_people(Field(name="x", type=new)))
    found = managed.sql("SELECT x FROM rowport_test.people ORDER BY rowport_row")
    assert [value for (value,) in found] == then


@pytest.mark.parametrize(
    ("old", "values", "new"),
    [
        (FieldType.STRING, ["1", "007", "2", "x"], FieldType.INTEGER),
        (FieldType.STRING, ["2024-02-29", "2023-02-29", "now", None], FieldType.DATE),
        (FieldType.STRING, ["12:00", "25:00", "noon"], FieldType.TIME),
        (FieldType.STRING, ["2024-01-01T00:00:00Z", "infinity", "2024-01-01"], FieldType.DATETIME),
        (FieldType.STRING, ["{}", "{", "x"], FieldType.OBJECT),
        (FieldType.INTEGER, [None, 1, 0], FieldType.BOOLEAN),
    ],
)
def test_a_type_that_values_do_not_fit_is_a_conflict_that_counts_them_and_changes_nothing(
    managed: Managed,
    make_people: Callable[..., RecordType],
    old: FieldType,
    values: list[Any],
    new: FieldType,
) -> None:
    managed.load(
        managed.prepare(make_people(Field(name="x", type=old))), [{"x": value} for value in values]
    )
    before = managed.sql("SELECT x FROM rowport_test.people ORDER BY rowport_row")
    told = r"'x' cannot change from .* to .*: 2 values do not fit \(first written by row 2\)"
    with pytest.raises(DestinationConflict, match=told):
        managed.prepare(make_people(Field(name="x", type=new), Field(name="y")))
    assert managed.sql("SELECT x FROM rowport_test.people ORDER BY rowport_row") == before
    assert "y" not in columns(managed)


def test_a_new_key_is_built_and_the_old_one_binds_no_more(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    number = Field(name="number", type=FieldType.INTEGER)
    managed.load(
        managed.prepare(make_people(EMAIL, number, key=("email",))), [{"email": "a", "number": 1}]
    )
    record_type = managed.prepare(make_people(EMAIL, number, key=("number",)))
    loaded = managed.load(record_type, [{"email": "b", "number": 1}, {"email": "b", "number": 2}])
    assert loaded.outcomes == ["updated", "created"]


def test_a_new_key_that_records_share_is_a_conflict_that_names_one(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    record_type = managed.prepare(make_people(EMAIL))
    managed.load(record_type, [{"email": "a"}, {"email": "b"}, {"email": "b"}])
    with pytest.raises(DestinationConflict, match=r"2 records have 'b' \(written by rows 2, 3\)"):
        managed.prepare(make_people(EMAIL, key=("email",)))
    assert managed.load(record_type, [{"email": "b"}]).outcomes == ["created"]


@pytest.mark.parametrize("name", ["rowport_id", "rowport_import", "rowport_row", "", "a\x00b"])
def test_a_field_that_cannot_be_a_column_is_a_conflict(
    managed: Managed, make_people: Callable[..., RecordType], name: str
) -> None:
    with pytest.raises(DestinationConflict, match="field"):
        managed.prepare(make_people(Field(name=name)))


def test_a_table_that_is_not_ours_is_left_alone(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    managed.sql("CREATE SCHEMA rowport_test")
    managed.sql("CREATE TABLE rowport_test.people (email text)")
    with pytest.raises(DestinationConflict, match="not made by Rowport"):
        managed.prepare(make_people(EMAIL))
    assert columns(managed) == {"email": "text"}


def test_a_view_of_this_name_is_a_conflict(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    managed.sql("CREATE SCHEMA rowport_test")
    managed.sql("CREATE VIEW rowport_test.people AS SELECT 1 AS email")
    with pytest.raises(DestinationConflict, match="not a table"):
        managed.prepare(make_people(EMAIL))


def test_a_column_that_somebody_added_is_never_retyped(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    managed.prepare(make_people(EMAIL))
    managed.sql("ALTER TABLE rowport_test.people ADD COLUMN city varchar(3), ADD COLUMN zip text")
    with pytest.raises(DestinationConflict, match="somebody added"):
        managed.prepare(make_people(EMAIL, Field(name="city")))
    adopted = managed.prepare(make_people(EMAIL, Field(name="zip")))
    assert managed.load(adopted, [{"email": "a", "zip": "1"}]).outcomes == ["created"]


def test_a_table_in_use_is_not_waited_for_and_the_callers_timeout_stays(
    managed: Managed, make_people: Callable[..., RecordType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rowport.destinations.postgres.preparing._LOCK_TIMEOUT", "50ms")
    managed.prepare(make_people(EMAIL))
    other = managed.another()
    with other.connection:
        other.connection.execute("LOCK TABLE rowport_test.people")
        with pytest.raises(Unavailable, match="in use"):
            managed.prepare(make_people(EMAIL, Field(name="more")))
    with managed.connection.transaction():
        managed.connection.execute("SET LOCAL lock_timeout = '7s'")
        managed.prepare(make_people(EMAIL, Field(name="more")))
        shown = managed.connection.execute("SHOW lock_timeout").fetchone()
    assert shown == ("7s",)
