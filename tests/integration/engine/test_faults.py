"""Faults: what is the chunk's own is tried three times, what is not costs it nothing."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from rowport.model.counts import Counts
from rowport.model.errors import Unavailable
from rowport.model.imports import Policy
from rowport.model.states import ImportState
from rowport.ports.ledger import ChunkRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.engine.conftest import Engine, Makers

ALL_OR_NOTHING = Policy(all_or_nothing=True)


def numbered(count: int, *, prefix: str = "u") -> list[tuple[str, str, str]]:
    return [(f"{prefix}{n:03}@x.org", f"U{n}", "1") for n in range(1, count + 1)]


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.005)


@contextmanager
def holding(url: str, statement: LiteralString) -> Iterator[psycopg.Connection]:
    """Hold a lock that a worker will run into."""
    with psycopg.connect(url) as connection:
        connection.execute(statement)
        yield connection


@contextmanager
def aside(what: Callable[[], None]) -> Iterator[Future[None]]:
    """Do something in another thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(what)


def blocked(engine: Engine) -> list[int]:
    """Give the sessions that wait for a lock."""
    found = engine.sql(
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database() AND application_name = 'rowport'"
    )
    return [row["pid"] for row in found]


HOLD_TABLE = "LOCK TABLE data_default.people IN ACCESS EXCLUSIVE MODE"


# ------------------------------------------------------------------------------ the chunk's own


