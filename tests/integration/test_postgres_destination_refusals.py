"""Rows that the database refuses fail alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from rowport.model.ids import new_uuid
from rowport.model.imports import Mode, OnMatch
from rowport.model.table_schema import Constraints, Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Managed

    from rowport.model.record_types import RecordType

BOSS = Field(name="boss")
AGE = Field(name="age", type=FieldType.INTEGER)


@pytest.fixture
def record_type(managed: Managed, make_people: Callable[..., RecordType]) -> RecordType:
    """People with an e-mail as their key, a badge of their own and a document."""
    badge = Field(name="badge", constraints=Constraints(unique=True))
    document = Field(name="document", type=FieldType.OBJECT)
    fields = (Field(name="email"), BOSS, AGE, badge, document)
    return managed.prepare(make_people(*fields, key=("email",)))


def rows(*emails: str, **values: object) -> list[dict[str, Any]]:
    return [{"email": email, "boss": None, "age": 1, "badge": None, **values} for email in emails]


def test_a_check_fails_its_rows_alone_and_is_named(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, rows("old"))
    managed.sql("ALTER TABLE rowport_test.people ADD CONSTRAINT grown_up CHECK (age < 100)")
    batch = [*rows("a"), *rows("b", age=200), *rows("old", age=300), *rows("c")]
    loaded = managed.load(record_type, batch)
    assert loaded.outcomes == ["created", "failed", "failed", "created"]
    assert loaded.codes == {2: "destination-error", 3: "destination-error"}
    assert "'grown_up'" in loaded.messages[2]
    assert managed.sql("SELECT age FROM rowport_test.people WHERE email = 'old'") == [(1,)]


def test_beside_refused_rows_updates_keep_their_before_images(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, rows("x", "y", "z"))
    managed.sql("ALTER TABLE rowport_test.people ADD CONSTRAINT grown_up CHECK (age < 100)")
    batch = [*rows("x", age=2), *rows("y", age=200), *rows("z"), *rows("new")]
    loaded = managed.load(record_type, batch)
    assert loaded.outcomes == ["updated", "failed", "unchanged", "created"]
    assert [(image["row"], image["age"]) for image in loaded.before] == [(1, 1)]


def test_a_twin_of_a_refused_row_is_the_first_valid_one(
    managed: Managed, record_type: RecordType
) -> None:
    managed.sql("ALTER TABLE rowport_test.people ADD CONSTRAINT grown_up CHECK (age < 100)")
    batch = [*rows("a", age=200), *rows("a", age=7), *rows("a", age=8), *rows("b", age=200)]
    loaded = managed.load(record_type, batch)
    assert loaded.outcomes == ["failed", "created", "failed", "failed"]
    assert loaded.codes[3] == "unique-error"
    assert "row 2" in loaded.messages[3]


def test_a_value_of_a_unique_field_fails_without_telling_whose_it_is(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, rows("owner", badge="B-1"))
    batch = [*rows("a", badge="B-2"), *rows("b", badge="B-1"), *rows("c", badge="B-2")]
    loaded = managed.load(record_type, batch)
    assert loaded.codes == {2: "unique-error", 3: "unique-error"}
    assert [(error["field"], error["value"]) for error in loaded.errors] == [
        ("badge", "B-1"),
        ("badge", "B-2"),
    ]
    assert "owner" not in str(loaded.errors)


def test_a_trigger_that_raises_is_quoted(managed: Managed, record_type: RecordType) -> None:
    managed.sql(
        "CREATE FUNCTION rowport_test.no_bobs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.email = 'bob' THEN RAISE EXCEPTION 'No Bobs here.'; END IF; RETURN NEW;"
        " END $$"
    )
    managed.sql(
        "CREATE TRIGGER no_bobs BEFORE INSERT OR UPDATE ON rowport_test.people"
        " FOR EACH ROW EXECUTE FUNCTION rowport_test.no_bobs()"
    )
    loaded = managed.load(record_type, rows("ann", "bob", "cat"))
    assert loaded.outcomes == ["created", "failed", "created"]
    assert "No Bobs here" in loaded.messages[2]


def test_a_trigger_that_leaves_rows_out_in_silence_does_not_make_them_created(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, rows("old"))
    managed.sql(
        "CREATE FUNCTION rowport_test.mute() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.age > 100 THEN RETURN NULL; END IF; RETURN NEW; END $$"
    )
    managed.sql(
        "CREATE TRIGGER mute BEFORE INSERT OR UPDATE ON rowport_test.people"
        " FOR EACH ROW EXECUTE FUNCTION rowport_test.mute()"
    )
    batch = [*rows("a"), *rows("b", age=101), *rows("old", age=102)]
    loaded = managed.load(record_type, batch)
    assert loaded.outcomes == ["created", "failed", "failed"]
    assert "left the row out" in loaded.messages[2]
    assert loaded.before == []


@pytest.mark.parametrize("deferred", ["", " DEFERRABLE INITIALLY DEFERRED"])
def test_a_foreign_key_fails_its_rows_even_if_it_is_deferred(
    managed: Managed, record_type: RecordType, deferred: str
) -> None:
    managed.sql("CREATE TABLE rowport_test.bosses (name text PRIMARY KEY)")
    managed.sql("INSERT INTO rowport_test.bosses VALUES ('eve')")
    managed.sql(
        "ALTER TABLE rowport_test.people ADD CONSTRAINT a_boss"
        f" FOREIGN KEY (boss) REFERENCES rowport_test.bosses{deferred}"
    )
    batch = [*rows("a", boss="eve"), *rows("b", boss="nobody"), *rows("c")]
    loaded = managed.load(record_type, batch)
    assert loaded.outcomes == ["created", "failed", "created"]
    assert "'a_boss'" in loaded.messages[2]


def test_a_not_null_that_somebody_added_names_the_field(
    managed: Managed, record_type: RecordType
) -> None:
    managed.sql("ALTER TABLE rowport_test.people ALTER COLUMN boss SET NOT NULL")
    loaded = managed.load(record_type, [*rows("a"), *rows("b", boss="eve")])
    assert loaded.outcomes == ["failed", "created"]
    assert loaded.errors[0]["field"] == "boss"


def test_text_that_no_database_can_hold_fails_alone(
    managed: Managed, record_type: RecordType
) -> None:
    batch = [*rows("a\x00b"), *rows("c", boss="d\x00"), *rows("e")]
    loaded = managed.load(record_type, batch)
    assert loaded.codes == {1: "nul-character", 2: "nul-character"}
    assert loaded.outcomes[2] == "created"


def test_a_document_that_jsonb_refuses_fails_alone(
    managed: Managed, record_type: RecordType
) -> None:
    batch = [*rows("a", document='{"a": "\\u0000"}'), *rows("b", document='{"a": [1, "x"]}')]
    loaded = managed.load(record_type, batch)
    assert loaded.outcomes == ["failed", "created"]
    assert managed.sql("SELECT document FROM rowport_test.people") == [({"a": [1, "x"]},)]


def test_a_key_too_long_for_an_index_fails_alone(managed: Managed, record_type: RecordType) -> None:
    # Chance cannot be compressed below the 2704 bytes that a B-tree takes.
    long = "".join(new_uuid().hex for _ in range(1000))
    loaded = managed.load(record_type, rows("a", long, "b"))
    assert loaded.outcomes == ["created", "failed", "created"]


def test_without_a_key_rows_are_refused_alone_too(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    keyless = managed.prepare(make_people(Field(name="email"), AGE))
    managed.sql("ALTER TABLE rowport_test.people ADD CHECK (age < 100)")
    batch: list[dict[str, Any]] = [{"email": "a", "age": age} for age in (1, 200, 2)]
    assert managed.load(keyless, batch).outcomes == ["created", "failed", "created"]


@pytest.mark.parametrize(
    ("mode", "on_match", "of_old", "of_new"),
    [
        (Mode.INSERT, OnMatch.UPDATE, "failed", "created"),
        (Mode.UPSERT, OnMatch.SKIP, "skipped", "created"),
        (Mode.UPDATE, OnMatch.UPDATE, "updated", "failed"),
    ],
)
def test_modes_hold_beside_refused_rows(
    managed: Managed,
    record_type: RecordType,
    mode: Mode,
    on_match: OnMatch,
    of_old: str,
    of_new: str,
) -> None:
    managed.load(record_type, rows("old", "other"))
    managed.sql("ALTER TABLE rowport_test.people ADD CHECK (age < 100)")
    batch = [*rows("old", age=2), *rows("bad", age=200), *rows("new"), *rows("other", age=201)]
    loaded = managed.load(record_type, batch, mode=mode, on_match=on_match)
    assert loaded.outcomes[:3] == [of_old, "failed", of_new]


def test_a_missing_table_is_no_fault_of_a_row(managed: Managed, record_type: RecordType) -> None:
    managed.sql("DROP TABLE rowport_test.people")
    with pytest.raises(psycopg.errors.UndefinedTable):
        managed.load(record_type, rows("a"))


def test_a_dry_run_foresees_values_that_are_not_unique(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, [*rows("owner", badge="B-1"), *rows("other", badge="B-3")])
    batch = [
        *rows("a", badge="B-2"),
        *rows("b", badge="B-1"),
        *rows("c", badge="B-2"),
        *rows("owner", badge="B-1", age=2),
        *rows("other", badge="B-3"),
        *rows("d", "e"),
    ]
    told = managed.load(record_type, batch, mode=Mode.VALIDATE)
    done = managed.load(record_type, batch)
    assert told.outcomes == done.outcomes
    assert told.errors == done.errors
    assert told.codes == {2: "unique-error", 3: "unique-error"}


def test_the_same_row_without_a_key_cannot_be_loaded_twice(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    keyless = managed.prepare(make_people(Field(name="email")))
    import_id = new_uuid()
    managed.load(keyless, [{"email": "a"}], import_id=import_id)
    again = managed.load(keyless, [{"email": "a"}, {"email": "b"}], import_id=import_id)
    assert again.outcomes == ["failed", "created"]
    assert again.codes == {1: "record-exists"}


def test_a_dry_run_that_meets_a_refused_row_writes_nothing(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, rows("old"))
    batch = [*rows("new"), *rows("a\x00b"), *rows("old", age=2)]
    loaded = managed.load(record_type, batch, mode=Mode.VALIDATE)
    assert loaded.outcomes == ["created", "failed", "updated"]
    assert managed.sql("SELECT email, age FROM rowport_test.people") == [("old", 1)]
