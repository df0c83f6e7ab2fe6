"""Whatever people ask of an import, in whatever order: each row has one fate, and it is true."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rowport.model.errors import IllegalTransition, NothingToRetry, NotMendable
from rowport.model.imports import Policy
from rowport.model.outcomes import Outcome
from rowport.model.states import ImportState
from rowport.service.first_wins import EarlierChunkPending

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import
    from rowport.ports.ledger import ClaimedChunk

GOOD, BAD = "1", "one"
S = ImportState


class Life(RuleBasedStateMachine):
    """One import, two workers, and a person who cannot make up his mind."""

    opened: Callable[[], Engine]

    @initialize(
        ages=st.lists(st.sampled_from([GOOD, BAD]), min_size=1, max_size=20),
        policy=st.sampled_from([Policy(), Policy(max_errors=2), Policy(all_or_nothing=True)]),
    )
    def begin(self, ages: list[str], policy: Policy) -> None:
        self.engine, self.other = type(self).opened(), type(self).opened()
        self.engine.put()
        self.engine.sql("TRUNCATE data_default.people")
        self.engine.sql("TRUNCATE rowport.imports CASCADE")
        self.cells = dict(enumerate(ages, start=1))
        rows = [(f"u{n}@x.org", f"U{n}", age) for n, age in self.cells.items()]
        self.job = self.engine.plan(self.engine.land(rows, policy=policy))
        self.claimed: list[ClaimedChunk] = []
        self.records: dict[int, object] = {}

    @property
    def now(self) -> Import:
        return self.engine.get(self.job)

    # -------------------------------------------------------------------------- the workers

    @rule()
    def work(self) -> None:
        """Claim and load a chunk."""
        self.engine.hurry()
        with self.engine.rowport.database.transaction() as tx:
            claimed = self.engine.works.ledger.chunks.claim(tx)
        if claimed is not None:
            self._load(self.engine, claimed)
            self.engine.works.settling.settle(claimed.ref.whole)

    @rule()
    def claim(self) -> None:
        """Claim a chunk and fall asleep over it."""
        self.engine.hurry()
        with self.other.rowport.database.transaction() as tx:
            claimed = self.other.works.ledger.chunks.claim(tx)
        if claimed is not None:
            self.claimed.append(claimed)

    @precondition(lambda self: self.claimed)
    @rule(data=st.data())
    def wake_up(self, data: st.DataObject) -> None:
        """Load what was claimed long ago; it may be done, held, void or planned anew by now."""
        claimed = data.draw(st.sampled_from(self.claimed))
        shown = self.now
        self._load(self.other, claimed)
        if shown.state in {S.PAUSED, S.CANCELED, S.COMPLETED, S.FAILED}:
            assert self.now == shown
        self.other.works.settling.settle(claimed.ref.whole)

    @rule()
    def work_to_the_end(self) -> None:
        for _ in range(20):
            if self.now.state not in {S.QUEUED, S.RUNNING}:
                return
            self.engine.hurry()
            self.engine.drain()

    def _load(self, worker: Engine, claimed: ClaimedChunk) -> None:
        """Load a chunk, or give it back if its turn has not come, as workers do."""
        try:
            worker.works.loading.load(claimed)
        except EarlierChunkPending:
            with worker.rowport.database.transaction() as tx:
                chunks = worker.works.ledger.chunks
                chunks.put_back(tx, claimed.ref, delay=timedelta(0), fault=None)

    # --------------------------------------------------------------------------- the person

    @rule()
    def pause(self) -> None:
        before = self.now.state
        if before in {S.QUEUED, S.RUNNING, S.PAUSED}:
            assert self.engine.pause(self.job).state is S.PAUSED
        else:
            with pytest.raises(IllegalTransition):
                self.engine.pause(self.job)

    @rule()
    def resume(self) -> None:
        before = self.now.state
        if before in {S.QUEUED, S.RUNNING, S.PAUSED}:
            assert self.engine.resume(self.job).state in {S.QUEUED, S.RUNNING}
        else:
            with pytest.raises(IllegalTransition):
                self.engine.resume(self.job)

    @rule()
    def cancel(self) -> None:
        if self.now.state.is_final:
            with pytest.raises(IllegalTransition):
                self.engine.cancel(self.job)
        else:
            assert self.engine.cancel(self.job).state in {S.CANCELED, S.COMPLETED}

    @rule()
    def retry(self) -> None:
        now = self.now
        if not now.state.is_final:
            with pytest.raises(IllegalTransition):
                self.engine.retry(self.job)
        elif now.counts.failed + now.counts.pending == 0:
            with pytest.raises(NothingToRetry):
                self.engine.retry(self.job)
        else:
            assert self.engine.retry(self.job).state is S.QUEUED

    @precondition(lambda self: self.now.state.is_final and self.now.counts.failed)
    @rule(data=st.data(), knows=st.booleans())
    def fix(self, data: st.DataObject, *, knows: bool) -> None:
        """Send some failed rows back, mended or not, with or without one that did not fail."""
        rows = self.engine.rows(self.now)
        failed = [row.row for row in rows if row.outcome is Outcome.FAILED]
        chosen = data.draw(st.lists(st.sampled_from(failed), min_size=1, unique=True))
        others = [row.row for row in rows if row.outcome is not Outcome.FAILED]
        cells = {n: data.draw(st.sampled_from([GOOD, BAD, "worse"])) for n in chosen}
        out = io.StringIO()
        lines = csv.writer(out)
        lines.writerow(["email", "name", "age", "_row", "_line", "_errors", "_extra"])
        for n, age in cells.items():
            lines.writerow([f"u{n}@x.org", f"U{n}", age, n, n + 1, "", ""])
        if not knows and others:
            lines.writerow([f"u{others[0]}@x.org", "again", GOOD, others[0], 1, "", ""])
            shown = self.now
            with pytest.raises(NotMendable):
                self.engine.fix(self.job, out.getvalue())
            assert self.now == shown
            return
        before = self.now.starts
        if self.engine.fix(self.job, out.getvalue()).starts > before:
            self.cells |= cells

    # -------------------------------------------------------------------------- what is true

    @invariant()
    def each_row_has_one_fate_and_it_is_true(self) -> None:
        now = self.now
        rows = self.engine.rows(now)
        assert [row.row for row in rows] == list(self.cells)
        told = Counter(row.outcome.word for row in rows)
        counts = now.counts
        assert told == Counter(
            {
                word: n
                for word in ("created", "updated", "unchanged", "skipped", "failed", "pending")
                if (n := getattr(counts, word))
            }
        )
        assert counts.total == len(self.cells)
        table = {email: age for email, _, age in self.engine.people()}
        loaded = [row for row in rows if row.outcome is Outcome.CREATED]
        assert table == {f"u{row.row}@x.org": 1 for row in loaded}
        for row in loaded:
            assert self.records.setdefault(row.row, row.record_id) == row.record_id
        assert self.records.keys() == {row.row for row in loaded}
        assert all(bool(row.errors) == (row.outcome is Outcome.FAILED) for row in rows)
        if now.state is S.COMPLETED:
            assert counts.pending == 0
        if now.state is S.PAUSED:
            assert "waiting" not in self.engine.chunk_states(now)


def test_loaded_failed_and_unprocessed_rows_are_the_input(
    new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "4")
    made: list[Engine] = [new_engine(), new_engine()]
    turns = iter(range(1_000_000))

    class OnThisDatabase(Life):
        opened = staticmethod(lambda: made[next(turns) % 2])

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
