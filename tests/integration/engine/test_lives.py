"""Imports from their landing to their end, in every mode and under every policy."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from rowport.model.counts import Counts
from rowport.model.errors import IllegalTransition, InvalidOptions, UnreadableFile
from rowport.model.imports import Mode, OnMatch, Policy
from rowport.model.states import ImportState, Result

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Engine, Makers

OLD = [("a@x.org", "Ann", "30"), ("b@x.org", "Bob", "40")]
NEW = [
    ("a@x.org", "Ann", "30"),
    ("b@x.org", "Bo", "40"),
    ("c@x.org", "Cy", "50"),
    ("", "Di", "60"),
    ("e@x.org", "Ed", "old"),
    ("c@x.org", "Zoe", "1"),
]
INVALID = ["failed primary-key", "failed type-error", "failed unique-error"]
LOADED = [("a@x.org", "Ann", 30), ("b@x.org", "Bo", 40), ("c@x.org", "Cy", 50)]
KEPT = [("a@x.org", "Ann", 30), ("b@x.org", "Bob", 40), ("c@x.org", "Cy", 50)]
BEFORE = [("a@x.org", "Ann", 30), ("b@x.org", "Bob", 40)]


@pytest.mark.parametrize(
    ("mode", "on_match", "words", "table"),
    [
        ("upsert", "update", ["unchanged", "updated", "created"], LOADED),
        ("upsert", "skip", ["skipped", "skipped", "created"], KEPT),
        (
            "upsert",
            "error",
            ["failed record-exists", "failed record-exists", "created"],
            KEPT,
        ),
        ("insert", "update", ["failed record-exists", "failed record-exists", "created"], KEPT),
        ("update", "update", ["unchanged", "updated", "failed record-not-found"], LOADED[:2]),
        ("validate", "update", ["unchanged", "updated", "created"], BEFORE),
        ("validate", "skip", ["skipped", "skipped", "created"], BEFORE),
    ],
)
def test_each_mode_gives_each_row_its_fate(
    engine: Engine, mode: str, on_match: str, words: list[str], table: list[tuple[object, ...]]
) -> None:
    engine.put()
    engine.run(OLD)
    done = engine.run(NEW, mode=Mode(mode), on_match=OnMatch(on_match))
    got = engine.words(done)
    assert got[:3] == words
    assert got[3:5] == INVALID[:2]
    # Nobody creates the record in mode update, so both rows fail for the same reason.
    assert got[5] in {"failed unique-error", "failed record-not-found"}
    assert engine.people() == table
    assert done.state is ImportState.COMPLETED
    assert done.result is Result.PARTIAL
    assert done.counts.total == len(NEW)
    assert done.counts.pending == 0
    assert done.counts.failed == sum(word.startswith("failed") for word in got)


def numbered(count: int, *, bad: frozenset[int] = frozenset()) -> list[tuple[str, str, str]]:
    return [(f"u{n:03}@x.org", f"U{n}", "x" if n in bad else "1") for n in range(1, count + 1)]


def test_valid_rows_takes_what_is_good(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(30, bad=frozenset({1, 8, 30})))
    assert done.counts == Counts(created=27, failed=3)
    assert done.chunks.total == done.chunks.done == 5
    assert len(engine.people()) == 27


def test_too_many_errors_end_the_import_and_keep_what_was_loaded(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(30, bad=frozenset({2, 9, 10})), policy=Policy(max_errors=1))
    assert done.state is ImportState.FAILED
    assert done.error is not None
    assert done.error.code == "too_many_errors"
    assert done.counts == Counts(created=6 + 5, failed=3, pending=30 - 14)
    assert engine.chunk_states(done) == ["done", "done", "void", "void", "void"]
    assert len(engine.people()) == 11
    assert engine.words(done)[14:] == ["pending"] * 16


def test_as_many_errors_as_allowed_are_borne(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(30, bad=frozenset({2, 9})), policy=Policy(max_errors=2))
    assert (done.state, done.counts.failed) == (ImportState.COMPLETED, 2)


def test_all_or_nothing_loads_a_good_file_as_one(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(30), policy=Policy(all_or_nothing=True))
    assert done.state is ImportState.COMPLETED
    assert done.counts == Counts(created=30)
    assert (done.chunks.total, done.chunks.done) == (5, 5)
    assert len(engine.people()) == 30


def test_all_or_nothing_keeps_nothing_of_a_bad_file(engine: Engine) -> None:
    engine.put()
    engine.run(OLD)
    rows = [*OLD[:1], ("b@x.org", "Changed", "1"), *numbered(28, bad=frozenset({28}))]
    done = engine.run(rows, policy=Policy(all_or_nothing=True))
    assert done.state is ImportState.FAILED
    assert done.error is not None
    assert done.error.code == "not_all_rows_valid"
    assert done.counts == Counts(failed=1, pending=29)
    assert engine.words(done) == ["pending"] * 29 + ["failed type-error"]
    assert engine.people() == BEFORE


def test_a_dry_run_of_all_or_nothing_sees_repeats_across_chunks(engine: Engine) -> None:
    engine.put()
    rows = [*numbered(12), ("u001@x.org", "again", "2")]
    done = engine.run(rows, mode=Mode.VALIDATE, policy=Policy(all_or_nothing=True))
    assert engine.words(done)[12] == "failed unique-error"
    assert done.counts.failed == 1


def test_the_fate_of_a_row_without_an_outcome_is_pending(engine: Engine) -> None:
    engine.put()
    landed = engine.land(numbered(9))
    assert engine.rows(landed) == []
    planned = engine.plan(landed)
    assert engine.words(planned) == ["pending"] * 9
    assert [row.row for row in engine.rows(planned)] == list(range(1, 10))
    assert {row.line for row in engine.rows(planned)} == {None}


# ---------------------------------------------------------------------------------- not loaded


def test_a_required_field_without_a_column_waits_for_a_mapping(engine: Engine) -> None:
    engine.put()
    waiting = engine.plan(engine.land("mail,name\na@x.org,Ann\n"))
    assert waiting.state is ImportState.NEEDS_MAPPING
    engine.drain()
    assert engine.get(waiting) == waiting
    assert waiting.counts.processed == 0
    assert engine.cancel(waiting).state is ImportState.CANCELED


def test_an_import_that_waits_for_nobody_fails_without_its_columns(engine: Engine) -> None:
    engine.put()
    landed = engine.land("mail,name\na@x.org,Ann\n", waits_for_mapping=False)
    assert not landed.options.waits_for_mapping
    failed = engine.plan(landed)
    assert failed.error is not None
    assert (failed.state, failed.error.code) == (ImportState.FAILED, "mapping_incomplete")
    assert failed.error.message == "people.csv has no column for email."


def test_a_header_without_rows_fails_as_empty(engine: Engine) -> None:
    engine.put()
    done = engine.run("email,name,age\n")
    assert done.error is not None
    assert (done.state, done.error.code) == (ImportState.FAILED, "empty_file")


def test_bytes_that_are_no_table_fail_as_unreadable(engine: Engine) -> None:
    engine.put()
    done = engine.run(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(200))
    assert done.error is not None
    assert (done.state, done.error.code) == (ImportState.FAILED, "unreadable_file")


def test_no_byte_is_refused_at_the_door_and_leaves_nothing(engine: Engine) -> None:
    engine.put()
    with pytest.raises(UnreadableFile, match="nothing to import"):
        engine.land(b"")
    assert engine.rowport.services.imports.list(engine.rowport.organization.id, limit=9) == []
    assert [p for p in (engine.rowport.home / "blobs").rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("asked", ["nothing", ["csv"], {"a": 1}, 7])
def test_a_format_that_does_not_exist_fails_the_import(engine: Engine, asked: object) -> None:
    engine.put()
    done = engine.run(OLD, format={"format": asked})
    assert done.error is not None
    assert done.error.code == "invalid_options"


# ---------------------------------------------------------------------------------------- keys


def test_a_key_must_be_a_field(engine: Engine) -> None:
    engine.put()
    with pytest.raises(InvalidOptions, match="not a field of people"):
        engine.land(OLD, key=("mail",))


def test_a_key_must_be_unique_in_the_destination(engine: Engine) -> None:
    engine.put()
    with pytest.raises(InvalidOptions, match="does not keep name unique"):
        engine.land(OLD, key=("name",))


def test_mode_update_needs_a_key(engine: Engine, make: Makers) -> None:
    engine.put({"fields": make.people["fields"]})
    with pytest.raises(InvalidOptions, match="no key"):
        engine.land(OLD, mode=Mode.UPDATE)


def test_without_a_key_every_row_is_a_record(engine: Engine, make: Makers) -> None:
    engine.put({"fields": make.people["fields"]})
    done = engine.run([*OLD, *OLD] * 4)
    assert done.counts == Counts(created=16)
    assert len(engine.people()) == 16


def test_a_unique_field_can_be_the_key_of_one_import(engine: Engine) -> None:
    fields = [
        {"name": "email", "type": "string", "constraints": {"required": True}},
        {"name": "name", "type": "string", "constraints": {"unique": True}},
        {"name": "age", "type": "integer"},
    ]
    engine.put({"fields": fields, "primaryKey": "email"})
    engine.run(OLD)
    done = engine.run([("a@x.org", "Ann", "31")], key=("name",))
    assert done.counts == Counts(updated=1)
    assert engine.people()[0] == ("a@x.org", "Ann", 31)


# -------------------------------------------------------------------------------------- cancel


def test_cancel_before_reading_ends_it(engine: Engine) -> None:
    engine.put()
    landed = engine.land(OLD)
    assert engine.cancel(landed).state is ImportState.CANCELED
    assert engine.plan(landed).state is ImportState.CANCELED
    assert engine.people() == []


def test_cancel_before_the_first_chunk_loads_nothing(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    assert queued.state is ImportState.QUEUED
    canceled = engine.cancel(queued)
    assert (canceled.state, canceled.counts) == (ImportState.CANCELED, Counts(pending=20))
    engine.drain()
    assert engine.people() == []
    assert engine.chunk_states(queued) == ["void"] * 3


def test_what_has_ended_cannot_be_canceled(engine: Engine) -> None:
    engine.put()
    done = engine.run(OLD)
    with pytest.raises(IllegalTransition, match="completed already"):
        engine.cancel(done)


def test_canceling_twice_is_canceling_once(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    for old, new in pairwise(("queued", "running", "canceling")):
        engine.sql(
            "UPDATE rowport.imports SET state = %(new)s, previous_state = %(old)s", old=old, new=new
        )
    assert engine.cancel(queued).state is ImportState.CANCELED


# ----------------------------------------------------------------------------- other record type


def test_an_import_keeps_the_record_type_it_began_with(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(OLD))
    fields = [{"name": name} for name in ("email", "name", "age", "town")]
    fields[2]["type"] = "integer"
    newer = engine.put({"fields": fields, "primaryKey": "email"})
    assert newer.version == 2
    done = engine.work(queued)
    assert (done.type_version, done.counts) == (1, Counts(created=2))
    columns = engine.sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'people'"
    )
    assert "town" in {row["column_name"] for row in columns}


@pytest.mark.parametrize(("percent", "state"), [("10", "completed"), ("9.9", "failed")])
def test_a_part_of_all_rows_may_fail(engine: Engine, percent: str, state: str) -> None:
    engine.put()
    done = engine.run(
        numbered(30, bad=frozenset({2, 9, 30})),
        policy=Policy(max_errors_percent=Decimal(percent)),
    )
    assert done.state == state
    assert engine.get(done).options.policy.word == f"max_errors={percent}%"
    if state == "failed":
        assert done.error is not None
        assert done.error.message.startswith("3 of 30 row(s) failed; the policy is max_errors=9.9%")
