"""Clocks that jump, forward or back: nothing is stuck longer than its cap, nothing is done twice.

To set the database's clock back by a day and to date all that is written a day ahead is the same
to whoever compares the two; so the tests shift what is written.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from rowport.model.counts import Counts
from rowport.model.states import ImportState
from rowport.runtime import queue
from rowport.runtime.worker import PERIODS, Worker, register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.engine.conftest import Engine

ROWPORT = Path(sys.executable).with_name("rowport")
ROWS = [(f"u{n:03}@x.org", f"U{n}", "1") for n in range(30)]
JUMPS = ["1 hour", "-1 hour", "30 days", "-30 days"]
TIMES: LiteralString = """
SELECT format('UPDATE %%I.%%I SET %%s', c.table_schema, c.table_name,
              string_agg(format('%%I = %%I + %%L::interval', c.column_name, c.column_name,
                                %(jump)s::text), ', ')) AS shift
FROM information_schema.columns AS c
JOIN information_schema.tables AS t USING (table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.data_type = 'timestamp with time zone'
  AND c.table_schema IN ('rowport', 'rowport_jobs')
GROUP BY c.table_schema, c.table_name
"""


def until(what: Callable[[], object], *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.05)


def jump(engine: Engine, how_far: str) -> None:
    """Let all that is written be so much later than it was: the clock went back by that."""
    with psycopg.connect(
        engine.url,
        autocommit=True,
        options="-c search_path=rowport_jobs -c session_replication_role=replica",
    ) as connection:
        for (shift,) in connection.execute(TIMES, {"jump": how_far}).fetchall():
            while True:
                try:
                    connection.execute(shift)
                except psycopg.errors.DeadlockDetected:  # workers write the same rows
                    continue
                break


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


def test_imports_go_on_whichever_way_the_clock_jumps_and_how_far(engine: Engine) -> None:
    engine.put()
    rows = [(f"w{n:04}@x.org", "W", "1") for n in range(420)]
    with worker(engine):
        imported = engine.land(rows)
        for how_far in JUMPS:
            jump(engine, how_far)
            time.sleep(0.3)
        until(lambda: engine.get(imported).state.is_final)
        last = engine.land(ROWS)
        until(lambda: engine.get(last).state.is_final)
    done = engine.get(imported)
    assert (done.state, done.counts) == (ImportState.COMPLETED, Counts(created=420))
    assert engine.get(last).counts.total == len(ROWS)
    assert engine.sql("SELECT 1 FROM rowport.chunks WHERE attempts > 0") == []
    assert len(engine.people()) == 450


@pytest.mark.parametrize("how_far", ["30 days", "-1 hour"])
def test_what_a_dead_worker_left_is_found_whatever_the_clock_shows(
    engine: Engine, how_far: str
) -> None:
    engine.put()
    imported = engine.land(ROWS)
    engine.sql(  # a worker died while it read the file
        "WITH dead AS (INSERT INTO rowport_jobs.procrastinate_workers DEFAULT VALUES RETURNING id) "
        "UPDATE rowport_jobs.procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
    )
    jump(engine, how_far)
    with worker(engine):
        until(lambda: engine.get(imported).state.is_final)
    assert engine.get(imported).counts == Counts(created=30)


def test_a_job_of_a_worker_whose_clock_is_ahead_is_done_now(engine: Engine) -> None:
    engine.put()
    imported = engine.land(ROWS)
    engine.sql(
        "UPDATE rowport_jobs.procrastinate_jobs SET scheduled_at = now() + interval '30 days'"
    )
    with worker(engine):
        until(lambda: engine.get(imported).state.is_final)
    assert engine.get(imported).counts == Counts(created=30)


def test_the_tick_is_called_once_a_turn_wherever_the_clock_goes(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, month = 1_780_000_000, 30 * 86_400
    clock = iter([now, now + 1, now + 2, now + month, now - month, now - month + 2, now + 4])
    called: list[int] = []

    class Ended(Exception):
        """The clock has no more to show."""

    def ticks() -> list[int]:
        found = engine.sql(
            "DELETE FROM procrastinate_jobs WHERE task_name = 'tick' "
            "RETURNING (args ->> 'timestamp')::bigint AS turn"
        )
        return [row["turn"] for row in found]

    def show() -> int:
        called.extend(ticks())
        try:
            return next(clock)
        except StopIteration:
            raise Ended from None

    async def keep_time() -> None:
        app = engine.rowport.new_app()
        register(app, Worker(engine.rowport.surroundings()))
        async with app.open_async():
            await queue.keep_time(app, {"tick": PERIODS["tick"]})

    monkeypatch.setattr(queue, "LOOK_S", 0)
    monkeypatch.setattr(queue, "time", SimpleNamespace(time=show))
    with pytest.raises(Ended):
        asyncio.run(keep_time())
    assert called == [now, now + 2, now + month, now - month, now - month + 2, now + 4]
