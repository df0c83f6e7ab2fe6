"""Pause, resume and cancel: nothing commits once they are shown, whoever holds a chunk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from rowport.model.counts import Counts
from rowport.model.errors import IllegalTransition, Unavailable
from rowport.model.imports import Policy
from rowport.model.states import ImportState
from rowport.ports.ledger import ChunkRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import

ROWPORT = Path(sys.executable).with_name("rowport")


def numbered(count: int) -> list[tuple[str, str, str]]:
    return [(f"u{n:04}@x.org", f"U{n}", "1") for n in range(1, count + 1)]


def chunk(imported: Import, number: int) -> ChunkRef:
    return ChunkRef(organization_id=imported.organization_id, import_id=imported.id, number=number)


def until(what: Callable[[], object], *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.05)


def test_a_pause_before_the_first_chunk_holds_them_all(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    paused = engine.pause(queued, by="Ann")
    assert (paused.state, paused.stopped_by) == (ImportState.PAUSED, "Ann")
    engine.drain()
    assert engine.chunk_states(queued) == ["held"] * 3
    assert engine.people() == []
    assert engine.pause(queued, by="Bob").stopped_by == "Ann"
    resumed = engine.resume(queued)
    assert (resumed.state, resumed.stopped_by) == (ImportState.QUEUED, None)
    assert engine.resume(queued).state is ImportState.QUEUED
    assert engine.work(queued).counts == Counts(created=20)


def test_a_chunk_in_flight_may_finish_before_the_pause_is_shown(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    with new_engine().rowport.database.transaction() as tx:
        assert engine.works.ledger.chunks.lock(tx, chunk(queued, 2))
        assert engine.pause(queued).state is ImportState.PAUSING
        with pytest.raises(IllegalTransition, match="pausing still"):
            engine.resume(queued)
        assert engine.look(queued).state is ImportState.PAUSING
    assert engine.look(queued).state is ImportState.PAUSED
    assert engine.chunk_states(queued) == ["held"] * 3


def test_a_pause_asked_after_the_last_chunk_completes(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(5)))
    other = new_engine()
    load = type(other.works.loading)._load_one
    loading = other.works.loading

    def pause_in_between(*words: Any) -> Any:  # noqa: ANN401  _load_one's
        result = load(loading, *words)
        assert engine.pause(queued).state is ImportState.PAUSING
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(loading), "_load_one", lambda _, *words: pause_in_between(*words))
        other.drain()
    done = engine.get(queued)
    assert (done.state, done.counts) == (ImportState.COMPLETED, Counts(created=5))


@pytest.mark.parametrize("state", ["completed", "paused", "canceled"])
def test_what_does_not_run_is_not_paused_nor_resumed(engine: Engine, state: str) -> None:
    engine.put()
    imported = engine.plan(engine.land(numbered(5)))
    if state == "completed":
        engine.work(imported)
    elif state == "canceled":
        engine.cancel(imported)
    else:
        engine.pause(imported)
        assert engine.cancel(imported).state is ImportState.CANCELED
        state = "canceled"
    with pytest.raises(IllegalTransition, match=f"is {state}; it can be paused while"):
        engine.pause(imported)
    with pytest.raises(IllegalTransition, match=f"is {state}, not paused"):
        engine.resume(imported)


@contextmanager
def zombie(other: Engine, imported: Import) -> Iterator[None]:
    """Hold the first chunk; at the end, try to load it nevertheless, in vain."""

    def come_back() -> None:
        with other.rowport.database.transaction() as tx:
            assert other.works.ledger.chunks.lock(tx, chunk(imported, 1))
            holds.set()
            over.wait(60)
            tx.connection.execute("UPDATE rowport.chunks SET state = 'done'")

    def live() -> None:
        with pytest.raises(Unavailable):
            come_back()
        died.set()

    holds, over, died = threading.Event(), threading.Event(), threading.Event()
    thread = threading.Thread(target=live)
    thread.start()
    assert holds.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert died.is_set()


@pytest.mark.parametrize("wanted", [ImportState.PAUSED, ImportState.CANCELED])
def test_a_session_that_holds_a_chunk_for_too_long_is_ended(
    new_engine: Callable[[], Engine], engine: Engine, wanted: ImportState
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    with zombie(new_engine(), queued):
        stop = engine.pause if wanted is ImportState.PAUSED else engine.cancel
        assert not stop(queued).state.is_final
        assert engine.look(queued).state is not wanted
        engine.age(queued)
        until(lambda: engine.look(queued).state is wanted, timeout_s=5)
    assert "waiting" not in engine.chunk_states(queued)


def test_a_clock_that_was_set_back_does_not_make_a_stop_wait(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    with zombie(new_engine(), queued):
        engine.pause(queued)
        engine.sql("UPDATE rowport.imports SET state_since = clock_timestamp() + interval '1 day'")
        until(lambda: engine.look(queued).state is ImportState.PAUSED, timeout_s=5)


def test_whoever_falls_silent_while_he_holds_an_import_loses_it(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    with new_engine().rowport.database.transaction() as tx:
        assert engine.works.ledger.imports.share(tx, chunk(queued, 1).whole)
        [row] = tx.connection.execute("SHOW idle_in_transaction_session_timeout").fetchall()
        assert row == {"idle_in_transaction_session_timeout": "10s"}


def test_a_chunk_of_before_the_last_start_cannot_commit(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20)))
    other = new_engine()
    loading = other.works.loading
    finish = type(loading)._still_open
    refused: list[object] = []

    def start_again_first(*words: Any) -> None:  # noqa: ANN401  _still_open's
        if not refused:
            refused.append(engine.sql("UPDATE rowport.imports SET starts = starts + 1"))
        finish(loading, *words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(loading), "_still_open", lambda _, *words: start_again_first(*words))
        with other.rowport.database.transaction() as tx:
            claimed = other.works.ledger.chunks.claim(tx)
        assert claimed is not None
        loading.load(claimed)
    assert engine.people() == []
    [row] = engine.sql("SELECT attempts, state FROM rowport.chunks WHERE number = 1")
    assert row == {"attempts": 0, "state": "waiting"}
    assert engine.work(queued).counts == Counts(created=20)


def test_an_earlier_chunk_that_is_held_still_has_the_first_rows(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    rows = [*numbered(7), ("same@x.org", "second chunk", "1"), *numbered(13)[7:]]
    rows += [("same@x.org", "third chunk", "1")]
    queued = engine.plan(engine.land(rows))
    third = chunk(queued, 3)
    other = new_engine()
    with other.rowport.database.transaction() as tx:
        *_, claimed = (other.works.ledger.chunks.claim(tx) for _ in range(3))
    assert claimed is not None
    assert claimed.ref == third
    began = threading.Event()
    wait = type(other.works.loading.first_wins).await_earlier

    def load_third() -> None:
        with pytest.MonkeyPatch.context() as patch:

            def tell(*words: Any) -> None:  # noqa: ANN401  await_earlier's
                began.set()
                wait(*words)

            patch.setattr(type(other.works.loading.first_wins), "await_earlier", tell)
            with pytest.raises(Exception, match="An earlier chunk"):
                other.works.loading.load(claimed)

    thread = threading.Thread(target=load_third)
    thread.start()
    began.wait(30)
    engine.pause(queued)
    thread.join()
    until(lambda: engine.look(queued).state is ImportState.PAUSED)
    engine.resume(queued)
    assert engine.work(queued).counts == Counts(created=14, failed=1)
    assert ("same@x.org", "second chunk", 1) in engine.people()


def test_all_or_nothing_begins_again_after_a_pause(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(20), policy=Policy(all_or_nothing=True)))
    other = new_engine()
    loading = other.works.loading
    load = type(loading)._load_next

    def pause_at_the_second(_: object, *words: Any) -> Any:  # noqa: ANN401  _load_next's
        if words[2].number == 2:
            engine.pause(queued)
        return load(loading, *words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(loading), "_load_next", pause_at_the_second)
        other.drain()
    assert engine.get(queued).state is ImportState.PAUSED
    assert engine.people() == []
    engine.resume(queued)
    assert engine.chunk_states(queued) == ["waiting", "held", "held"]
    assert engine.work(queued).counts == Counts(created=20)


def has_moved(engine: Engine, before: Import) -> bool:
    now = engine.get(before)
    return now.counts != before.counts or now.state.is_final


def test_nothing_commits_while_a_pause_is_shown_whoever_races(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    queued = engine.plan(engine.land(numbered(420)))
    workers = [new_engine() for _ in range(2)]
    over = threading.Event()

    def work(one: Engine) -> None:
        while not over.is_set():
            one.drain()
            one.works.settling.settle(chunk(queued, 1).whole)

    threads = [threading.Thread(target=work, args=(one,)) for one in workers]
    for thread in threads:
        thread.start()
    pauses = 0
    try:
        while not engine.get(queued).state.is_final:
            try:
                engine.pause(queued)
            except IllegalTransition:
                break
            until(lambda: engine.look(queued).state is not ImportState.PAUSING)
            if engine.get(queued).state is ImportState.PAUSED:
                pauses += 1
                shown = engine.get(queued).counts.created
                for _ in range(3):
                    assert len(engine.people()) == shown
                assert engine.resume(queued).state is not ImportState.PAUSED
            until(partial(has_moved, engine, engine.get(queued)))
        until(lambda: engine.get(queued).state.is_final)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert pauses > 1
    assert engine.get(queued).counts == Counts(created=420)
    assert len(engine.people()) == 420


@contextmanager
def worker(engine: Engine) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker as people run it; it has announced itself."""
    environment = {**os.environ, "ROWPORT_DATABASE_URL": engine.url}
    command = [str(ROWPORT), "--home", str(engine.rowport.home), "worker"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            until(engine.rowport.alive_workers)
            yield process
        finally:
            process.kill()


def test_a_frozen_worker_does_not_delay_a_pause_and_cannot_commit_later(engine: Engine) -> None:
    engine.put()
    with worker(engine) as process:
        with psycopg.connect(engine.url) as holder:
            holder.execute("LOCK TABLE data_default.people IN ACCESS EXCLUSIVE MODE")
            imported = engine.land(numbered(20))
            until(
                lambda: engine.sql(
                    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                    "AND datname = current_database()"
                )
            )
            process.send_signal(signal.SIGSTOP)
            holder.rollback()
        assert engine.pause(imported).state is ImportState.PAUSING
        engine.age(imported)
        until(lambda: engine.look(imported).state is ImportState.PAUSED, timeout_s=5)
        shown = engine.get(imported).counts
        process.send_signal(signal.SIGCONT)
        engine.resume(imported)
        until(lambda: engine.get(imported).state.is_final)
    assert shown == Counts(pending=20)
    assert engine.get(imported).counts == Counts(created=20)
    assert len(engine.people()) == 20
