"""The chunk ledger as `store/chunks.py` and `service/settling.py` keep it, in memory.

Each method is one statement or transaction of the real one; tests hold the two equal.  With a
fault planted (`broken`), one of its rules is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

HOLD_S: Final = 3.0
FURTHEST_S: Final = 60.0
MAX_ATTEMPTS: Final = 3
MAX_DEATHS: Final = 10
OPEN: Final = frozenset({"queued", "running", "pausing", "canceling"})
FINAL: Final = frozenset({"completed", "failed", "canceled"})

PLANTED: Final = {
    "a done chunk is locked again": "the lease does not ask whether the chunk still waits",
    "no lease": "two workers may hold one chunk",
    "rows and mark apart": "rows and the chunk's mark commit in two transactions",
    "holds have no cap": "a hold from before the clock was set back counts",
    "commit after the end": "a chunk commits whatever became of its import",
    "every death counts": "a claim counts as an attempt",
    "no death counts": "a process that died alone costs nothing",
    "outages count": "a lost database costs an attempt",
    "put back whatever": "a chunk that is done is put back when the answer was lost",
    "the end leaves chunks": "an import that ended keeps chunks that wait",
    "held chunks forgotten": "an import is completed while chunks are held",
    "the end is not the end": "an import that ended can fail",
    "no tick": "nobody looks again at imports whose worker died",
}


@dataclass(slots=True)
class Chunk:
    """A row of the ledger."""

    state: str = "waiting"
    attempts: int = 0
    deaths: int = 0
    run_after: float = float("-inf")
    holder: object | None = None
    """Whose open transaction has locked the row."""


@dataclass(slots=True)
class Claimed:
    """What a claim gives."""

    number: int
    attempts: int
    deaths: int


@dataclass(slots=True)
class SimulatedLedger:
    """One import and its chunks."""

    chunks: list[Chunk]
    broken: str = ""
    state: str = "queued"
    now: float = 0.0
    counted: int = 0
    """Chunks in the import's counters."""
    ends: list[str] = field(default_factory=list)

    # ----------------------------------------------------------------------------- statements

    def claim(self) -> Claimed | None:
        """See claim_chunk."""
        for number, chunk in enumerate(self.chunks):
            if chunk.state == "waiting" and chunk.holder is None and self._is_due(chunk):
                chunk.deaths += 1
                if self.broken == "every death counts":
                    chunk.attempts += 1
                chunk.run_after = self.now + HOLD_S
                return Claimed(number=number, attempts=chunk.attempts, deaths=chunk.deaths - 1)
        return None

    def _is_due(self, chunk: Chunk) -> bool:
        is_void = chunk.run_after > self.now + FURTHEST_S and self.broken != "holds have no cap"
        return chunk.run_after <= self.now or is_void

    def any_waits(self) -> bool:
        """See any_chunk_waits."""
        return any(
            c.state == "waiting" and c.holder is None and self._is_due(c) for c in self.chunks
        )

    def lock(self, number: int, who: object) -> bool:
        """See lock_chunk."""
        chunk = self.chunks[number]
        if chunk.state != "waiting" and self.broken != "a done chunk is locked again":
            return False
        if chunk.holder is not None and self.broken != "no lease":
            return False
        chunk.holder = who
        return True

    def unlock(self, number: int, who: object) -> None:
        """End the transaction of whoever held it."""
        if self.chunks[number].holder is who:
            self.chunks[number].holder = None

    def finish(self, number: int) -> None:
        """See finish_chunk."""
        self.chunks[number].state = "done"
        self.counted += 1

    def put_back(self, number: int, *, delay: float) -> None:
        """See put_back_chunk."""
        chunk = self.chunks[number]
        if self.broken == "put back whatever":
            chunk.state = "waiting"
        if chunk.state == "waiting":
            chunk.deaths = max(chunk.deaths - 1, 0)
            chunk.run_after = self.now + delay

    def delay(self, number: int, *, delay: float) -> None:
        """See delay_chunk."""
        chunk = self.chunks[number]
        if chunk.state == "waiting":
            chunk.attempts += 1
            chunk.deaths = max(chunk.deaths - 1, 0)
            chunk.run_after = self.now + delay

    def hold(self, number: int) -> None:
        """See hold_chunk."""
        chunk = self.chunks[number]
        if chunk.state == "waiting" and chunk.holder is None:
            chunk.run_after = self.now + HOLD_S

    def void_waiting(self) -> None:
        """See void_waiting_chunks."""
        for chunk in self.chunks:
            if chunk.state in {"waiting", "held"} and chunk.holder is None:
                chunk.state = "void"

    def count(self, state: str) -> int:
        """See import_progress."""
        return sum(chunk.state == state for chunk in self.chunks)

    # --------------------------------------------------------------------------- transactions

    def may_commit(self) -> bool:
        """See Loading._still_open."""
        return self.state in OPEN or self.broken == "commit after the end"

    def begin(self) -> bool:
        """See Loading._begin."""
        if self.state == "queued":
            self.state = "running"
        return self.state in OPEN

    def settle(self) -> None:
        """See Settling.settle."""
        waiting, held = self.count("waiting"), self.count("held")
        if self.state in {"queued", "running", "pausing"}:
            if waiting == 0 and (held == 0 or self.broken == "held chunks forgotten"):
                self._end("completed")
            elif waiting == 0 and self.state == "pausing":
                self.state = "paused"
        elif self.state == "canceling":
            self.void_waiting()
            if self.count("waiting") == 0:
                self._end("canceled" if self.count("void") else "completed")
        elif self.state in FINAL and self.broken != "the end leaves chunks":
            self.void_waiting()

    def fail(self) -> None:
        """See Settling.fail."""
        is_open = self.state in {"queued", "running", "pausing"}
        if is_open or self.broken == "the end is not the end":
            self._end("failed")
            if self.broken != "the end leaves chunks":
                self.void_waiting()

    def cancel(self) -> None:
        """Somebody wants it to end."""
        if self.state in {"queued", "running", "pausing", "paused"}:
            self.state = "canceling"
            self.settle()

    def pause(self) -> None:
        """Hold what no worker has."""
        if self.state in {"queued", "running"}:
            self.state = "pausing"
            for chunk in self.chunks:
                if chunk.state == "waiting" and chunk.holder is None:
                    chunk.state = "held"
            self.settle()

    def resume(self) -> None:
        """Let go on what was paused."""
        if self.state == "paused":
            self.state = "queued"
            for chunk in self.chunks:
                if chunk.state == "held":
                    chunk.state = "waiting"

    def _end(self, state: str) -> None:
        self.state = state
        self.ends.append(state)
