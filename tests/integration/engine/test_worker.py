"""The worker process on a database by URL: what it lives through, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg

from rowport.model.counts import Counts
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import

ROWPORT = Path(sys.executable).with_name("rowport")
ROWS = [(f"u{n:03}@x.org", f"U{n}", "1") for n in range(30)]


def until(what: Callable[[], object], *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.05)


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


def ended(engine: Engine, imported: Import) -> Import:
    """Wait for the import's end."""
    until(lambda: engine.get(imported).state.is_final)
    return engine.get(imported)


def test_a_worker_reads_loads_and_goes_on_after_losing_its_connections(engine: Engine) -> None:
    engine.put()
    with worker(engine):
        assert ended(engine, engine.land(ROWS)).counts == Counts(created=30)
        asked: LiteralString = (
            "SELECT pid FROM pg_stat_activity WHERE query ILIKE 'LISTEN%%' "
            "AND datname = current_database() ORDER BY backend_start"
        )
        until(lambda: len(engine.sql(asked)) == 2)
        listeners = engine.sql(asked)
        # Only one of the two workers inside loses its line.
        engine.sql("SELECT pg_terminate_backend(%(pid)s)", pid=listeners[0]["pid"])
        assert ended(engine, engine.land(ROWS)).counts == Counts(unchanged=30)
        engine.sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert ended(engine, engine.land(ROWS)).counts == Counts(unchanged=30)


def test_sigterm_ends_a_worker_in_mid_chunk_within_ten_seconds(engine: Engine) -> None:
    engine.put()
    with worker(engine) as process, psycopg.connect(engine.url) as holder:
        holder.execute("LOCK TABLE data_default.people IN ACCESS EXCLUSIVE MODE")
        imported = engine.land(ROWS)
        until(
            lambda: engine.sql(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND datname = current_database()"
            )
        )
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert time.monotonic() - began < 10
        holder.rollback()
    assert not engine.get(imported).state.is_final
    until(lambda: engine.rowport.alive_workers() == 0)
    assert engine.work(imported).counts == Counts(created=30)


def test_a_file_that_kills_who_reads_it_is_found_out(engine: Engine) -> None:
    engine.put()
    imported = engine.land(ROWS)
    engine.sql(  # as ten workers that died while reading leave it behind
        "UPDATE rowport_jobs.procrastinate_jobs SET status = 'doing', "
        "args = args || jsonb_build_object('deaths', '9')"
    )
    with worker(engine):
        done = ended(engine, imported)
    assert done.error is not None
    assert (done.state, done.error.code) == (ImportState.FAILED, "reading_failed")
    assert done.error.message.endswith("it brought down its worker each time.")


def test_a_plan_whose_worker_died_is_made_again(engine: Engine) -> None:
    engine.put()
    imported = engine.land(ROWS)
    engine.sql("UPDATE rowport_jobs.procrastinate_jobs SET status = 'doing'")
    plans: LiteralString = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'plan'"
    with worker(engine):
        assert ended(engine, imported).counts == Counts(created=30)
        until(lambda: engine.sql(plans) == [])


def test_an_import_that_nobody_can_read_fails_instead_of_staying(engine: Engine) -> None:
    engine.put()
    imported = engine.land(ROWS)
    engine.sql("UPDATE rowport.record_type_versions SET schema_document = '{}'")
    with worker(engine):
        done = ended(engine, imported)
    assert done.error is not None
    assert (done.state, done.error.code) == (ImportState.FAILED, "reading_failed")
