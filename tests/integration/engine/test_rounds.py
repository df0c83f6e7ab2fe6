"""Retry and fix: rows are tried again in the same import, never twice, and the counts stay true."""

from __future__ import annotations

import csv
import io
import threading
from typing import TYPE_CHECKING

import pytest

from rowport.engine.accounting import decode
from rowport.model.counts import Counts
from rowport.model.errors import (
    IllegalTransition,
    InvalidOptions,
    MappingIncomplete,
    NothingToRetry,
    NotMendable,
    ResultsExpired,
    RowportError,
)
from rowport.model.imports import Mode, OnMatch, Policy
from rowport.model.states import ImportState, Result
from rowport.ports.ledger import ChunkRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import

LENIENT: dict[str, object] = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"required": True}},
        {"name": "name", "type": "string"},
        {"name": "age", "type": "integer", "bareNumber": False},
    ],
    "primaryKey": "email",
}


def numbered(count: int, *, bad: frozenset[int] = frozenset()) -> list[tuple[str, str, str]]:
    return [
        (f"u{n:03}@x.org", f"U{n}", f"{n} years" if n in bad else "1") for n in range(1, count + 1)
    ]


BAD = frozenset({2, 9, 20})


def lines_of(file: bytes | str) -> list[list[str]]:
    text = file if isinstance(file, str) else file.decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def edited(file: bytes | str, *, row: int, column: str, cell: str) -> str:
    rows = lines_of(file)
    header = rows[0]
    at = header.index(column)
    for line in rows[1:]:
        if line[header.index("_row")] == str(row):
            line[at] = cell
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def without(file: bytes | str, *rows: int) -> str:
    lines = lines_of(file)
    at = lines[0].index("_row")
    out = io.StringIO()
    csv.writer(out).writerows(
        [lines[0], *(line for line in lines[1:] if int(line[at]) not in rows)]
    )
    return out.getvalue()


# ------------------------------------------------------------------------------------- retry


def test_a_retry_after_the_schema_was_mended_tries_failed_rows_only(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD))
    assert done.counts == Counts(created=17, failed=3)
    ids = {row.row: row.record_id for row in engine.rows(done)}
    engine.put(LENIENT)
    begun = engine.retry(done)
    assert (begun.state, begun.type_version, begun.finished_at) == (ImportState.QUEUED, 2, None)
    assert begun.counts == done.counts
    again = engine.work(begun)
    assert (again.counts, again.result) == (Counts(created=20), Result.SUCCEEDED)
    assert len(engine.people()) == 20
    assert ("u009@x.org", "U9", 9) in engine.people()
    after = {row.row: row for row in engine.rows(again)}
    assert {n: after[n].record_id for n, known in ids.items() if known} == {
        n: known for n, known in ids.items() if known
    }
    assert [row.line for row in after.values()] == list(range(2, 22))
    assert not any(row.errors or row.raw for row in after.values())
    with pytest.raises(NothingToRetry):
        engine.retry(again)


@pytest.mark.parametrize("kind", ["upload", "staging", "results"])
def test_what_expired_is_not_tried_again(engine: Engine, kind: str) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD))
    file = engine.failed_rows(done)
    engine.sql(
        "UPDATE rowport.imports SET expired = jsonb_build_object(%(kind)s::text,"
        " jsonb_build_object('at', clock_timestamp(), 'days', 30)) WHERE id = %(id)s",
        kind=kind,
        id=done.id,
    )
    with pytest.raises(ResultsExpired, match=f"its {kind} expired on .*kept for 30 days"):
        engine.retry(done)
    with pytest.raises(ResultsExpired):
        engine.fix(done, file)
    assert engine.get(done).state is ImportState.COMPLETED


def test_a_retry_that_changes_nothing_tells_the_same(engine: Engine) -> None:
    engine.put()
    done = engine.run([*numbered(9, bad=BAD), ("a", "b"), ("a", "b", "1", "x")])
    before = engine.rows(done)
    again = engine.work(engine.retry(done))
    assert again.counts == done.counts == Counts(created=7, failed=4)
    assert engine.rows(again) == before


