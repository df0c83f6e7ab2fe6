"""Take chunks from the ledger until none is left."""

from __future__ import annotations

import logging
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
        _work(works, claimed)


def _work(works: Works, claimed: ClaimedChunk) -> None:
    ref = claimed.ref
    if claimed.attempts > MAX_ATTEMPTS:
        _give_up(works, claimed, "it brought down its worker each time")
        return
    try:
        works.loading.load(claimed)
    except Unavailable as error:
        _put_back(works, claimed, AFTER_OUTAGE, error.message)
        raise
    except RowportError as error:
        if not error.transient:
            log.info("chunk %s of import %s: %s", ref.number, ref.import_id, error.code)
        _put_back(works, claimed, SOON, None)
    except Exception as error:  # noqa: BLE001  the one place where a chunk may fail unforeseen
        # It is tried again, and in the end the import says why.  A traceback or message may hold
        # cell values, so only the kind of error is logged.
        kind = type(error).__name__
        log.error("chunk %s of import %s: %s", ref.number, ref.import_id, kind)  # noqa: TRY400
        _retry(works, claimed, error)
    works.settling.settle(ref.whole)


def _put_back(works: Works, claimed: ClaimedChunk, delay: timedelta, fault: str | None) -> None:
    try:
        with works.ledger.database.transaction() as tx:
            works.ledger.chunks.put_back(tx, claimed.ref, delay=delay, fault=fault)
    except Unavailable:
        # Then the attempt stays counted; the chunk is free again all the same.
        log.warning("chunk %s could not be put back: no database", claimed.ref.number)


def _retry(works: Works, claimed: ClaimedChunk, error: Exception) -> None:
    words = f"{type(error).__name__}: {error}"[:500]
    if claimed.attempts >= MAX_ATTEMPTS:
        _give_up(works, claimed, words)
        return
    delay = timedelta(seconds=0.5 * 2**claimed.attempts)
    with works.ledger.database.transaction() as tx:
        works.ledger.chunks.delay(tx, claimed.ref, delay=delay, fault=words)


def _give_up(works: Works, claimed: ClaimedChunk, reason: str) -> None:
    span = claimed.planned.span
    last = span.first_row + span.rows - 1
    fault = ImportFault(
        code="chunk_failed",
        message=f"Rows {span.first_row} to {last} could not be loaded in {MAX_ATTEMPTS} tries: "
        f"{reason}",
        retryable=True,
    )
    works.settling.fail(claimed.ref.whole, fault)
