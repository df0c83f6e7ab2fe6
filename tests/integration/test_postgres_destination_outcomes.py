"""Each outcome in each mode, and keys that stand twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rowport.model.ids import new_uuid, record_id
from rowport.model.imports import Mode, OnMatch
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Managed

    from rowport.model.record_types import RecordType

ANN = {"email": "ann@x", "name": "Ann", "age": 30}
BOB = {"email": "bob@x", "name": "Bob", "age": 40}
CAT = {"email": "cat@x", "name": "Cat", "age": 50}


@pytest.fixture
def record_type(managed: Managed, make_people: Callable[..., RecordType]) -> RecordType:
    """People with an e-mail as their key."""
    fields = (Field(name="email"), Field(name="name"), Field(name="age", type=FieldType.INTEGER))
    return managed.prepare(make_people(*fields, key=("email",)))


def names(managed: Managed) -> dict[str, str]:
    return dict(managed.sql("SELECT email, name FROM rowport_test.people"))


def test_rows_of_an_empty_table_are_created_under_ids_made_of_import_and_row(
    managed: Managed, record_type: RecordType
) -> None:
    import_id = new_uuid()
    loaded = managed.load(record_type, [ANN, BOB], import_id=import_id, first_row=7)
    assert loaded.outcomes == ["created", "created"]
    assert loaded.ids == [record_id(import_id, 7), record_id(import_id, 8)]
    assert loaded.errors == []
    assert loaded.before == []
    written = "SELECT rowport_id, rowport_import, rowport_row, email FROM rowport_test.people"
    assert sorted(managed.sql(written)) == [
        (record_id(import_id, 7), import_id, 7, "ann@x"),
        (record_id(import_id, 8), import_id, 8, "bob@x"),
    ]


def test_without_a_key_every_row_is_a_new_record(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    record_type = managed.prepare(make_people(Field(name="email")))
    loaded = managed.load(record_type, [{"email": "a"}, {"email": "a"}, {"email": None}])
    assert loaded.outcomes == ["created"] * 3
    assert len(set(loaded.ids)) == 3


def test_an_existing_record_is_updated_only_if_it_differs(
    managed: Managed, record_type: RecordType
) -> None:
    first = managed.load(record_type, [ANN, BOB])
    loaded = managed.load(record_type, [{**ANN, "name": "Anna"}, BOB, CAT])
    assert loaded.outcomes == ["updated", "unchanged", "created"]
    assert loaded.ids[:2] == first.ids
    assert loaded.before == [{"row": 1, "record_id": first.ids[0] and first.ids[0].bytes, **ANN}]
    assert names(managed) == {"ann@x": "Anna", "bob@x": "Bob", "cat@x": "Cat"}


def test_fields_that_are_not_mapped_keep_their_values(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, [ANN])
    loaded = managed.load(record_type, [{"email": "ann@x", "age": 31}])
    assert loaded.outcomes == ["updated"]
    assert loaded.before[0].keys() == {"row", "record_id", "email", "age"}
    assert managed.sql("SELECT name, age FROM rowport_test.people") == [("Ann", 31)]


def test_a_value_can_become_null_and_back(managed: Managed, record_type: RecordType) -> None:
    managed.load(record_type, [ANN])
    assert managed.load(record_type, [{**ANN, "age": None}]).outcomes == ["updated"]
    assert managed.load(record_type, [{**ANN, "age": None}]).outcomes == ["unchanged"]
    assert managed.load(record_type, [ANN]).before[0]["age"] is None


def test_only_the_key_mapped_leaves_existing_records_unchanged(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, [ANN])
    loaded = managed.load(record_type, [{"email": "ann@x"}, {"email": "new@x"}])
    assert loaded.outcomes == ["unchanged", "created"]


@pytest.mark.parametrize(
    ("mode", "on_match", "of_existing", "of_new"),
    [
        (Mode.UPSERT, OnMatch.UPDATE, "updated", "created"),
        (Mode.UPSERT, OnMatch.SKIP, "skipped", "created"),
        (Mode.UPSERT, OnMatch.ERROR, "record-exists", "created"),
        (Mode.INSERT, OnMatch.UPDATE, "record-exists", "created"),
        (Mode.INSERT, OnMatch.SKIP, "record-exists", "created"),
        (Mode.UPDATE, OnMatch.UPDATE, "updated", "record-not-found"),
        (Mode.UPDATE, OnMatch.SKIP, "skipped", "record-not-found"),
        (Mode.UPDATE, OnMatch.ERROR, "record-exists", "record-not-found"),
        (Mode.VALIDATE, OnMatch.UPDATE, "updated", "created"),
        (Mode.VALIDATE, OnMatch.SKIP, "skipped", "created"),
        (Mode.VALIDATE, OnMatch.ERROR, "record-exists", "created"),
    ],
)
def test_mode_and_on_match_decide(
    managed: Managed,
    record_type: RecordType,
    mode: Mode,
    on_match: OnMatch,
    of_existing: str,
    of_new: str,
) -> None:
    managed.load(record_type, [ANN])
    rows: list[dict[str, Any]] = [{**ANN, "name": "Anna"}, BOB]
    loaded = managed.load(record_type, rows, mode=mode, on_match=on_match)
    told = [loaded.codes.get(row, word) for row, word in enumerate(loaded.outcomes, 1)]
    assert told == [of_existing, of_new]
    assert [value is None for value in loaded.ids] == ["record" in word for word in told]
    writes = mode is not Mode.VALIDATE
    assert (names(managed)["ann@x"] == "Anna") is (writes and of_existing == "updated")
    assert ("bob@x" in names(managed)) is (writes and of_new == "created")


def test_a_dry_run_says_unchanged_and_keeps_no_before_images(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, [ANN, BOB])
    rows: list[dict[str, Any]] = [ANN, {**BOB, "age": 41}, CAT, CAT]
    loaded = managed.load(record_type, rows, mode=Mode.VALIDATE)
    assert loaded.outcomes == ["unchanged", "updated", "created", "failed"]
    assert loaded.before == []
    assert managed.sql("SELECT max(age) FROM rowport_test.people") == [(40,)]


@pytest.mark.parametrize("exists", [False, True])
def test_the_first_of_equal_keys_in_a_batch_wins_and_the_message_names_it(
    managed: Managed, record_type: RecordType, *, exists: bool
) -> None:
    if exists:
        managed.load(record_type, [{**ANN, "name": "old"}])
    rows: list[dict[str, Any]] = [BOB, ANN, {**ANN, "name": "second"}, {**ANN, "name": "third"}]
    loaded = managed.load(record_type, rows, first_row=11)
    assert loaded.outcomes == ["created", "updated" if exists else "created", "failed", "failed"]
    assert loaded.codes == {13: "unique-error", 14: "unique-error"}
    assert "'ann@x'" in loaded.messages[13]
    assert "row 12" in loaded.messages[13]
    assert [(error["field"], error["value"]) for error in loaded.errors] == [("email", "ann@x")] * 2
    assert names(managed)["ann@x"] == "Ann"


def test_a_key_that_an_earlier_batch_of_the_import_loaded_fails_and_names_its_row(
    managed: Managed, record_type: RecordType
) -> None:
    import_id = new_uuid()
    managed.load(record_type, [ANN, BOB], import_id=import_id)
    rows: list[dict[str, Any]] = [{**BOB, "name": "again"}, CAT, {**BOB, "name": "more"}]
    loaded = managed.load(record_type, rows, import_id=import_id, first_row=3)
    assert loaded.outcomes == ["failed", "created", "failed"]
    assert loaded.codes == {3: "unique-error", 5: "unique-error"}
    assert all("row 2" in message for message in loaded.messages.values())
    assert names(managed)["bob@x"] == "Bob"


def test_a_record_updated_by_an_earlier_batch_of_the_import_is_a_duplicate_too(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, [ANN])
    import_id = new_uuid()
    managed.load(record_type, [{**ANN, "age": 1}], import_id=import_id, first_row=5)
    loaded = managed.load(record_type, [{**ANN, "age": 2}], import_id=import_id, first_row=9)
    assert loaded.codes == {9: "unique-error"}
    assert "row 5" in loaded.messages[9]


def test_the_same_row_of_the_same_import_may_come_again(
    managed: Managed, record_type: RecordType
) -> None:
    import_id = new_uuid()
    managed.load(record_type, [ANN, BOB], import_id=import_id)
    again = managed.load(record_type, [ANN, {**BOB, "age": 41}], import_id=import_id)
    assert again.outcomes == ["unchanged", "updated"]


def test_a_row_without_its_whole_key_fails_alone(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    fields = (Field(name="country"), Field(name="number", type=FieldType.INTEGER))
    record_type = managed.prepare(make_people(*fields, key=("country", "number")))
    rows: list[dict[str, Any]] = [
        {"country": "DE", "number": 1},
        {"country": "DE", "number": None},
        {"country": None, "number": None},
        {"country": "DE", "number": None},
        {"country": "DE", "number": 1},
        {"country": "FR", "number": 1},
    ]
    loaded = managed.load(record_type, rows)
    assert loaded.codes == {
        2: "primary-key",
        3: "primary-key",
        4: "primary-key",
        5: "unique-error",
    }
    assert "country + number 'DE, 1'" in loaded.messages[5]
    assert loaded.outcomes[0] == loaded.outcomes[5] == "created"


def test_a_key_without_an_index_of_its_own_is_honoured_all_the_same(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    fields = (Field(name="email"), Field(name="name"))
    managed.prepare(make_people(*fields))
    managed.load(make_people(*fields), [{"email": e, "name": "x"} for e in ("a", "b", "b")])
    ad_hoc = make_people(*fields, key=("email",))
    loaded = managed.load(ad_hoc, [{"email": e, "name": "y"} for e in ("a", "b", "c")])
    assert loaded.outcomes == ["updated", "failed", "created"]
    assert "several records" in loaded.messages[2]


def test_an_empty_batch_has_no_fates(managed: Managed, record_type: RecordType) -> None:
    loaded = managed.load(record_type, [])
    assert (loaded.outcomes, loaded.ids, loaded.errors, loaded.before) == ([], [], [], [])