def test_a_retry_takes_up_what_was_never_processed(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(30, bad=BAD), policy=Policy(max_errors=1))
    assert done.error is not None
    assert (done.error.code, done.counts) == (
        "too_many_errors", Counts(created=12, failed=2, pending=16),
    )  # fmt: skip
    engine.put(LENIENT)
    again = engine.work(engine.retry(done))
    assert (again.state, again.error, again.counts) == (
        ImportState.COMPLETED, None, Counts(created=30),
    )  # fmt: skip


@pytest.mark.parametrize("policy", [Policy(max_errors=1), Policy(all_or_nothing=True)])
def test_what_failed_by_its_policy_can_be_tried_again_and_a_dry_run_cannot(
    engine: Engine, policy: Policy
) -> None:
    engine.put()
    wet = engine.run(numbered(20, bad=BAD), policy=policy)
    assert wet.error is not None
    assert wet.error.retryable
    engine.put(LENIENT)
    assert engine.work(engine.retry(wet)).counts == Counts(created=20)
    engine.put()
    dry = engine.run(numbered(20, bad=BAD), policy=policy, mode=Mode.VALIDATE)
    assert dry.error is not None
    assert not dry.error.retryable
    with pytest.raises(InvalidOptions, match="is a dry run"):
        engine.retry(dry)


def test_what_lacked_a_column_can_be_tried_again_and_what_is_no_table_cannot(
    engine: Engine,
) -> None:
    engine.put()
    lacking = engine.plan(engine.land("name,age\nAnn,1\n", waits_for_mapping=False))
    assert lacking.error is not None
    assert (lacking.error.code, lacking.error.retryable) == ("mapping_incomplete", True)
    engine.put({"fields": [{"name": "name", "type": "string"}, {"name": "age", "type": "integer"}]})
    assert engine.work(engine.retry(lacking)).counts == Counts(created=1)
    empty = engine.plan(engine.land("name,age\n"))
    assert empty.error is not None
    assert (empty.error.code, empty.error.retryable) == ("empty_file", False)


def test_a_retry_still_bears_only_so_many_errors(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(30, bad=BAD), policy=Policy(max_errors=1))
    again = engine.work(engine.retry(done))
    assert again.error is not None
    assert again.error.code == "too_many_errors"
    assert again.counts.total == 30


def test_a_canceled_import_is_taken_up_again(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20, bad=BAD)))
    canceled = engine.cancel(queued)
    assert (canceled.state, canceled.counts) == (ImportState.CANCELED, Counts(pending=20))
    again = engine.work(engine.retry(canceled))
    assert (again.state, again.counts) == (ImportState.COMPLETED, Counts(created=17, failed=3))


def test_a_canceled_round_leaves_failed_rows_failed(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD))
    canceled = engine.cancel(engine.retry(done))
    assert (canceled.state, canceled.counts) == (ImportState.COMPLETED, done.counts)
    assert engine.chunk_states(done) == ["done"] * 3
    engine.put(LENIENT)
    assert engine.work(engine.retry(canceled)).counts == Counts(created=20)


def test_a_paused_round_goes_on(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD))
    engine.put(LENIENT)
    paused = engine.pause(engine.retry(done))
    assert (paused.state, paused.counts) == (ImportState.PAUSED, done.counts)
    engine.resume(paused)
    assert engine.work(engine.get(done)).counts == Counts(created=20)


def test_all_or_nothing_is_tried_as_a_whole(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD), policy=Policy(all_or_nothing=True))
    assert (done.state, engine.people()) == (ImportState.FAILED, [])
    again = engine.work(engine.retry(done))
    assert (again.state, again.counts, engine.people()) == (ImportState.FAILED, done.counts, [])
    engine.put(LENIENT)
    last = engine.work(engine.retry(again))
    assert (last.state, last.counts) == (ImportState.COMPLETED, Counts(created=20))
    assert len(engine.people()) == 20


