"""Take chunks from the ledger until none is left."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rowport.model.errors import RowportError, Unavailable
from rowport.model.imports import ImportFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.ports.ledger import ClaimedChunk
    from rowport.service import Works

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3
"""A chunk that failed, or killed its worker, so often fails its import."""
SOON: Final = timedelta(milliseconds=20)
AFTER_OUTAGE: Final = timedelta(seconds=0.5)
OUTAGE_S: Final = 60.0
"""How long a worker tries to put a chunk back after it lost the database."""
RETRY_S: Final = 0.2
MAX_REASON: Final = 500


def drain(works: Works, should_stop: Callable[[], bool]) -> None:
    """Load chunks in the order of their turns until none can be claimed.

    Raises:
        Unavailable: the database or the blob store went away; no attempt was used up.
    """
    while not should_stop():
        with works.ledger.database.transaction() as tx:
            claimed = works.ledger.chunks.claim(tx)
        if claimed is None:
            return
        _work(works, claimed, should_stop)


def _work(works: Works, claimed: ClaimedChunk, should_stop: Callable[[], bool]) -> None:
    if claimed.attempts > MAX_ATTEMPTS:
        _give_up(works, claimed, "chunk_failed", "it brought down its worker each time")
        return
    try:
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


def _put_back(works: Works, claimed: ClaimedChunk, delay: timedelta, fault: str | None) -> None:
    with works.ledger.database.transaction() as tx:
        works.ledger.chunks.put_back(tx, claimed.ref, delay=delay, fault=fault)


def _put_back_after_outage(
    works: Works, claimed: ClaimedChunk, fault: str, should_stop: Callable[[], bool]
) -> None:
    """Wait for the database if it was lost: an attempt that an outage ended must not count."""
    deadline = time.monotonic() + OUTAGE_S
    while True:
        try:
            _put_back(works, claimed, AFTER_OUTAGE, fault)
        except Unavailable:
            if should_stop() or time.monotonic() > deadline:
                log.warning("chunk %s could not be put back: no database", claimed.ref.number)
                return
            time.sleep(RETRY_S)
        else:
            return


def _retry(works: Works, claimed: ClaimedChunk, code: str, reason: str) -> None:
    ref = claimed.ref
    # The reason may hold cell values: it is for the import's owner, never for the log.
    log.error(
        "chunk %s of import %s, try %s: %s", ref.number, ref.import_id, claimed.attempts, code
    )
    words = storable(reason)
    if claimed.attempts >= MAX_ATTEMPTS:
        _give_up(works, claimed, code, words)
        return
    delay = timedelta(seconds=0.5 * 2**claimed.attempts)
    with works.ledger.database.transaction() as tx:
        works.ledger.chunks.delay(tx, claimed.ref, delay=delay, fault=words)


def storable(words: str) -> str:
    """Give words that a database text can hold: no NUL, no lone surrogate, not endless."""
    return words.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:MAX_REASON]


def _give_up(works: Works, claimed: ClaimedChunk, code: str, reason: str) -> None:
    span = claimed.planned.span
    last = span.first_row + span.rows - 1
    fault = ImportFault(
        code=code,
        message=f"Rows {span.first_row} to {last} could not be loaded in {MAX_ATTEMPTS} tries: "
        f"{reason}",
        retryable=True,
    )
    works.settling.fail(claimed.ref.whole, fault)
