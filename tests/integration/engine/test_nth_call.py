"""Each call to the database and the blob store breaks once: every import comes to the same end.

Each kind of import runs once to count its calls; then again for each of them, which breaks before
it is sent or after it was answered.  Whoever asked asks again, as people do, and the worker's tasks
run again, as the queue and the tick see to; nothing else helps.
"""

from __future__ import annotations

import os
import random
import subprocess
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.integration.engine.faults import Faults, Moment, put_between

from rowport.model.counts import Counts
from rowport.model.errors import IllegalTransition, Unavailable
from rowport.model.imports import Mode, OnMatch, Policy
from rowport.model.states import ImportState
from rowport.runtime.trial import OUTAGE, Trial
from rowport.runtime.worker import Worker, run_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.engine.conftest import Engine, Makers

    from rowport.model.imports import Import

CASES = os.environ.get("NTH_CALLS", "15")
"""Faults of each kind of import in one run, chosen by the seed; `all` is every call, both ways."""
SEED = os.environ.get("NTH_CALLS_SEED", "1")
ROUNDS = 60
"""Runs of all tasks after which an import that does not end is stuck."""
OLD = [(f"u{n:02}@x.org", f"U{n}", str(n)) for n in range(1, 11)]
NEW = [(f"u{n:02}@x.org", f"U{n}", "5" if n % 2 else str(n)) for n in range(1, 15)]
BAD = [*NEW[:9], ("u10@x.org", "U10", "old"), *NEW[10:]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of import: what is there before, what is asked, and what everything comes to."""

    rows: list[tuple[str, str, str]]
    counts: Counts
    options: dict[str, Any] = field(default_factory=dict)
    has_old: bool = False
    """Whether the records of OLD are there before."""
    state: ImportState = ImportState.COMPLETED
    then: str | None = None
    """What a person asks once it has ended; `counts` are those after that."""


KINDS = {
    "insert": Kind(rows=BAD, options={"mode": Mode.INSERT}, counts=Counts(created=13, failed=1)),
    "upsert": Kind(rows=NEW, has_old=True, counts=Counts(created=4, updated=4, unchanged=6)),
    "skip": Kind(
        rows=NEW,
        has_old=True,
        options={"on_match": OnMatch.SKIP},
        counts=Counts(created=4, skipped=10),
    ),
    "all_or_nothing": Kind(
        rows=NEW,
        has_old=True,
        options={"policy": Policy(all_or_nothing=True)},
        counts=Counts(created=4, updated=4, unchanged=6),
    ),
    "nothing": Kind(
        rows=BAD,
        options={"policy": Policy(all_or_nothing=True)},
        counts=Counts(failed=1, pending=13),
        state=ImportState.FAILED,
    ),
    "validate": Kind(
        rows=BAD,
        has_old=True,
        options={"mode": Mode.VALIDATE},
        counts=Counts(created=4, updated=4, unchanged=5, failed=1),
    ),
    "retry": Kind(rows=BAD, counts=Counts(created=13, failed=1), then="retry"),
    "fix": Kind(rows=BAD, counts=Counts(created=14), then="fix"),
    "undo": Kind(
        rows=NEW,
        has_old=True,
        counts=Counts(created=4, updated=4, unchanged=6),
        then="undo",
    ),
}


class Here(subprocess.Popen[bytes]):
    """A trial in this process: one of its own takes longer than a thousand calls."""

    def __init__(self, engine: Engine, trial: Trial) -> None:
        self.stdin = None
        try:
            run_trial(engine.works, trial)
        except Unavailable:
            self.returncode = OUTAGE
        else:
            self.returncode = 0

    def poll(self) -> int:
        """Give how it ended."""
        return int(self.returncode)

    def wait(self, timeout: float | None = None) -> int:
        """Give how it ended."""
        del timeout
        return int(self.returncode)

    def __del__(self) -> None:
        """There is no process to be warned of."""


@dataclass(slots=True, kw_only=True)
class Runs:
    """Runs imports of one kind, one after the other, in one process that lives on."""

    engine: Engine
    kind: Kind
    worker: Worker
    faults: Faults
    ref_of: Callable[[Import], Any]
    line: psycopg.Connection[dict[str, Any]]

    def run(self, at: int | None, moment: Moment = Moment.BEFORE) -> tuple[object, ...]:
        """Run one import; call number `at` breaks.  Gives what it came to."""
        self._sql("DELETE FROM data_default.people")
        if self.kind.has_old:
            self._sql("INSERT INTO data_default.people SELECT * FROM data_default.old")
        imported = self.engine.land(self.kind.rows, **self.kind.options)
        if self.kind.then is None:
            with self.faults.armed(at, moment):
                self._work(imported)
        else:
            self._work(imported)
            with self.faults.armed(at, moment):
                self._ask(imported)
                self._work(imported)
        return self._seen(imported)

    def _ask(self, imported: Import) -> None:
        """Ask for what comes then, until there is an answer."""
        with self.faults.resting():
            mended = self.engine.failed_rows(imported).replace(b",old,", b",77,")
        asks: dict[str | None, Callable[[], object]] = {
            "retry": lambda: self.engine.retry(imported),
            "fix": lambda: self.engine.fix(imported, mended),
            "undo": lambda: self.engine.ask_undo(imported),
        }
        while True:
            try:
                asks[self.kind.then]()
            except Unavailable:
                continue
            except IllegalTransition:  # it was begun, and only the answer was lost
                assert self.faults.calls
            return

    def _work(self, imported: Import) -> None:
        """Do what the queue would have workers do, until nothing is to be done."""
        tasks: list[Callable[[], object]] = [
            lambda: self.worker.plan(self.ref_of(imported), tries=0, deaths=0),
            self.worker.drain,
            self.worker.tick,
        ]
        for _ in range(ROUNDS):
            self._sql(
                "UPDATE rowport.chunks SET run_after = '-infinity' WHERE import_id = %(id)s "
                "AND state IN ('waiting', 'undoing')",
                id=imported.id,
            )
            for task in tasks:
                try:
                    task()
                except Unavailable:
                    continue
            if self._has_ended(imported):
                return
        raise AssertionError("it does not end")

    def _has_ended(self, imported: Import) -> bool:
        [row] = self._sql(
            "SELECT i.finished_at IS NOT NULL AND NOT EXISTS (SELECT FROM rowport.undos AS u "
            "WHERE u.finished_at IS NULL) AS ended FROM rowport.imports AS i WHERE i.id = %(id)s",
            id=imported.id,
        )
        return bool(row["ended"])

    def _seen(self, imported: Import) -> tuple[object, ...]:
        """Give all that people can see of it, and what must be gone."""
        job = self.engine.get(imported)
        told = self._sql(
            "SELECT kind, count(*) FROM rowport.events WHERE import_id = %(id)s "
            "AND kind IN ('import.completed', 'import.failed') GROUP BY kind",
            id=imported.id,
        )
        left = self._sql(
            "SELECT 1 FROM rowport.chunks WHERE import_id = %(id)s AND attempts + deaths > 0 "
            "UNION ALL SELECT 2 FROM rowport.chunk_keys WHERE import_id = %(id)s",
            id=imported.id,
        )
        undo = job.undo and (job.undo.state, job.undo.counts)
        return (
            job.state,
            job.counts,
            self.engine.words(imported),
            self.engine.people(),
            [(row["kind"], row["count"]) for row in told],
            undo,
            left,
        )

    def _sql(self, statement: LiteralString, **parameters: object) -> list[dict[str, Any]]:
        """Ask on a line that does not break."""
        cursor = self.line.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def line(database_url: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """Our own line to the server, which may forget what it said last when the machine goes down."""
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        name = psycopg.sql.Identifier(connection.info.dbname)
        connection.execute(
            psycopg.sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name)
        )
        connection.execute("SET synchronous_commit = off")
        yield connection


@pytest.mark.parametrize("name", KINDS)
def test_whichever_call_breaks_the_import_comes_to_the_same_end(
    engine: Engine,
    make: Makers,
    line: psycopg.Connection[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    kind, faults = KINDS[name], Faults()
    put_between(faults, monkeypatch)
    engine.put()
    engine.run(OLD)
    line.execute("CREATE TABLE data_default.old AS TABLE data_default.people")
    around = engine.rowport.surroundings()
    worker = Worker(replace(around, start_trial=partial(Here, engine)))
    runs = Runs(
        engine=engine, kind=kind, worker=worker, faults=faults, ref_of=make.ref_of, line=line
    )
    right = runs.run(None)
    assert right[:2] == (kind.state, kind.counts)
    assert right[-1] == []
    undo = engine.sql("SELECT finished_at, error_code FROM rowport.undos")
    assert [row["error_code"] for row in undo] == ([None] if kind.then == "undo" else [])
    names = list(faults.calls)
    every = [(at, moment) for at in range(len(names)) for moment in Moment]
    some = len(every) if CASES == "all" else min(int(CASES), len(every))
    chosen = random.Random(SEED).sample(every, some)  # noqa: S311  no secret
    for at, moment in sorted(chosen):
        where = f"{name}: call {at} ({names[at]}) broke {moment} it (seed {SEED})"
        try:
            seen = runs.run(at, moment)
        except Exception as error:
            error.add_note(where)
            raise
        assert seen == right, where