@pytest.mark.parametrize("on_match", ["update", "skip"])
def test_a_row_whose_key_was_loaded_by_another_row_stays_failed(
    engine: Engine, on_match: str
) -> None:
    engine.put()
    engine.run([("old@x.org", "Old", "1")])
    rows = [
        ("new@x.org", "bad", "1 year"), ("old@x.org", "bad", "1 year"), *numbered(7),
        ("new@x.org", "good", "1"), ("old@x.org", "Old", "1"),
    ]  # fmt: skip
    done = engine.run(rows, on_match=OnMatch(on_match))
    assert done.counts.failed == 2
    engine.put(LENIENT)
    again = engine.work(engine.retry(done))
    assert again.counts == done.counts
    assert engine.words(again)[:2] == ["failed unique-error"] * 2
    assert ("new@x.org", "good", 1) in engine.people()


def test_of_two_rows_with_one_key_the_first_wins_in_a_round_too(engine: Engine) -> None:
    engine.put()
    rows = [("k@x.org", "one", "1 year"), *numbered(9), ("k@x.org", "two", "2 years")]
    done = engine.run(rows)
    engine.put(LENIENT)
    again = engine.work(engine.retry(done))
    assert again.counts == Counts(created=10, failed=1)
    assert ("k@x.org", "one", 1) in engine.people()


def test_a_file_that_could_not_be_read_is_read_again(engine: Engine) -> None:
    engine.put()
    broken = engine.work(engine.land("email,name,age\n", file_name="empty.csv"))
    assert (broken.state, broken.chunks.total) == (ImportState.FAILED, 0)
    again = engine.retry(broken)
    assert again.state is ImportState.READING
    assert engine.work(again).error == broken.error


def test_a_dry_run_is_not_tried_again(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD), mode=Mode.VALIDATE)
    with pytest.raises(InvalidOptions, match="is a dry run"):
        engine.retry(done)
    with pytest.raises(InvalidOptions, match="is a dry run"):
        engine.fix(done, engine.failed_rows(done))


