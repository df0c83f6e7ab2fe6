"""Take chunks from the ledger until none is left."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from rowport.model.errors import RowportError, Unavailable
from rowport.model.imports import ImportFault
from rowport.runtime.trial import TrialDied, TrialEnded, chunk_trial, run_alone

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from rowport.ports.ledger import ClaimedChunk
    from rowport.runtime.trial import Trial
    from rowport.service import Works

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3
"""A chunk that failed, or killed the process that loaded only it, so often fails its import."""
MAX_DEATHS: Final = 10
"""So many workers may die, one after the other and nobody knows why, before it is the chunk's."""
SOON: Final = timedelta(milliseconds=20)
AFTER_OUTAGE: Final = timedelta(seconds=0.5)
RETRY_S: Final = 0.2
MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Draining:
    """Loads chunks, one after the other; one instance a thread."""

    works: Works
    should_stop: Callable[[], bool]
    start: Callable[[Trial], subprocess.Popen[bytes]]
    """How a process of its own is started."""

    def drain(self) -> None:
        """Load chunks in the order of their turns until none can be claimed.

        Raises:
            Unavailable: the database or the blob store went away; no attempt was used up.
        """
        while not self.should_stop():
            with self.works.ledger.database.at_once() as tx:
                claimed = self.works.ledger.chunks.claim(tx)
            if claimed is None:
                return
            if claimed.deaths == 0:
                work_on(self.works, claimed, self.should_stop)
            elif claimed.deaths % MAX_DEATHS == 0:  # so a retry of its import tries it again
                words = f"in {MAX_DEATHS} tries: its worker died each time"
                _give_up(self.works, claimed, "chunk_failed", words)
            else:
                self._try_alone(claimed)

    def _try_alone(self, claimed: ClaimedChunk) -> None:
        """Load a chunk whose worker died where its death tells something."""
        log.warning(
            "chunk %s of import %s is tried in a process of its own: its worker died",
            claimed.ref.number,
            claimed.ref.import_id,
        )
        start = partial(self.start, chunk_trial(claimed))
        hold = partial(_hold, self.works, claimed)
        try:
            run_alone(start, should_stop=self.should_stop, hold=hold)
        except TrialDied as error:
            _retry(self.works, claimed, "chunk_failed", error.message)
        except TrialEnded as error:
            log.warning("%s", error.message)
            _put_back_after_outage(self.works, claimed, error.message, self.should_stop)


def work_on(works: Works, claimed: ClaimedChunk, should_stop: Callable[[], bool]) -> None:
    """Load a chunk that was claimed, and tell the ledger how that went.

    Raises:
        Unavailable: the database or the blob store went away; no attempt was used up.
    """
    try:
        if claimed.planned.is_undone:
            works.undoing.undo(claimed)
        else:
            works.loading.load(claimed)
    except Unavailable as error:
        _put_back_after_outage(works, claimed, error.message, should_stop)
        raise
    except RowportError as error:
        if error.transient:
            _put_back(works, claimed, SOON, None)
        else:
            _retry(works, claimed, error.code, error.message)
    except Exception as error:  # noqa: BLE001  the one place where a chunk may fail unforeseen
        _retry(works, claimed, "chunk_failed", f"{type(error).__name__}: {error}")
    works.settling.settle(claimed.ref.whole)
    works.telling.progress(claimed.ref.whole)


def _hold(works: Works, claimed: ClaimedChunk) -> None:
    with works.ledger.database.transaction() as tx:
        works.ledger.chunks.hold(tx, claimed.ref)


def _put_back(works: Works, claimed: ClaimedChunk, delay: timedelta, fault: str | None) -> None:
    with works.ledger.database.transaction() as tx:
        works.ledger.chunks.put_back(tx, claimed.ref, delay=delay, fault=fault)


def _put_back_after_outage(
    works: Works, claimed: ClaimedChunk, fault: str, should_stop: Callable[[], bool]
) -> None:
    """Wait for the database if it was lost: a try that an outage ended must not count."""
    while True:
        try:
            _put_back(works, claimed, AFTER_OUTAGE, fault)
        except Unavailable:
            if should_stop():
                log.warning("chunk %s could not be put back: no database", claimed.ref.number)
                return
            time.sleep(RETRY_S)
        else:
            return


def _retry(works: Works, claimed: ClaimedChunk, code: str, reason: str) -> None:
    ref, tries = claimed.ref, claimed.attempts + 1
    # The reason may hold cell values: it is for the import's owner, never for the log.
    log.error("chunk %s of import %s, try %s: %s", ref.number, ref.import_id, tries, code)
    words = storable(reason)
    delay = timedelta(seconds=0.5 * 2**tries)
    with works.ledger.database.transaction() as tx:
        works.ledger.chunks.delay(tx, ref, delay=delay, fault=words)
    if tries >= MAX_ATTEMPTS:
        _give_up(works, claimed, code, f"in {tries} tries: {words}")


def storable(words: str) -> str:
    """Give words that a database text can hold: no NUL, no lone surrogate, not endless."""
    return words.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:MAX_REASON]


def _give_up(works: Works, claimed: ClaimedChunk, code: str, reason: str) -> None:
    span = claimed.planned.span
    last = span.first_row + span.rows - 1
    done = "given back" if claimed.planned.is_undone else "loaded"
    fault = ImportFault(
        code=code,
        message=f"Rows {span.first_row} to {last} could not be {done} {reason}",
        retryable=True,
    )
    if claimed.planned.is_undone:
        works.settling.fail_undo(claimed.ref.whole, fault)
    else:
        works.settling.fail(claimed.ref.whole, fault)
