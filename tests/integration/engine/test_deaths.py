"""A worker's death: an accident costs a chunk nothing, and a chunk that kills is found out."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest

from rowport.model.counts import Counts
from rowport.model.states import ImportState
from rowport.runtime.draining import work_on
from rowport.runtime.trial import TrialDied, TrialEnded, run_alone

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.engine.conftest import Engine

ROWS = [(f"u{n:03}@x.org", f"U{n}", "1") for n in range(20)]
POISON = """
import importlib.util, os, signal, sys

class Poison:
    \"\"\"A row with the word `poison` kills whoever loads it, as a fault in C would.\"\"\"

    def find_spec(self, name, path=None, target=None):
        if name != "rowport.service.chunk_reading":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (run(module), self.put_into(module))
        return spec

    def put_into(self, module):
        parse = module.ChunkReading._parse
        def parse_or_die(reading, *given):
            parsed = parse(reading, *given)
            if "poison" in parsed.cells.column(1).to_pylist():
                os.kill(os.getpid(), signal.SIGKILL)
            return parsed
        module.ChunkReading._parse = parse_or_die

sys.meta_path.insert(0, Poison())
"""


def die_with_a_chunk(engine: Engine) -> None:
    """Claim the next chunk and tell nothing of it, as a worker does that is killed."""
    engine.hurry()
    with engine.rowport.database.transaction() as tx:
        claimed = engine.works.ledger.chunks.claim(tx)
    assert claimed is not None
    assert claimed.ref.number == 1


def tries(engine: Engine) -> list[tuple[int, int]]:
    """Give attempts and deaths of each chunk."""
    found = engine.sql("SELECT attempts, deaths FROM rowport.chunks ORDER BY number")
    return [(row["attempts"], row["deaths"]) for row in found]


def test_accidents_on_one_chunk_do_not_fail_its_import(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(ROWS))
    for _ in range(5):
        die_with_a_chunk(engine)
    assert tries(engine) == [(0, 5), (0, 0), (0, 0)]
    done = engine.work(queued)
    assert (done.state, done.counts) == (ImportState.COMPLETED, Counts(created=20))
    assert len(engine.people()) == 20


def test_who_locks_a_chunk_for_a_moment_costs_it_no_death(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(ROWS[:5]))
    with engine.rowport.database.transaction() as tx:
        claimed = engine.works.ledger.chunks.claim(tx)
    assert claimed is not None
    with psycopg.connect(engine.url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT 1 FROM rowport.chunks FOR UPDATE")
        loading = pool.submit(work_on, engine.works, claimed, lambda: False)
        with pytest.raises(TimeoutError):
            loading.result(0.05)
        other.rollback()
        loading.result(20)
    assert engine.get(queued).counts == Counts(created=5)
    assert tries(engine) == [(0, 0)]


def test_a_fault_in_a_process_of_its_own_counts_once(engine: Engine) -> None:
    engine.put()
    queued = engine.plan(engine.land(ROWS[:5]))
    engine.rowport.blobs.delete(f"imports/{queued.id}/")
    die_with_a_chunk(engine)
    engine.hurry()
    engine.drain()
    assert tries(engine) == [(1, 1)]
    done = engine.work(queued)
    assert done.error is not None
    assert (done.error.code, tries(engine)) == ("not_found", [(3, 1)])


def test_a_chunk_that_kills_every_process_is_found_out_and_others_go_on(
    engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(POISON)
    engine.put()
    poisoned = engine.plan(engine.land([*ROWS[:7], ("p@x.org", "poison", "1"), *ROWS[7:]]))
    other = engine.plan(engine.land([(f"v{email}", name, age) for email, name, age in ROWS]))
    environment = {
        **os.environ,
        "ROWPORT_DATABASE_URL": engine.url,
        "PYTHONPATH": str(tmp_path),
    }
    command = [*engine.rowport.worker_command(), "--until-idle"]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            )
            for _ in range(2)
        ]
        for worker in workers:
            stack.callback(worker.kill)
        assert sorted(worker.wait(90) for worker in workers) == [-signal.SIGKILL, 0]
    done = engine.get(poisoned)
    assert done.error is not None
    assert (done.state, done.error.code) == (ImportState.FAILED, "chunk_failed")
    assert done.error.message == (
        "Rows 8 to 14 could not be loaded in 3 tries: "
        "it ended the process that did nothing else (SIGKILL)"
    )
    assert engine.words(done)[7:14] == ["pending"] * 7
    assert engine.get(other).counts == Counts(created=20)


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        ("exit 0", None),
        ("exit 1", TrialDied),
        ("exit 4", TrialEnded),
        ("kill -KILL $$", TrialDied),
        ("kill -SEGV $$", TrialDied),
        ("kill -TERM $$", TrialEnded),
    ],
)
def test_how_a_process_ends_tells_whose_fault_it_was(
    script: str, verdict: type[Exception] | None
) -> None:
    with ExitStack() as stack:
        if verdict is not None:
            stack.enter_context(pytest.raises(verdict))
        run_alone(lambda: subprocess.Popen(["/bin/sh", "-c", script]), should_stop=lambda: False)


def test_a_worker_that_is_told_to_stop_ends_its_trial() -> None:
    process = subprocess.Popen(["/bin/sh", "-c", "read forever"], stdin=subprocess.PIPE)
    with pytest.raises(TrialEnded):
        run_alone(lambda: process, should_stop=lambda: True)
    assert process.returncode == -signal.SIGKILL


def test_a_process_that_cannot_be_started_is_nobody_s_fault(tmp_path: Path) -> None:
    with pytest.raises(TrialEnded, match="No process can be started"):
        run_alone(lambda: subprocess.Popen([tmp_path / "none"]), should_stop=lambda: False)


def test_a_file_whose_reader_died_by_accident_is_read_alone(engine: Engine) -> None:
    engine.put()
    imported = engine.land(ROWS)
    engine.sql(
        'UPDATE rowport_jobs.procrastinate_jobs SET args = args || \'{"deaths": "5"}\' '
        "WHERE task_name = 'plan'"
    )
    environment = {**os.environ, "ROWPORT_DATABASE_URL": engine.url}
    command = [*engine.rowport.worker_command(), "--until-idle"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, timeout=90)
    assert done.returncode == 0
    assert engine.get(imported).counts == Counts(created=20)