def test_what_has_not_ended_is_not_tried_again(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    with pytest.raises(IllegalTransition, match="once it has ended"):
        engine.retry(queued)


def test_a_record_type_that_needs_another_column_refuses_the_retry(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(3, bad=BAD))
    fields = [
        *LENIENT["fields"],  # type: ignore[misc]  # a list
        {"name": "town", "type": "string"},
    ]
    engine.put({**LENIENT, "fields": fields})
    engine.sql(
        "UPDATE rowport.record_type_versions SET schema_document = jsonb_set(schema_document, "
        "'{fields,3,constraints}', '{\"required\": true}') WHERE version = 2"
    )
    with pytest.raises(MappingIncomplete, match="no column for town"):
        engine.retry(done)
    assert engine.get(done) == done


def test_a_chunk_in_flight_of_an_import_that_failed_does_not_hold_a_retry_up(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    rows = [*numbered(7), ("", "no", "key"), *numbered(20)[7:]]
    queued = engine.plan(engine.land(rows, policy=Policy(max_errors=0)))
    third = ChunkRef(organization_id=queued.organization_id, import_id=queued.id, number=3)
    zombie, holds, over = new_engine(), threading.Event(), threading.Event()
    met: list[BaseException] = []

    def hold() -> None:
        try:
            with zombie.rowport.database.transaction() as tx:
                assert zombie.works.ledger.chunks.lock(tx, third)
                holds.set()
                over.wait(60)
                tx.connection.execute("SELECT 1")
        except RowportError as error:
            met.append(error)

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait(60)
    engine.drain()
    assert engine.get(queued).state is ImportState.FAILED
    begun = engine.retry(engine.get(queued))
    over.set()
    thread.join()
    assert [type(error).__name__ for error in met] == ["Unavailable"]
    engine.work(begun)
    assert engine.get(queued).counts.total == 21


def test_two_retries_at_once_are_one(new_engine: Callable[[], Engine], engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(30, bad=BAD))
    engine.put(LENIENT)
    gate, refused = threading.Barrier(2), []

    def ask(one: Engine) -> None:
        gate.wait()
        try:
            one.retry(done)
        except IllegalTransition as error:
            refused.append(error)

    threads = [threading.Thread(target=ask, args=(new_engine(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert engine.sql("SELECT count(*) AS n FROM rowport.rounds") == [{"n": 1}]
    assert engine.work(engine.get(done)).counts == Counts(created=30)


# --------------------------------------------------------------------------------------- fix


def test_mended_rows_join_their_import(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD))
    file = edited(engine.failed_rows(done), row=9, column="age", cell="99")
    file = without(file, 2)
    begun = engine.fix(done, file)
    assert begun.state is ImportState.QUEUED
    again = engine.work(begun)
    assert again.counts == Counts(created=18, failed=2)
    assert ("u009@x.org", "U9", 99) in engine.people()
    rows = {row.row: row for row in engine.rows(again)}
    assert rows[9].line == 10
    assert rows[2] == next(row for row in engine.rows(done) if row.row == 2)
    assert engine.fix(again, file).updated_at == again.updated_at
    assert engine.get(again) == again
    last = edited(without(engine.failed_rows(again), 20), row=2, column="age", cell="2")
    assert engine.work(engine.fix(again, last)).counts == Counts(created=19, failed=1)


def test_a_workbook_can_be_sent_back(engine: Engine) -> None:
    engine.put(LENIENT)
    done = engine.run([("=a@x.org", "", "old"), *numbered(8)])
    engine.put({**LENIENT, "fields": [
        *LENIENT["fields"][:2], {"name": "age", "type": "string"},  # type: ignore[index]  # a list
    ]})  # fmt: skip
    book = engine.failed_rows(done, "xlsx")
    again = engine.work(engine.fix(done, book, file_name="failed.xlsx"))
    assert again.counts == Counts(created=9)
    assert ("=a@x.org", None, "old") in engine.people()


def test_rows_that_were_too_long_or_too_short_can_be_mended(engine: Engine) -> None:
    engine.put()
    done = engine.run("email,name,age\na@x.org,A,1,more,x\nb@x.org,B\nc@x.org,C,3,y\n")
    assert done.counts == Counts(failed=3)
    file = edited(engine.failed_rows(done), row=1, column="_extra", cell="")
    again = engine.work(engine.fix(done, file))
    assert engine.words(again) == ["created", "created", "failed extra-cell"]
    assert engine.rows(again)[2].raw == ("c@x.org", "C", "3", "y")
    assert engine.people() == [("a@x.org", "A", 1), ("b@x.org", "B", None)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"row": 9, "column": "_row", "cell": "8"}, "row 8, which did not fail"),
        ({"row": 9, "column": "_row", "cell": "99"}, "row 99, but the import has 20 rows"),
        ({"row": 9, "column": "_row", "cell": "2"}, "row 2 more than once"),
        ({"row": 9, "column": "_row", "cell": "x"}, "'x' in column _row is no row number"),
        ({"row": 9, "column": "_extra", "cell": "x"}, "JSON list of the cells"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(
    engine: Engine, change: dict[str, object], said: str
) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD))
    file = edited(engine.failed_rows(done), **change)  # type: ignore[arg-type]  # edited's words
    with pytest.raises(NotMendable, match=said):
        engine.fix(done, file)
    assert engine.get(done) == done
    assert not list((engine.rowport.home / "blobs/imports" / str(done.id)).rglob("rounds/*/*"))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("email,name,age", "is no failed-rows file"),
        ("email,nickname,age,_row,_line,_errors,_extra", "other columns than the import"),
    ],
)
def test_a_file_of_another_shape_is_refused(engine: Engine, header: str, said: str) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD))
    with pytest.raises(NotMendable, match=said):
        engine.fix(done, f"{header}\n" + ",".join("1" for _ in header.split(",")) + "\n")


def test_rows_never_processed_are_no_failed_rows(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(30, bad=BAD), policy=Policy(max_errors=1))
    file = edited(engine.failed_rows(done), row=2, column="_row", cell="25")
    with pytest.raises(NotMendable, match="row 25, never processed so far"):
        engine.fix(done, file)


def test_a_fix_takes_up_what_was_never_processed(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(30, bad=frozenset({2, 9})), policy=Policy(max_errors=1))
    assert done.counts == Counts(created=12, failed=2, pending=16)
    file = edited(without(engine.failed_rows(done), 9), row=2, column="age", cell="2")
    again = engine.work(engine.fix(done, file))
    assert (again.state, again.counts) == (
        ImportState.COMPLETED, Counts(created=29, failed=1),
    )  # fmt: skip


