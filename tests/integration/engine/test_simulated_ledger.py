"""The ledger that the simulation believes in does what the real one does, whatever is asked."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from rowport.model.counts import Counts
from rowport.model.imports import ImportFault
from rowport.ports.ledger import ChunkRef
from rowport.ports.told import ChunkResult
from simulated_ledger import Chunk, SimulatedLedger

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.integration.engine.conftest import Engine, Makers

    from rowport.model.imports import Import
    from rowport.ports import Transaction

from datetime import timedelta

LATER = timedelta(seconds=30)
"""Shorter than the longest hold that counts, and longer than a test."""
ROWS = [(f"u{n:03}@x.org", f"U{n}", "1") for n in range(28)]
STEPS = 40


@dataclass(slots=True, kw_only=True)
class Both:
    """One import, in the real ledger and in the simulated one."""

    engine: Engine
    job: Import
    make: Makers
    model: SimulatedLedger
    held: dict[int, AbstractContextManager[Transaction]] = field(default_factory=dict)

    def name(self, number: int) -> ChunkRef:
        return ChunkRef(
            organization_id=self.job.organization_id, import_id=self.job.id, number=number + 1
        )

    def free(self, number: int) -> bool:
        return number not in self.held

    # ------------------------------------------------------------- what can be asked of a ledger

    def claim(self, _: int) -> None:
        with self.engine.rowport.database.transaction() as tx:
            real = self.engine.works.ledger.chunks.claim(tx)
        mine = self.model.claim()
        assert (real is None) == (mine is None)
        if real is not None and mine is not None:
            assert real.ref == self.name(mine.number)
            assert (real.attempts, real.deaths) == (mine.attempts, mine.deaths)
            self.make_last(mine.number)

    def make_last(self, number: int) -> None:
        """Let a hold of three seconds last as long as the test."""
        self.engine.sql(
            "UPDATE rowport.chunks SET run_after = clock_timestamp() + interval '30 seconds' "
            "WHERE import_id = %(id)s AND number = %(number)s AND run_after > clock_timestamp()",
            id=self.job.id,
            number=number + 1,
        )

    def lock(self, number: int) -> None:
        """Lock it in a transaction that stays open, unless it is not to be had."""
        transaction = self.engine.rowport.database.transaction()
        tx = transaction.__enter__()
        got = self.engine.works.ledger.chunks.lock(tx, self.name(number)) is not None
        assert got == self.model.lock(number, self)
        if got:
            self.held[number] = transaction
        else:
            transaction.__exit__(None, None, None)

    def roll_back(self, number: int) -> None:
        if not self.free(number):
            error = KeyboardInterrupt()
            self.held.pop(number).__exit__(type(error), error, None)
            self.model.unlock(number, self)

    def finish(self, number: int) -> None:
        if self.free(number):
            return
        self.roll_back(number)
        nothing = ChunkResult(
            counts=Counts(created=7), outcomes=b"", errors=None, raw=None, before=None
        )
        with self.engine.rowport.database.transaction() as tx:
            assert self.engine.works.ledger.chunks.lock(tx, self.name(number))
            self.engine.works.ledger.chunks.finish(tx, self.name(number), nothing)
        self.model.finish(number)

    def put_back(self, number: int) -> None:
        if self.free(number):
            with self.engine.rowport.database.transaction() as tx:
                chunks = self.engine.works.ledger.chunks
                chunks.put_back(tx, self.name(number), delay=LATER, fault=None)
            self.model.put_back(number, delay=30)

    def delay(self, number: int) -> None:
        if self.free(number):
            with self.engine.rowport.database.transaction() as tx:
                chunks = self.engine.works.ledger.chunks
                chunks.delay(tx, self.name(number), delay=LATER, fault="x")
            self.model.delay(number, delay=30)

    def hold(self, number: int) -> None:
        with self.engine.rowport.database.transaction() as tx:
            self.engine.works.ledger.chunks.hold(tx, self.name(number))
        self.model.hold(number)
        if self.free(number):
            self.make_last(number)

    def let_time_pass(self, _: int) -> None:
        self.engine.hurry()
        for chunk in self.model.chunks:
            if chunk.state == "waiting" and chunk.holder is None:
                chunk.run_after = float("-inf")

    def set_clock_back(self, number: int) -> None:
        if self.free(number):
            self.engine.sql(
                "UPDATE rowport.chunks SET run_after = clock_timestamp() + interval '1 hour' "
                "WHERE import_id = %(id)s AND number = %(number)s",
                id=self.job.id,
                number=number + 1,
            )
            self.model.chunks[number].run_after = 3_600

    def settle(self, _: int) -> None:
        self.engine.works.settling.settle(self.make.ref_of(self.job))
        self.model.settle()

    def fail(self, _: int) -> None:
        fault = ImportFault(code="chunk_failed", message="x", retryable=True)
        self.engine.works.settling.fail(self.make.ref_of(self.job), fault)
        self.model.fail()

    def cancel(self, _: int) -> None:
        if self.model.state in {"queued", "running"}:
            self.engine.cancel(self.job)
            self.model.cancel()

    # --------------------------------------------------------------------------------- comparing

    def compare(self) -> None:
        """See that both say the same of everything."""
        real = self.engine.sql(
            "SELECT state, attempts, deaths FROM rowport.chunks WHERE import_id = %(id)s "
            "ORDER BY number",
            id=self.job.id,
        )
        model = [
            {"state": c.state, "attempts": c.attempts, "deaths": c.deaths}
            for c in self.model.chunks
        ]
        assert real == model
        assert self.engine.get(self.job).state == self.model.state
        with self.engine.rowport.database.transaction() as tx:
            ledger = self.engine.works.ledger.chunks
            assert ledger.any_waits(tx) == self.model.any_waits()
            waiting = ledger.progress(tx, self.make.ref_of(self.job)).waiting
        assert waiting == self.model.count("waiting")


USUAL = ("claim", "lock", "roll_back", "finish", "put_back", "delay", "hold", "let_time_pass")
RARE = ("set_clock_back", "settle", "fail", "cancel")


@pytest.mark.parametrize("seed", range(12))
def test_both_ledgers_answer_the_same(seed: int, engine: Engine, make: Makers) -> None:
    engine.put()
    job = engine.plan(engine.land(ROWS))
    both = Both(
        engine=engine,
        job=job,
        make=make,
        model=SimulatedLedger(chunks=[Chunk() for _ in range(4)]),
    )
    dice = random.Random(seed)  # noqa: S311  no secret
    both.compare()
    for _ in range(STEPS):
        what = dice.choice(RARE) if dice.random() < 0.12 else dice.choice(USUAL)
        getattr(both, what)(dice.randrange(4))
        both.compare()
    for number in [*both.held]:
        both.roll_back(number)