def test_a_file_that_is_gone_fails_its_import_after_three_tries(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    engine.rowport.blobs.delete(f"imports/{queued.id}/")
    done = engine.work(queued)
    assert (done.state, done.counts) == (ImportState.FAILED, Counts(pending=20))
    assert done.error is not None
    assert done.error.code == "not_found"
    assert done.error.message.startswith("Rows 1 to 7 could not be loaded in 3 tries: ")
    [first, *_] = engine.sql("SELECT attempts FROM rowport.chunks ORDER BY number")
    assert first["attempts"] == 3


def test_a_fault_nobody_foresaw_fails_its_import_and_no_other(engine: Engine) -> None:
    engine.put()
    broken = engine.plan(engine.land(numbered(20)))
    engine.rowport.blobs.write(f"imports/{broken.id}/chunks/2", iter([b"no Arrow stream"]))
    engine.sql(
        "UPDATE rowport.chunks SET staged = %(name)s WHERE number = 2",
        name=f"imports/{broken.id}/chunks/2",
    )
    other = engine.plan(engine.land(numbered(20, prefix="v")))
    done = engine.work(broken)
    assert done.error is not None
    assert done.error.code == "chunk_failed"
    assert done.error.message.startswith("Rows 8 to 14 could not be loaded in 3 tries: ")
    assert (done.counts.created + done.counts.pending, done.counts.total) == (20, 20)
    assert engine.work(other).counts == Counts(created=20)


def test_a_chunk_that_kills_its_worker_is_found_out(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    engine.sql("UPDATE rowport.chunks SET deaths = 10 WHERE number = 2")
    other = engine.plan(engine.land(numbered(20, prefix="v")))
    done = engine.work(queued)
    assert done.error is not None
    assert done.error.code == "chunk_failed"
    assert "in 10 tries: its worker died each time" in done.error.message
    assert engine.words(done)[7:14] == ["pending"] * 7
    assert engine.work(other).counts == Counts(created=20)


def test_a_chunk_in_flight_when_its_import_fails_is_not_loaded_again(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    rows = [*numbered(7), ("", "no", "key"), *numbered(13, prefix="v")]
    queued = engine.plan(engine.land(rows, policy=Policy(max_errors=0)))
    third = ChunkRef(organization_id=queued.organization_id, import_id=queued.id, number=3)
    other = new_engine()
    with other.rowport.database.transaction() as tx:
        assert other.works.ledger.chunks.lock(tx, third)
        engine.drain()
        assert engine.get(queued).state is ImportState.FAILED
        assert engine.chunk_states(queued) == ["done", "done", "waiting"]
    engine.hurry()
    engine.drain()
    assert engine.chunk_states(queued) == ["done", "done", "void"]
    assert engine.get(queued).counts == Counts(created=13, failed=1, pending=7)


def test_words_that_a_database_cannot_hold_are_written_otherwise(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(5)))

    def fail(*_: object) -> None:
        raise ValueError("a\x00b\udc80c")

    monkeypatch.setattr(type(engine.works.loading), "load", fail)
    done = engine.work(queued)
    assert done.error is not None
    assert done.error.message.endswith("ValueError: a\\0b\\udc80c")


# ------------------------------------------------------------------------------- surroundings


def test_a_lost_connection_costs_no_attempt(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    with holding(engine.url, HOLD_TABLE) as holder, aside(engine.drain) as draining:
        until(lambda: blocked(engine))
        for pid in blocked(engine):
            engine.sql("SELECT pg_terminate_backend(%(pid)s)", pid=pid)
        with pytest.raises(Unavailable):
            draining.result(20)
        holder.rollback()
    assert engine.sql("SELECT 1 FROM rowport.chunks WHERE attempts + deaths > 0") == []
    assert engine.work(queued).counts == Counts(created=20)


def test_a_frozen_worker_loses_its_transaction_as_in_any_outage(engine: Engine) -> None:
    database = engine.rowport.database

    def sleep_in_mid_transaction() -> None:
        with database.transaction() as tx:
            pid = tx.connection.info.backend_pid
            tx.connection.execute("SET idle_in_transaction_session_timeout = 10")
            alive = "SELECT 1 FROM pg_stat_activity WHERE pid = %(pid)s"
            until(lambda: not engine.sql(alive, pid=pid))
            tx.connection.execute("SELECT 1")

    with pytest.raises(Unavailable):
        sleep_in_mid_transaction()


def test_connections_that_died_idle_are_replaced_unnoticed(engine: Engine) -> None:
    engine.put()
    engine.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'rowport' AND datname = current_database()"
    )
    assert engine.run(numbered(3)).counts == Counts(created=3)


def test_threads_that_came_and_went_leave_no_connection_behind(engine: Engine) -> None:
    database = engine.rowport.database

    def nest() -> None:
        with database.transaction(), database.transaction():
            pass

    for _ in range(20):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(nest).result(20)
    [row] = engine.sql(
        "SELECT count(*) AS connections FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'rowport'"
    )
    assert row["connections"] == 2


def test_the_isolation_level_is_ours_whatever_the_server_s(
    new_engine: Callable[[], Engine], database_url: str
) -> None:
    engine = new_engine()
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(
            psycopg.sql.SQL(
                "ALTER DATABASE {} SET default_transaction_isolation = 'serializable'"
            ).format(psycopg.sql.Identifier(name))
        )
    with engine.rowport.database.transaction() as tx:
        found = tx.connection.execute("SHOW transaction_isolation").fetchone()
    assert found == {"transaction_isolation": "read committed"}


def test_a_hold_from_before_the_clock_was_set_back_counts_for_nothing(engine: Engine) -> None:
    engine.put()
    engine.plan(engine.land(numbered(3)))
    engine.sql("UPDATE rowport.chunks SET run_after = clock_timestamp() + interval '20 seconds'")
    with engine.rowport.database.transaction() as tx:
        assert engine.works.ledger.chunks.claim(tx) is None
        assert not engine.works.ledger.chunks.any_waits(tx)
    engine.sql("UPDATE rowport.chunks SET run_after = clock_timestamp() + interval '1 hour'")
    with engine.rowport.database.transaction() as tx:
        assert engine.works.ledger.chunks.any_waits(tx)
        assert engine.works.ledger.chunks.claim(tx) is not None


def test_nobody_begins_with_a_chunk_while_the_schema_changes(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    with holding(engine.url, "SELECT pg_advisory_lock(7239871001)"):
        engine.drain()
        assert engine.chunk_states(queued) == ["waiting"] * 3
        assert engine.sql("SELECT 1 FROM rowport.chunks WHERE deaths > 0") == []
    assert engine.work(queued).counts == Counts(created=20)


def test_a_worker_that_takes_long_to_begin_keeps_its_chunk(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    other = new_engine()
    hold: LiteralString = "SELECT 1 FROM rowport.imports FOR UPDATE"
    with holding(engine.url, hold) as holder, aside(engine.drain) as draining:
        until(lambda: blocked(engine))
        engine.hurry()
        with other.rowport.database.transaction() as tx:
            claimed = other.works.ledger.chunks.claim(tx)
        assert claimed is not None
        assert claimed.ref.number == 2
        holder.rollback()
        engine.hurry()
        draining.result(20)
    assert engine.work(queued).counts == Counts(created=20)


def test_the_file_stays_when_nobody_knows_whether_the_import_does(engine: Engine) -> None:
    engine.put()
    engine.sql(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$"
    )
    engine.sql(
        "CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON rowport.imports "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lose()"
    )
    with pytest.raises(Unavailable):
        engine.land(numbered(3))
    assert [p.name for p in (engine.rowport.home / "blobs").rglob("*") if p.is_file()] == ["1"]


# -------------------------------------------------------------------------------- cancel, one piece


def test_a_chunk_in_flight_ends_before_canceled_is_shown(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    with holding(engine.url, HOLD_TABLE) as holder, aside(engine.drain) as draining:
        until(lambda: blocked(engine))
        canceling = engine.cancel(queued)
        assert canceling.state is ImportState.CANCELING
        assert engine.chunk_states(queued) == ["waiting", "void", "void"]
        holder.rollback()
        draining.result(20)
    done = engine.get(queued)
    assert (done.state, done.counts) == (ImportState.CANCELED, Counts(created=7, pending=13))
    assert len(engine.people()) == 7


def test_what_was_all_done_when_cancel_came_is_completed(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(5)))
    with holding(engine.url, HOLD_TABLE) as holder, aside(engine.drain) as draining:
        until(lambda: blocked(engine))
        assert engine.cancel(queued).state is ImportState.CANCELING
        holder.rollback()
        draining.result(20)
    assert engine.get(queued).state is ImportState.COMPLETED


def test_all_or_nothing_is_canceled_between_two_chunks(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20), policy=ALL_OR_NOTHING))
    with holding(engine.url, HOLD_TABLE) as holder, aside(engine.drain) as draining:
        until(lambda: blocked(engine))
        assert engine.cancel(queued).state is ImportState.CANCELING
        holder.rollback()
        draining.result(20)
    done = engine.get(queued)
    assert (done.state, done.counts) == (ImportState.CANCELED, Counts(pending=20))
    assert engine.people() == []
    assert engine.chunk_states(queued) == ["void"] * 3


def test_nothing_of_all_or_nothing_is_seen_before_all_of_it(engine: Engine) -> None:
    engine.put()
    engine.run([("u016@x.org", "Old", "9")])
    queued = engine.plan(engine.land(numbered(20), policy=ALL_OR_NOTHING))
    hold: LiteralString = "SELECT 1 FROM data_default.people FOR UPDATE"
    with holding(engine.url, hold) as holder, aside(engine.drain) as draining:
        until(lambda: blocked(engine))  # in the third chunk
        assert engine.people() == [("u016@x.org", "Old", 9)]
        assert engine.get(queued).counts == Counts(pending=20)
        holder.rollback()
        draining.result(20)
    assert engine.get(queued).counts == Counts(created=19, updated=1)
    assert len(engine.people()) == 20


def test_two_imports_of_the_same_keys_at_once_both_end(
    new_engine: Callable[[], Engine], engine: Engine, make: Makers
) -> None:
    engine.put()
    rows = numbered(60)
    one = engine.plan(engine.land(rows))
    two = engine.plan(engine.land([(e, n, "2") for e, n, _ in reversed(rows)]))
    workers = [engine, new_engine()]
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(w.work, i) for w, i in zip(workers, [one, two], strict=True)]:
            ended = done.result(60)
            assert ended.state is ImportState.COMPLETED
    for ended in (engine.get(one), engine.get(two)):
        assert (ended.counts.total, ended.counts.failed) == (60, 0)
    counts = engine.get(one).counts + engine.get(two).counts
    assert (counts.created, counts.created + counts.updated) == (60, 120)
    assert len(engine.people()) == 60
    assert make.ref_of(one) != make.ref_of(two)