def test_mended_rows_that_a_canceled_round_did_not_come_to_are_not_forgotten(
    engine: Engine,
) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD))
    first = edited(without(engine.failed_rows(done), 9, 20), row=2, column="age", cell="2")
    canceled = engine.cancel(engine.fix(done, first))
    second = edited(without(engine.failed_rows(done), 2, 20), row=9, column="age", cell="9")
    again = engine.work(engine.fix(canceled, second))
    assert again.counts == Counts(created=18, failed=2)
    assert engine.work(engine.retry(again)).counts == Counts(created=19, failed=1)
    assert ("u002@x.org", "U2", 2) in engine.people()


def test_a_mended_row_that_fails_again_is_shown_as_it_was_mended(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=BAD))
    file = edited(engine.failed_rows(done), row=9, column="age", cell="nine")
    again = engine.work(engine.fix(done, file))
    assert again.counts == done.counts
    assert engine.rows(again)[8].raw == ("u009@x.org", "U9", "nine")
    engine.put({**LENIENT, "fields": [
        *LENIENT["fields"][:2], {"name": "age", "type": "string"},  # type: ignore[index]  # a list
    ]})  # fmt: skip
    assert engine.work(engine.retry(again)).counts == Counts(created=20)
    assert ("u009@x.org", "U9", "nine") in engine.people()


def test_all_or_nothing_takes_mended_rows_with_all_others(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=frozenset({9})), policy=Policy(all_or_nothing=True))
    file = edited(engine.failed_rows(done), row=9, column="age", cell="9")
    again = engine.work(engine.fix(done, file))
    assert (again.state, again.counts) == (ImportState.COMPLETED, Counts(created=20))


def test_mended_rows_of_a_whole_that_failed_again_stay_mended(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20, bad=frozenset({9, 20})), policy=Policy(all_or_nothing=True))
    first = edited(without(engine.failed_rows(done), 20), row=9, column="age", cell="99")
    again = engine.work(engine.fix(done, first))
    assert again.counts == Counts(failed=1, pending=19)
    second = edited(engine.failed_rows(again), row=20, column="age", cell="20")
    assert engine.work(engine.fix(again, second)).counts == Counts(created=20)
    assert ("u009@x.org", "U9", 99) in engine.people()


def test_updated_records_keep_the_images_of_every_round(engine: Engine) -> None:
    engine.put()
    engine.run(numbered(9))
    changed = [(email, name + "!", age) for email, name, age in numbered(9, bad=BAD)]
    done = engine.run(changed)
    assert done.counts == Counts(updated=7, failed=2)
    engine.put(LENIENT)
    again = engine.work(engine.retry(done))
    assert again.counts == Counts(updated=9)
    first = first_chunk(again)
    with engine.rowport.database.transaction() as tx:
        fates = engine.works.ledger.chunks.result(tx, first)
    assert fates is not None
    images = decode(fates.before)
    assert images is not None
    assert sorted(images["row"].to_pylist()) == list(range(1, 8))


def first_chunk(imported: Import) -> ChunkRef:
    return ChunkRef(organization_id=imported.organization_id, import_id=imported.id, number=1)


def test_rows_that_span_lines_keep_theirs_until_they_are_fine(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "200")  # the lines of fewer rows are all kept
    engine.put()
    rows = "".join(
        f'"u{n}@x.org","two\nlines",{"x" if n in {2, 3} else 1}\n' for n in range(1, 151)
    )
    done = engine.run(f"email,name,age\n{rows}")
    assert [row.line for row in engine.rows(done)][:4] == [None, 4, 6, None]
    file = edited(engine.failed_rows(done), row=3, column="age", cell="3")
    again = engine.work(engine.fix(done, file))
    assert again.counts == Counts(created=149, failed=1)
    assert [row.line for row in engine.rows(again)][:4] == [None, 4, None, None]
    assert engine.work(engine.retry(again)).counts == again.counts
