"""Simulate how chunks are claimed, loaded and given up, with everything going wrong that can.

    python tools/simulation.py --seeds 20000

Every transaction is one step; between two steps anything may happen: a kill -9, a crash of the
database, a lost answer, a stall, a jump of the clock, a person who cancels or pauses.  Prints
seeds/s; exits non-zero when a seed breaks a promise, or a planted fault breaks none.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from simulated_ledger import (
    FINAL,
    MAX_ATTEMPTS,
    MAX_DEATHS,
    PLANTED,
    Chunk,
    Claimed,
    SimulatedLedger,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    Steps = Generator[None, None, None]

WORKERS: Final = 3
STEPS: Final = 160
DRAIN_STEPS: Final = 1_500
FATES: Final = ("work", "kill", "stall", "jump", "crash", "ask", "resume")
CUMULATIVE: Final = (80, 86, 89, 91, 94, 95, 99)
LOST_ANSWERS: Final = 0.1
BAD_CHUNKS: Final = 0.3
MUTANT_SEEDS: Final = 4_000


class BrokenPromiseError(Exception):
    """What must never happen did."""


@dataclass(slots=True)
class World:
    """One import, three workers, and whatever happens to them."""

    dice: random.Random
    ledger: SimulatedLedger
    poison: int | None
    """The chunk that kills whoever loads it."""
    faulty: int | None
    """The chunk that always fails by a fault of its own."""
    loaded: list[int]
    is_stormy: bool = True
    outages: set[int] = field(default_factory=set)
    """Workers that will find their connection lost."""
    deaths: int = 0
    seen_end: str = ""
    workers: list[Steps] = field(default_factory=list)

    def worker(self, me: int) -> Steps:
        """Drain, for ever; see runtime/draining.py."""
        while True:
            claimed = self.ledger.claim()
            yield
            if claimed is None:
                if self.ledger.broken != "no tick":
                    self.ledger.settle()
                    yield
                continue
            if self.gives_up(claimed):
                self.ledger.fail()
            else:
                yield from self.load(me, claimed, is_alone=claimed.deaths > 0)
            yield

    def gives_up(self, claimed: Claimed) -> bool:
        """Tell whether too many workers died of it by now."""
        if self.ledger.broken == "every death counts":
            return claimed.attempts > MAX_ATTEMPTS
        return claimed.deaths > 0 and claimed.deaths % MAX_DEATHS == 0

    def load(self, me: int, claimed: Claimed, *, is_alone: bool) -> Steps:
        """Load a chunk, here or in a process of its own that we watch."""
        ledger, number, lease = self.ledger, claimed.number, object()
        if is_alone:
            for _ in range(self.dice.randrange(3)):  # it is being started
                ledger.hold(number)
                yield
        if not ledger.lock(number, lease):
            return
        try:
            yield from self.load_locked(me, claimed, lease, is_alone=is_alone)
        finally:
            ledger.unlock(number, lease)

    def load_locked(self, me: int, claimed: Claimed, lease: object, *, is_alone: bool) -> Steps:
        """Do the work under the lease, and tell how it ended."""
        ledger, number = self.ledger, claimed.number
        if not ledger.begin():
            ledger.unlock(number, lease)
            ledger.settle()
            return
        self.outages.discard(me)
        for _ in range(self.dice.randrange(4)):
            yield
        if number == self.poison:
            ledger.unlock(number, lease)
            yield from self.died(me, claimed, is_alone=is_alone)
        elif me in self.outages:
            ledger.unlock(number, lease)
            yield
            self.after_outage(claimed)
        elif number == self.faulty:
            ledger.unlock(number, lease)
            yield from self.failed(claimed)
        else:
            yield from self.commit(claimed, lease)
        yield
        ledger.settle()

    def commit(self, claimed: Claimed, lease: object) -> Steps:
        """Write rows, counters and mark, unless the import ended meanwhile."""
        ledger, number = self.ledger, claimed.number
        if ledger.may_commit():
            self.loaded[number] += 1
            if ledger.broken == "rows and mark apart":
                ledger.unlock(number, lease)
                yield
            ledger.finish(number)
            ledger.unlock(number, lease)
            if self.is_stormy and self.dice.random() < LOST_ANSWERS:  # the answer is lost
                yield
                self.after_outage(claimed)

    def died(self, me: int, claimed: Claimed, *, is_alone: bool) -> Steps:
        """A process died of the chunk: the whole worker, or one that it watches."""
        if not is_alone:
            self.workers[me] = self.worker(me)
            return
        if self.ledger.broken == "no death counts":
            self.ledger.put_back(claimed.number, delay=0.5)
        else:
            yield from self.failed(claimed)

    def failed(self, claimed: Claimed) -> Steps:
        """See draining._retry."""
        tries = claimed.attempts + 1
        self.ledger.delay(claimed.number, delay=0.5 * 2**tries)
        yield
        if tries >= MAX_ATTEMPTS:
            self.ledger.fail()

    def after_outage(self, claimed: Claimed) -> None:
        """See draining._put_back_after_outage."""
        if self.ledger.broken == "outages count":
            self.ledger.delay(claimed.number, delay=0.5)
            if self.ledger.chunks[claimed.number].attempts >= MAX_ATTEMPTS:
                self.ledger.fail()
        else:
            self.ledger.put_back(claimed.number, delay=0.5)

    # --------------------------------------------------------------------------------- faults

    def happen(self) -> None:
        """Let a worker take its next step, or let something go wrong."""
        self.ledger.now += self.dice.random()
        [fate] = self.dice.choices(FATES, cum_weights=CUMULATIVE)
        getattr(self, fate)()

    def work(self) -> None:
        """Let any worker take its next step."""
        self.step(self.dice.randrange(WORKERS))

    def kill(self) -> None:
        """Kill -9: its transaction rolls back, and nobody tells anything."""
        me = self.dice.randrange(WORKERS)
        self.workers[me].close()
        self.workers[me] = self.worker(me)
        self.deaths += 1

    def stall(self) -> None:
        """Let everything stand still, for longer than a hold."""
        self.ledger.now += self.dice.choice([6.0, 20.0])

    def jump(self) -> None:
        """Set the clock."""
        self.ledger.now += self.dice.choice([3_600.0, -3_600.0, -0.5])

    def crash(self) -> None:
        """Lose all connections."""
        self.outages.update(range(WORKERS))

    def ask(self) -> None:
        """Let a person ask for something."""
        self.dice.choice([self.ledger.cancel, self.ledger.pause, self.ledger.pause])()

    def resume(self) -> None:
        """Let a person resume what was paused."""
        self.ledger.resume()

    def step(self, me: int) -> None:
        """Let one worker do its next transaction."""
        worker = self.workers[me]
        next(worker)
        if self.workers[me] is not worker:
            worker.close()

    # -------------------------------------------------------------------------------- promises

    def check(self) -> None:
        """See whether every promise is kept at this moment."""
        ledger = self.ledger
        if any(times > 1 for times in self.loaded):
            raise BrokenPromiseError("a chunk was loaded twice")
        if ledger.broken != "rows and mark apart" and sum(self.loaded) != ledger.counted:
            raise BrokenPromiseError("the counters are not the rows")
        if ledger.state == "completed" and not all(self.loaded):
            raise BrokenPromiseError("completed without all rows")
        if len(ledger.ends) > 1:
            raise BrokenPromiseError("it ended twice")
        if ledger.state in FINAL:
            end = f"{ledger.state} {sum(self.loaded)}"
            if self.seen_end and end != self.seen_end:
                raise BrokenPromiseError("a row came after the end")
            self.seen_end = end
        is_innocent = self.poison is None and self.faulty is None
        if ledger.state == "failed" and is_innocent and self.deaths < MAX_DEATHS:
            raise BrokenPromiseError("it failed by accidents alone")

    def run(self) -> None:
        """Live through the storm, and come to an end after it.

        Raises:
            BrokenPromiseError: a promise was broken.
        """
        for _ in range(STEPS):
            self.happen()
            self.check()
        self.is_stormy = False
        self.outages.clear()
        for number in range(DRAIN_STEPS):
            self.ledger.now += 0.5
            self.ledger.resume()
            self.step(number % WORKERS)
            self.check()
            if self.ledger.state in FINAL and not self.ledger.count("waiting"):
                return
        raise BrokenPromiseError("it never ends")


def make_world(seed: int, broken: str = "") -> World:
    """Make the world of a seed."""
    dice = random.Random(seed)  # noqa: S311  no secret
    size = dice.randint(1, 5)
    bad = dice.randrange(size) if dice.random() < BAD_CHUNKS else None
    is_poison = dice.choice([True, False])
    world = World(
        dice=dice,
        ledger=SimulatedLedger(chunks=[Chunk() for _ in range(size)], broken=broken),
        poison=bad if is_poison else None,
        faulty=None if is_poison else bad,
        loaded=[0] * size,
    )
    world.workers = [world.worker(me) for me in range(WORKERS)]
    return world


def first_broken(seeds: range, broken: str = "") -> tuple[int, str] | None:
    """Give the first seed that breaks a promise, and which; None when none does."""
    for seed in seeds:
        try:
            make_world(seed, broken).run()
        except BrokenPromiseError as promise:
            return seed, str(promise)
    return None


def main() -> int:
    """Simulate; gives the exit status."""
    parser = argparse.ArgumentParser(description="Simulate the chunk protocol.")
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    given = parser.parse_args()
    began = time.perf_counter()
    found = first_broken(range(given.first, given.first + given.seeds))
    took_s = time.perf_counter() - began
    if found is not None:
        print(f"seed {found[0]}: {found[1]}")
        return 1
    print(f"{given.seeds:,} seeds, {given.seeds / took_s:,.0f} seeds/s, no promise broken")
    missed = 0
    for name, what in PLANTED.items():
        caught = first_broken(range(MUTANT_SEEDS), name)
        missed += caught is None
        verdict = f"caught by seed {caught[0]}: {caught[1]}" if caught else "NOT CAUGHT"
        print(f"{name:28}  {what}: {verdict}")
    print(f"{len(PLANTED) - missed} of {len(PLANTED)} planted faults caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
