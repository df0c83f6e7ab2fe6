"""Try again, in a process of its own, what a worker died of, or only near.

Nobody can ask a dead worker whether its chunk killed it or a person did.  The parent of a process
that loads this chunk and nothing else knows: see ADR 0014.
"""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rowport.model.errors import RowportError, Unavailable
from rowport.ports.ledger import ChunkRef, ClaimedChunk, ImportRef

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from rowport.service import Works

log = logging.getLogger(__name__)

POLL_S: Final = 0.05
HOLD_S: Final = 1.0
"""How often a chunk is kept from others while its process is being started."""
OUTAGE: Final = 4
"""Exit status of a process that lacks its database or blob store."""
ASKED_TO_END: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals by which machines and people end processes; others say that it died."""


class TrialDied(RowportError):
    """The process that did nothing else died: what it did kills it."""

    code = "process_died"


class TrialEnded(RowportError):
    """The process ended without a word and for no fault of what it did."""

    code = "process_ended"
    transient = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a process of its own has to do: plan an import, or load a chunk of it."""

    ref: ImportRef
    number: int | None = None
    """The chunk; None: plan."""
    attempts: int = 0

    def words(self) -> str:
        """Give it as a word of a command line."""
        number = 0 if self.number is None else self.number
        return f"{self.ref.organization_id}/{self.ref.import_id}/{number}/{self.attempts}"

    @classmethod
    def read(cls, words: str) -> Trial:
        """Read the word of a command line.

        Raises:
            ValueError: it is none.
        """
        organization_id, import_id, number, attempts = words.split("/")
        return cls(
            ref=ImportRef(organization_id=UUID(organization_id), import_id=UUID(import_id)),
            number=int(number) or None,
            attempts=int(attempts),
        )


def chunk_trial(claimed: ClaimedChunk) -> Trial:
    """Give the trial of a chunk."""
    return Trial(ref=claimed.ref.whole, number=claimed.ref.number, attempts=claimed.attempts)


def claimed_chunk(works: Works, trial: Trial) -> ClaimedChunk | None:
    """Give the chunk as the parent claimed it; None when there is none by now."""
    with works.ledger.database.transaction() as tx:
        planned = works.ledger.chunks.of_import(tx, trial.ref)
    return next(
        (
            ClaimedChunk(
                ref=ChunkRef(
                    organization_id=trial.ref.organization_id,
                    import_id=trial.ref.import_id,
                    number=chunk.number,
                ),
                planned=chunk,
                attempts=trial.attempts,
            )
            for chunk in planned
            if chunk.number == trial.number
        ),
        None,
    )


def run_alone(
    start: Callable[[], subprocess.Popen[bytes]],
    *,
    should_stop: Callable[[], bool],
    hold: Callable[[], None] = lambda: None,
) -> None:
    """Start the process and wait until it has ended; it tells the ledger itself how that went.

    `hold` is called now and then meanwhile.

    Raises:
        TrialDied: it crashed, or a signal killed it that nobody sends to end a process in order.
        TrialEnded: it could not be started, ended for want of a database, or was told to.
    """
    try:
        process = start()
    except OSError as error:  # no memory, no descriptors: a bad moment, and not the chunk's fault
        raise TrialEnded(f"No process can be started: {error.strerror}.") from error
    next_hold = time.monotonic()
    while process.poll() is None:
        if should_stop():
            _end(process)
            raise TrialEnded("The process was told to end.")
        if time.monotonic() >= next_hold:
            next_hold += HOLD_S
            try:
                hold()
            except Unavailable as error:
                log.info("a chunk cannot be held: %s", error.message)
        time.sleep(POLL_S)
    _end(process)
    _judge(process.returncode)


def _judge(code: int) -> None:
    if code == 0:
        return
    if code == OUTAGE or (code < 0 and signal.Signals(-code) in ASKED_TO_END):
        raise TrialEnded(f"The process ended with {code}.")
    how = signal.Signals(-code).name if code < 0 else f"status {code}"
    raise TrialDied(f"it ended the process that did nothing else ({how})")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    if process.stdin:
        process.stdin.close()
    process.wait()
