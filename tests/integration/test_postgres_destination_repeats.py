"""Imports that mostly repeat what the records hold: the destination learns it, and loads faster.

What it learns may change how long a load takes, never what becomes of a row: the same batches go
through a destination that learns and through one that forgets, and everything has to be equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rowport.destinations.postgres import PostgresDestination
from rowport.model.ids import new_uuid
from rowport.model.imports import Mode, OnMatch
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.integration.conftest import Loaded, Managed

    from rowport.model.record_types import RecordType

Rows = list[dict[str, Any]]
PER_BATCH = 40


def row(number: int, **changes: object) -> dict[str, Any]:
    return {"email": f"e{number}", "age": number, "more": f'{{"n": {number}}}', **changes}


@pytest.fixture
def record_type(managed: Managed, make_people: Callable[..., RecordType]) -> RecordType:
    """People with an e-mail as their key, 400 of them."""
    fields = (
        Field(name="email"),
        Field(name="age", type=FieldType.INTEGER),
        Field(name="more", type=FieldType.OBJECT),
    )
    made = managed.prepare(make_people(*fields, key=("email",)))
    managed.load(made, [row(number) for number in range(400)])
    return made


def batches(*last: dict[str, Any]) -> list[Rows]:
    """Give batches that repeat the records, the keys not in order; `last` ends the third one."""
    numbers = [number * 7 % (4 * PER_BATCH) for number in range(4 * PER_BATCH)]
    made = [
        [row(n) for n in numbers[at : at + PER_BATCH]] for at in range(0, len(numbers), PER_BATCH)
    ]
    made[2] += last
    return made


def load_all(
    managed: Managed,
    record_type: RecordType,
    made: list[Rows],
    **how: Any,  # noqa: ANN401  of a load
) -> list[Loaded]:
    """Load batches as one import, each in a transaction of its own."""
    told: list[Loaded] = []
    first_row = 1
    import_id = how.pop("import_id", None) or new_uuid()
    for rows in made:
        loaded = managed.load(record_type, rows, import_id=import_id, first_row=first_row, **how)
        told.append(loaded)
        first_row += len(rows)
    return told


class Forgetful(PostgresDestination):
    """Begins anew with each batch."""

    def load(self, *given: Any) -> Any:  # noqa: ANN401  passed on
        """Load without what was learnt."""
        return PostgresDestination().load(*given)


def both_ways(
    managed: Managed,
    record_type: RecordType,
    made: list[Rows],
    **how: Any,  # noqa: ANN401  of a load
) -> list[Loaded]:
    """Load twice from the same start, by a destination that learns and by one that forgets."""
    import_id: UUID = new_uuid()
    managed.sql("CREATE TABLE rowport_test.start AS SELECT * FROM rowport_test.people")
    seen = []
    for destination in (Forgetful(), PostgresDestination()):
        managed.sql("DELETE FROM rowport_test.people")
        managed.sql("INSERT INTO rowport_test.people SELECT * FROM rowport_test.start")
        managed.destination = destination
        told = load_all(managed, record_type, made, import_id=import_id, **how)
        records = managed.sql("SELECT * FROM rowport_test.people ORDER BY rowport_id")
        seen.append((told, records))
    assert seen[0] == seen[1]
    return seen[0][0]


def outcomes(told: list[Loaded]) -> list[str]:
    return [word for loaded in told for word in loaded.outcomes]


def test_rows_that_repeat_their_records_leave_them_unchanged(
    managed: Managed, record_type: RecordType
) -> None:
    before = managed.sql("SELECT ctid, * FROM rowport_test.people ORDER BY rowport_id")
    told = load_all(managed, record_type, batches())
    assert set(outcomes(told)) == {"unchanged"}
    ids = {loaded_id for loaded in told for loaded_id in loaded.ids}
    assert len(ids) == 4 * PER_BATCH
    assert managed.sql("SELECT ctid, * FROM rowport_test.people ORDER BY rowport_id") == before


@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.UPDATE, Mode.INSERT, Mode.VALIDATE])
@pytest.mark.parametrize("on_match", list(OnMatch))
def test_what_was_learnt_changes_no_fate(
    managed: Managed, record_type: RecordType, mode: Mode, on_match: OnMatch
) -> None:
    made = batches(
        row(300, age=1),
        row(301, age=None),
        row(302, more='{"n":302}'),
        row(303, more=None),
        row(900),
        row(901),
        row(901, age=5),
        row(300),
        row(0),
        row(0, age=99),
        row(1, email=None),
    )
    told = both_ways(managed, record_type, made, mode=mode, on_match=on_match)
    if (mode, on_match) == (Mode.UPSERT, OnMatch.UPDATE):
        assert told[2].outcomes[PER_BATCH:] == [
            *("updated", "updated", "unchanged", "updated", "created", "created", "failed"),
            *("failed", "unchanged", "failed", "failed"),
        ]
        assert [image["age"] for image in told[2].before] == [300, 301, 303]


def test_a_record_that_an_earlier_batch_wrote_is_a_duplicate_all_the_same(
    managed: Managed, record_type: RecordType
) -> None:
    made = batches(row(300, age=1), row(900))
    made[3] += [row(300, age=1), row(300, age=2), row(900)]
    told = both_ways(managed, record_type, made)
    assert told[3].outcomes[PER_BATCH:] == ["failed"] * 3
    assert set(told[3].codes.values()) == {"unique-error"}


def test_values_that_no_record_can_hold_fail_alone(
    managed: Managed, record_type: RecordType
) -> None:
    made = batches(row(300, more='{"n": "\\u0000"}'), row(301, age=7), row(900))
    told = both_ways(managed, record_type, made)
    assert told[2].outcomes[PER_BATCH:] == ["failed", "updated", "created"]


def test_a_trigger_that_leaves_rows_out_is_noticed_all_the_same(
    managed: Managed, record_type: RecordType
) -> None:
    managed.sql(
        "CREATE FUNCTION rowport_test.leave_out() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END'"
    )
    managed.sql(
        "CREATE TRIGGER leave_out BEFORE UPDATE ON rowport_test.people FOR EACH ROW"
        " WHEN (NEW.age = 7) EXECUTE FUNCTION rowport_test.leave_out()"
    )
    told = both_ways(managed, record_type, batches(row(300, age=7), row(301, age=8), row(900)))
    assert told[2].outcomes[PER_BATCH:] == ["failed", "updated", "created"]


def test_an_import_that_stops_repeating_is_followed(
    managed: Managed, record_type: RecordType
) -> None:
    made = batches()
    made += [[row(n, age=1000 + n) for n in range(at, at + 30)] for at in (200, 230)]
    made += [[row(n) for n in range(at, at + 30)] for at in (1000, 1030)]
    made += [[row(n) for n in range(at, at + 30)] for at in (300, 330)]
    told = both_ways(managed, record_type, made)
    assert [set(loaded.outcomes) for loaded in told[4:]] == [
        {"updated"},
        {"updated"},
        {"created"},
        {"created"},
        {"unchanged"},
        {"unchanged"},
    ]


@pytest.mark.parametrize("age", [1, 2])
def test_statistics_from_before_a_commit_make_no_batch_slow(
    managed: Managed, make_people: Callable[..., RecordType], age: int
) -> None:
    record_type = managed.prepare(
        make_people(Field(name="email"), Field(name="age", type=FieldType.INTEGER), key=("email",))
    )
    rows = [{"email": f"{n:06}@example.com", "age": 1} for n in range(40_000)]
    managed.load(record_type, rows)
    # What ANALYZE writes down while a loader has not committed: many pages and no record.
    managed.sql(
        "UPDATE pg_class SET reltuples = 0, relpages = pg_relation_size(oid) / 8192"
        " WHERE oid = 'rowport_test.people'::regclass"
    )
    managed.sql("SET statement_timeout TO '20s'")
    loaded = managed.load(record_type, [{**row, "age": age} for row in rows])
    assert set(loaded.outcomes) == {"unchanged" if age == 1 else "updated"}
