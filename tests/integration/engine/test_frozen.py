"""A worker that is frozen in mid-chunk: others take it over, and its waking harms nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from rowport.model.counts import Counts
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.engine.conftest import Engine

ROWPORT = Path(sys.executable).with_name("rowport")
ROWS = [(f"u{n:03}@x.org", f"U{n}", "1") for n in range(30)]
TAKEN_OVER_S = 40.0
"""Some fifteen seconds when the machine has nothing else to do; never the 300 of the server."""


def until(what: Callable[[], object], *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.05)


@contextmanager
def worker(engine: Engine, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one more worker as people run it; it has announced itself."""
    before = engine.rowport.alive_workers()
    environment = {**os.environ, "ROWPORT_DATABASE_URL": engine.url}
    command = [str(ROWPORT), "--home", str(engine.rowport.home), "worker", *words]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: engine.rowport.alive_workers() > before)
            yield process
        finally:
            process.kill()


def blocked(engine: Engine) -> int:
    """Count the sessions that wait for a lock."""
    found = engine.sql(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database()"
    )
    return len(found)


def test_a_frozen_worker_s_chunk_is_taken_over_and_it_does_no_harm_when_it_wakes(
    engine: Engine,
) -> None:
    engine.put()
    with worker(engine) as frozen:
        with psycopg.connect(engine.url) as holder:
            holder.execute("LOCK TABLE data_default.people IN ACCESS EXCLUSIVE MODE")
            imported = engine.land(ROWS)
            until(lambda: blocked(engine))
            frozen.send_signal(signal.SIGSTOP)
            holder.rollback()
        with worker(engine):
            until(lambda: engine.get(imported).state.is_final, timeout_s=TAKEN_OVER_S)
            assert engine.rowport.alive_workers() == 1
            frozen.send_signal(signal.SIGCONT)
            until(lambda: engine.rowport.alive_workers() == 2)
        again = engine.land(ROWS)  # the one that was frozen is alone
        until(lambda: engine.get(again).state.is_final)
    done = engine.get(imported)
    assert (done.state, done.counts) == (ImportState.COMPLETED, Counts(created=30))
    assert engine.get(again).counts == Counts(unchanged=30)
    assert len(engine.people()) == 30
    assert engine.sql("SELECT 1 FROM rowport.chunks WHERE attempts + deaths > 0") == []


def test_many_slots_leave_threads_for_all_else(engine: Engine) -> None:
    engine.put()
    with worker(engine, "--slots", "12"), psycopg.connect(engine.url) as holder:
        holder.execute("LOCK TABLE data_default.people IN ACCESS EXCLUSIVE MODE")
        imported = engine.land([(f"v{n:03}@x.org", "V", "1") for n in range(7 * 12)])
        until(lambda: blocked(engine) == 12)
        other = engine.land(ROWS)
        until(lambda: engine.get(other).state is ImportState.QUEUED)
        assert engine.rowport.alive_workers() == 1
        holder.rollback()
        until(lambda: engine.get(other).state.is_final)
    assert engine.get(imported).counts == Counts(created=84)
