"""Undo: what was before an import is given back; what others changed since is kept and named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowport.model.counts import Counts
from rowport.model.errors import (
    AlreadyUndone,
    IllegalTransition,
    NothingToUndo,
    ResultsExpired,
    Unavailable,
)
from rowport.model.imports import Mode, Policy
from rowport.model.retention import RetentionKind
from rowport.model.states import ImportState
from rowport.model.undo import UndoCounts, UndoState

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.engine.conftest import Engine, Makers

    from rowport.model.imports import Import
    from rowport.ports import Transaction
    from rowport.ports.ledger import ChunkRef, UndoLedger


def numbered(count: int, *, name: str = "U", first: int = 1) -> list[tuple[str, str, str]]:
    return [(f"u{n:03}@x.org", f"{name}{n}", "1") for n in range(first, first + count)]


def table(engine: Engine) -> list[dict[str, Any]]:
    """Give the records with all that Rowport keeps of them."""
    return engine.sql("SELECT * FROM data_default.people ORDER BY email, rowport_id")


def fates(engine: Engine, imported: Import) -> dict[int, tuple[str, str | None]]:
    """Give what undoing made of each row."""
    return {
        row.row: (row.undo.fate.word, row.undo.message)
        for row in engine.rows(imported)
        if row.undo is not None
    }


def undone(imported: Import) -> UndoCounts:
    assert imported.undo is not None
    assert imported.undo.state is UndoState.COMPLETED
    return imported.undo.counts


# ------------------------------------------------------------------------------ what was before


def test_records_made_go_and_records_changed_get_their_old_values(engine: Engine) -> None:
    engine.put()
    engine.run(numbered(10))
    before = table(engine)
    done = engine.run([*numbered(20, name="V"), ("", "Nobody", "1"), ("x@x.org", "X", "old")])
    assert done.counts == Counts(created=10, updated=10, failed=2)
    back = engine.undo(done)
    assert undone(back) == UndoCounts(reversed=20)
    assert table(engine) == before
    assert (back.state, back.result, back.counts) == (done.state, done.result, done.counts)
    assert back.chunks == done.chunks
    assert back.finished_at == done.finished_at
    assert fates(engine, back) == dict.fromkeys(range(1, 21), ("reversed", None))
    assert [row.outcome for row in engine.rows(back)] == [row.outcome for row in engine.rows(done)]


def test_undoing_twice_is_undoing_once(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(9))
    first = engine.ask_undo(done, by="ann")
    assert engine.ask_undo(done, by="bob") == first
    assert first.undo is not None
    assert (first.undo.state, first.undo.asked_by) == (UndoState.RUNNING, "ann")
    assert first.undo.counts == UndoCounts(pending=9)
    back = engine.undo(done)
    engine.run(numbered(9))
    assert engine.undo(done) == back
    assert len(engine.people()) == 9


def test_what_expired_cannot_be_undone(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(1))
    engine.sql(
        "UPDATE rowport.imports SET expired ="
        " jsonb_build_object('results', jsonb_build_object('at', clock_timestamp(), 'days', 30))"
        " WHERE id = %(id)s",
        id=done.id,
    )
    with pytest.raises(ResultsExpired, match="kept for 30 days"):
        engine.ask_undo(done)
    assert len(engine.people()) == 1


def test_what_an_undo_needs_is_kept_until_it_has_ended(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(1))
    engine.sql("UPDATE rowport.imports SET finished_at = finished_at - interval '9 days'")
    retention = engine.rowport.services.retention
    retention.set(done.organization_id, RetentionKind.RESULTS, 5)
    engine.ask_undo(done)
    retention.run(done.organization_id)
    assert engine.get(done).expired == ()
    assert undone(engine.undo(done)) == UndoCounts(reversed=1)
    retention.run(done.organization_id)
    assert [expiry.kind for expiry in engine.get(done).expired] == ["results"]


def test_imports_are_undone_one_after_the_other_in_their_order(engine: Engine) -> None:
    engine.put()
    runs = [engine.run(numbered(10 + n, name=name)) for n, name in enumerate("ABC")]
    states = [table(engine)]
    for run in reversed(runs):
        assert undone(engine.undo(run)).kept == 0
        states.append(table(engine))
    assert [len(state) for state in states] == [12, 11, 10, 0]
    assert {row["name"][0] for row in states[1]} == {"B"}


def test_an_import_that_is_not_the_last_keeps_what_the_last_one_wrote(engine: Engine) -> None:
    engine.put()
    first = engine.run(numbered(10))
    second = engine.run(numbered(3, name="V"))
    back = engine.undo(first)
    assert undone(back) == UndoCounts(reversed=7, kept=3)
    told = fates(engine, back)
    why = f"The record was changed since by row 2 of import {second.id}."
    assert told[2] == ("kept", why)
    assert engine.people() == [(f"u{n:03}@x.org", f"V{n}", 1) for n in (1, 2, 3)]
    # Given back by the later undo, the records are as the first import left them: but it is done.
    assert undone(engine.undo(second)) == UndoCounts(reversed=3)
    assert undone(engine.undo(first)) == UndoCounts(reversed=7, kept=3)


def test_values_of_every_type_come_back_as_they_were(engine: Engine, make: Makers) -> None:
    fields = {
        "s": ("string", 'a "b"\n', "x"),
        "i": ("integer", "-9007199254740993", "1"),
        "n": ("number", "12345678901234567890.000000001", "1.5"),
        "b": ("boolean", "true", "false"),
        "d": ("date", "9999-12-31", "2001-01-01"),
        "t": ("datetime", "9998-12-31T23:59:59Z", "2001-01-01T00:00:00Z"),
        "c": ("time", "23:59:59", "00:00:00"),
        "o": ("object", '{"a":[1,null]}', "{}"),
        "y": ("year", "1999", "2000"),
    }
    schema: dict[str, object] = {
        "fields": [{"name": "email"}] + [{"name": n, "type": k} for n, (k, _, _) in fields.items()],
        "primaryKey": "email",
    }
    engine.put(schema)

    def file(at: int) -> str:
        cells = [field[at] for field in fields.values()]
        return make.as_csv([["email", *fields], ["a", *cells]])

    first = engine.run(file(1))
    assert first.counts == Counts(created=1), engine.rows(first)[0].errors
    before = table(engine)
    second = engine.run(file(2))
    assert second.counts == Counts(updated=1)
    assert table(engine) != before
    engine.undo(second)
    assert table(engine) == before
    third = engine.run("email\na\n")
    assert third.counts == Counts(unchanged=1)
    cleared = engine.run(",".join(["email", *fields]) + "\na" + "," * len(fields))
    assert cleared.counts == Counts(updated=1)
    engine.undo(cleared)
    assert table(engine) == before


def test_old_values_come_back_after_their_columns_changed(engine: Engine) -> None:
    engine.put()
    engine.run(numbered(3))
    done = engine.run(numbered(3, name="V"))
    engine.put(
        {
            "fields": [
                {"name": "email", "constraints": {"required": True}},
                {"name": "age", "type": "number"},
            ],
            "primaryKey": "email",
        }
    )
    engine.run("email,age\nz,2.5\n")
    engine.sql("ALTER TABLE data_default.people DROP COLUMN name")
    # Rewritten records bear another mark, so that nobody can tell whether they were changed.
    assert undone(engine.undo(done)) == UndoCounts(kept=3)


def test_a_round_that_changed_a_record_again_is_undone_up_to_others_changes(
    engine: Engine,
) -> None:
    engine.put()
    engine.run([("a@x.org", "old", "1")])
    done = engine.run([("a@x.org", "first", "2"), ("b@x.org", "B", "x")])
    assert done.counts == Counts(updated=1, failed=1)
    other = engine.run([("a@x.org", "theirs", "3")])
    file = engine.failed_rows(done).decode().replace("b@x.org", "a@x.org").replace(",x", ",4")
    again = engine.work(engine.fix(done, file))
    assert again.counts == Counts(updated=2)
    back = engine.undo(again)
    assert engine.people() == [("a@x.org", "theirs", 3)]
    why = f"The record was changed since by row 2 of import {done.id}."
    assert fates(engine, back) == {1: ("kept", why), 2: ("reversed", None)}
    # The record is as the other import left it, so that one can be undone as well.
    assert undone(engine.undo(other)) == UndoCounts(reversed=1)


def test_rows_of_every_round_are_given_back(engine: Engine) -> None:
    engine.put()
    engine.run(numbered(9))
    before = table(engine)
    rows = [(email, name, "x" if name in {"V2", "V12"} else "2") for email, name, _ in
            numbered(15, name="V")]  # fmt: skip
    done = engine.run(rows)
    assert done.counts == Counts(created=5, updated=8, failed=2)
    again = engine.work(engine.fix(done, engine.failed_rows(done).decode().replace(",x", ",7")))
    assert again.counts == Counts(created=6, updated=9)
    assert undone(engine.undo(again)) == UndoCounts(reversed=15)
    assert table(engine) == before


def test_a_field_that_only_one_round_loaded_is_put_back_where_it_was_loaded(
    engine: Engine,
) -> None:
    engine.put()
    engine.run(numbered(4))
    before = table(engine)
    file = "email,name,town\nu001@x.org,V1,Rome\nu002@x.org,V2,Oslo\n,V3,Bonn\n"
    done = engine.run(file)
    assert done.counts == Counts(updated=2, failed=1)
    engine.put(
        {
            "fields": [
                {"name": "email", "constraints": {"required": True}},
                {"name": "name"},
                {"name": "age", "type": "integer"},
                {"name": "town"},
            ],
            "primaryKey": "email",
        }
    )
    engine.sql("UPDATE data_default.people SET town = 'Kiel' WHERE name = 'U3'")
    before = [row | {"town": "Kiel" if row["name"] == "U3" else None} for row in before]
    mended = engine.failed_rows(done).decode().replace(",V3", "u003@x.org,V3")
    again = engine.work(engine.fix(done, mended))
    assert again.counts == Counts(updated=3), engine.rows(again)
    engine.undo(again)
    assert table(engine) == before


def test_rows_loaded_one_by_one_are_given_back(engine: Engine) -> None:
    engine.put()
    engine.run(numbered(4))
    engine.sql("ALTER TABLE data_default.people ADD CHECK (name <> 'V3')")
    before = table(engine)
    done = engine.run(numbered(12, name="V"))
    assert done.counts == Counts(created=8, updated=3, failed=1)
    assert undone(engine.undo(done)) == UndoCounts(reversed=11)
    assert table(engine) == before


def test_an_import_of_all_or_nothing_is_given_back_whole(engine: Engine) -> None:
    engine.put()
    engine.run(numbered(4))
    before = table(engine)
    done = engine.run(numbered(20, name="V"), policy=Policy(all_or_nothing=True))
    assert undone(engine.undo(done)) == UndoCounts(reversed=20)
    assert table(engine) == before


def test_what_an_import_loaded_before_it_failed_is_given_back(engine: Engine) -> None:
    engine.put()
    rows = [(e, n, "x" if n in {"U9", "U10"} else a) for e, n, a in numbered(30)]
    done = engine.run(rows, policy=Policy(max_errors=1))
    assert done.state is ImportState.FAILED
    back = engine.undo(done)
    assert undone(back).reversed == done.counts.created
    assert (back.state, back.error) == (done.state, done.error)
    assert engine.people() == []
    assert engine.chunk_states(back) == engine.chunk_states(done)


# ------------------------------------------------------------------------------- what is kept


def test_what_people_changed_or_deleted_since_is_kept_and_named(engine: Engine) -> None:
    engine.put()
    engine.run(numbered(4))
    done = engine.run(numbered(8, name="V"))
    engine.sql("UPDATE data_default.people SET age = age WHERE name IN ('V2', 'V6')")
    engine.sql("DELETE FROM data_default.people WHERE name IN ('V3', 'V7')")
    back = engine.undo(done)
    assert undone(back) == UndoCounts(reversed=4, kept=4)
    told = fates(engine, back)
    assert told[2] == told[6] == ("kept", "The record was changed since, by no import.")
    assert told[3] == told[7] == ("kept", "The record was deleted since.")
    names = [name for _, name, _ in engine.people()]
    assert names == ["U1", "V2", "U4", "V6"]


def test_a_foreign_key_of_the_database_keeps_what_it_needs(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(20))
    engine.sql(
        "CREATE TABLE notes (person uuid REFERENCES data_default.people);"
        "CREATE TABLE likes (person uuid REFERENCES data_default.people ON DELETE CASCADE);"
        "INSERT INTO notes SELECT rowport_id FROM data_default.people WHERE name = 'U3';"
        "INSERT INTO likes SELECT rowport_id FROM data_default.people WHERE name = 'U9'"
    )
    back = engine.undo(done)
    assert undone(back) == UndoCounts(reversed=18, kept=2)
    told = fates(engine, back)
    assert told[3][0] == told[9][0] == "kept"
    assert "table notes refer to it (foreign key 'notes_person_fkey')" in (told[3][1] or "")
    assert "likes refer to it (foreign key 'likes_person_fkey')" in (told[9][1] or "")
    assert engine.sql("SELECT count(*) FROM likes") == [{"count": 1}]


COMPANIES: dict[str, object] = {
    "fields": [{"name": "domain", "constraints": {"required": True}}, {"name": "city"}],
    "primaryKey": "domain",
}
STAFF: dict[str, object] = {
    "fields": [
        {"name": "email", "constraints": {"required": True}},
        {"name": "company", "lookup": {"type": "companies", "by": "domain", "missing": "error"}},
        {"name": "home"},
    ],
    "primaryKey": "email",
    "foreignKeys": [{"fields": "home", "reference": {"resource": "companies", "fields": "domain"}}],
}


def test_records_that_lookups_and_foreign_keys_lead_to_are_kept(engine: Engine) -> None:
    engine.put(COMPANIES, name="companies")
    engine.put(STAFF, name="staff")
    companies = engine.run("domain,city\na.org,A\nb.org,B\nc.org,C\n", name="companies")
    staff = engine.run("email,company,home\nx,a.org,b.org\n", name="staff")
    assert staff.counts == Counts(created=1), engine.rows(staff)
    back = engine.undo(companies)
    assert fates(engine, back) == {
        1: ("kept", "Records of staff refer to it (company)."),
        2: ("kept", "Records of staff refer to it (home)."),
        3: ("reversed", None),
    }
    engine.undo(staff)
    assert engine.sql("SELECT email FROM data_default.staff") == []


TREE: dict[str, object] = {
    "fields": [{"name": "code", "constraints": {"required": True}}, {"name": "boss"}],
    "primaryKey": "code",
    "foreignKeys": [{"fields": "boss", "reference": {"resource": "", "fields": "code"}}],
}


@pytest.mark.parametrize("bound", [False, True])
def test_rows_that_refer_to_rows_of_other_chunks_go_from_the_last_to_the_first(
    engine: Engine, *, bound: bool
) -> None:
    engine.put(TREE, name="tree")
    rows = "".join(f"c{n},{f'c{n // 2}' if n > 1 else ''}\n" for n in range(1, 31))
    done = engine.run(f"code,boss\n{rows}", name="tree")
    assert done.counts == Counts(created=30)
    if bound:
        engine.sql(
            "ALTER TABLE data_default.tree ADD FOREIGN KEY (boss)"
            " REFERENCES data_default.tree (code)"
        )
    engine.sql("INSERT INTO data_default.tree SELECT gen_random_uuid(), rowport_import, 99, 'mine',"
               " 'c9' FROM data_default.tree WHERE code = 'c9'")  # fmt: skip
    back = engine.undo(done)
    assert undone(back) == UndoCounts(reversed=26, kept=4)
    left = engine.sql("SELECT code FROM data_default.tree ORDER BY code")
    assert [row["code"] for row in left] == ["c1", "c2", "c4", "c9", "mine"]


def test_values_that_another_record_took_since_are_named(engine: Engine) -> None:
    schema: dict[str, object] = {
        "fields": [{"name": "k"}, {"name": "u", "constraints": {"unique": True}}],
        "primaryKey": "k",
    }
    engine.put(schema, name="things")
    engine.run("k,u\na,1\nb,2\nc,3\n", name="things")
    # Only in this order can they change, and only in the other can they be changed back.
    done = engine.run("k,u\na,4\nb,1\nc,2\n", name="things")
    assert done.counts == Counts(updated=3), engine.rows(done)
    engine.sql("INSERT INTO data_default.things SELECT gen_random_uuid(), rowport_import, 9, 'z',"
               " '3' FROM data_default.things WHERE k = 'a'")  # fmt: skip
    back = engine.undo(done)
    told = fates(engine, back)
    assert told[3][0] == "kept"
    assert "Another record has its old value by now" in (told[3][1] or "")
    # b cannot have 2 back while c has it.
    assert {fate for fate, _ in (told[1], told[2])} == {"kept"}


def test_a_refusal_of_a_trigger_is_an_error_of_its_row(engine: Engine) -> None:
    engine.put()
    engine.run(numbered(3))
    done = engine.run(numbered(9, name="V"))
    engine.sql(
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
        "  IF OLD.name = 'V5' THEN RAISE EXCEPTION 'not %%', OLD.name; END IF;"
        "  IF OLD.name = 'V6' THEN RETURN NULL; END IF;"
        "  RETURN OLD; END$$;"
        "CREATE TRIGGER stop BEFORE DELETE ON data_default.people"
        " FOR EACH ROW EXECUTE FUNCTION stop()"
    )
    back = engine.undo(done)
    assert undone(back) == UndoCounts(reversed=7, errored=2)
    told = fates(engine, back)
    assert told[5] == ("errored", "The destination refused to give it back: not V5 (P0001).")
    assert told[6] == ("errored", "A trigger of the destination left the record as it is.")
    assert [name for _, name, _ in engine.people()] == ["U1", "U2", "U3", "V5", "V6"]


def test_without_its_table_an_import_has_nothing_to_give_back(engine: Engine) -> None:
    engine.put()
    done = engine.run(numbered(3))
    engine.sql("DROP TABLE data_default.people")
    back = engine.undo(done)
    assert fates(engine, back)[1] == ("kept", "The table data_default.people is gone.")


# --------------------------------------------------------------------------------- refused


def test_only_an_import_that_ended_can_be_undone(engine: Engine) -> None:
    engine.put()
    landed = engine.land(numbered(9))
    with pytest.raises(IllegalTransition, match="is reading; it can be undone once it has ended"):
        engine.ask_undo(landed)
    with pytest.raises(IllegalTransition, match="is queued"):
        engine.ask_undo(engine.plan(landed))
    canceled = engine.cancel(landed)
    with pytest.raises(NothingToUndo, match="wrote no record"):
        engine.ask_undo(canceled)
    dry = engine.run(numbered(9), mode=Mode.VALIDATE)
    with pytest.raises(NothingToUndo, match="is a dry run"):
        engine.ask_undo(dry)


def test_rows_of_an_import_that_was_undone_cannot_be_tried_again(engine: Engine) -> None:
    engine.put()
    done = engine.run([*numbered(3), ("a@x.org", "A", "x")])
    file = engine.failed_rows(done)
    asked = engine.ask_undo(done)
    for imported in (asked, engine.undo(done)):
        with pytest.raises(AlreadyUndone, match="was undone, or is being undone"):
            engine.retry(imported)
        with pytest.raises(AlreadyUndone):
            engine.fix(imported, file)


# ------------------------------------------------------------------------------------ deaths


def test_an_undo_that_dies_goes_on_where_it_stopped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.put()
    engine.run(numbered(10))
    before = table(engine)
    done = engine.run(numbered(30, name="V"))
    engine.ask_undo(done)
    real = type(engine.works.ledger.undos).finish
    seen: list[int] = []

    def die(
        self: UndoLedger, tx: Transaction, ref: ChunkRef, counts: UndoCounts, undone: bytes
    ) -> None:
        real(self, tx, ref, counts, undone)
        seen.append(ref.number)
        if len(seen) in {2, 3}:
            engine.sql("SELECT pg_terminate_backend(%(pid)s)", pid=tx.connection.info.backend_pid)

    monkeypatch.setattr(type(engine.works.ledger.undos), "finish", die)
    for _ in range(2):
        with pytest.raises(Unavailable):
            engine.undo(done)
    middle = engine.get(done)
    assert middle.undo is not None
    assert middle.undo.counts == UndoCounts(reversed=2, pending=28)
    assert len(engine.people()) == 28
    assert undone(engine.undo(done)) == UndoCounts(reversed=30)
    assert seen == [5, 4, 4, 4, 3, 2, 1]
    assert table(engine) == before


def test_an_undo_that_cannot_go_on_says_why_and_is_taken_up_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.put()
    done = engine.run(numbered(20))
    with monkeypatch.context() as patch:
        patch.setattr(type(engine.works.ledger.undos), "journal", lambda *_: 1 / 0)
        failed = engine.undo(done)
    assert failed.undo is not None
    assert (failed.undo.state, failed.undo.counts) == (UndoState.FAILED, UndoCounts(pending=20))
    assert failed.undo.error is not None
    assert "Rows 15 to 20 could not be given back in 3 tries" in failed.undo.error.message
    assert (failed.state, failed.error) == (ImportState.COMPLETED, None)
    assert engine.chunk_states(failed) == ["done"] * 3
    assert undone(engine.undo(failed)) == UndoCounts(reversed=20)
    assert engine.people() == []


def test_chunks_in_any_order_undo_the_same(
    new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "4")
    engine = new_engine()
    engine.put(TREE, name="tree")
    rows = "".join(f"c{n},{f'c{n - 1}' if n > 1 else ''}\n" for n in range(1, 13))
    done = engine.run(f"code,boss\n{rows}", name="tree")
    engine.ask_undo(done)
    # As if another worker had taken the last chunk and were slow.
    engine.sql("UPDATE rowport.chunks SET turn = number")
    assert undone(engine.undo(done)) == UndoCounts(reversed=12)


# -------------------------------------------------------------------------------- in general

cells = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["", "1", "2", "x"]))
files = st.lists(cells, min_size=1, max_size=12)
edits = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["touch", "delete"])), max_size=3
)


def as_file(rows: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    return [(f"{key}@x.org", f"{key}{age}", age) for key, age in rows]


@pytest.fixture
def small(new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "3")
    return new_engine()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=files, rows=files, edits=edits,
    mode=st.sampled_from([Mode.UPSERT, Mode.INSERT, Mode.UPDATE]),
    whole=st.booleans(),
)  # fmt: skip
def test_only_records_that_others_touched_differ_from_what_was(
    small: Engine,
    before: list[tuple[str, str]],
    rows: list[tuple[str, str]],
    edits: list[tuple[str, str]],
    mode: Mode,
    *,
    whole: bool,
) -> None:
    small.put()
    small.run(as_file(before))
    was = {row["email"]: row for row in table(small)}
    done = small.run(as_file(rows), mode=mode, policy=Policy(all_or_nothing=whole))
    if done.counts.failed and not whole:
        done = small.work(small.retry(done))
    if not done.counts.created + done.counts.updated:
        with pytest.raises(NothingToUndo):
            small.undo(done)
        assert {row["email"]: row for row in table(small)} == was
        small.sql("TRUNCATE data_default.people")
        return
    for key, what in edits:
        if what == "touch":
            small.sql(
                "UPDATE data_default.people SET age = 99 WHERE email = %(e)s", e=f"{key}@x.org"
            )
        else:
            small.sql("DELETE FROM data_default.people WHERE email = %(e)s", e=f"{key}@x.org")
    left = {row["email"]: row for row in table(small)}
    back = small.undo(done)
    now = {row["email"]: row for row in table(small)}
    touched = {f"{key}@x.org" for key, _ in edits}
    for email in {*was, *left, *now}:
        assert now.get(email) == (left if email in touched else was).get(email)
    counts = undone(back)
    assert counts.pending == counts.errored == 0
    assert counts.reversed + counts.kept == done.counts.created + done.counts.updated
    small.sql("TRUNCATE data_default.people")
