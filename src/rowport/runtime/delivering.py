"""Send what is due to webhooks, several at once: one that hangs delays no other."""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from rowport.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.model.webhooks import DeliveryTry
    from rowport.service.delivering import Delivering

log = logging.getLogger(__name__)

AT_ONCE: Final = 8
LOOK_S: Final = 1.0
"""While some are on their way, how often it is looked for others that are due."""


def deliver_due(delivering: Delivering, should_stop: Callable[[], bool]) -> None:
    """Deliver until nothing is due and nothing is on its way.

    Raises:
        Unavailable: the database went away.
    """
    flying: set[Future[DeliveryTry]] = set()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        while not should_stop():
            claimed = delivering.claim() if len(flying) < AT_ONCE else None
            if claimed is not None:
                flying.add(pool.submit(delivering.deliver, claimed))
            elif not flying:
                return
            else:
                landed, flying = wait(flying, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                _look_at(landed)


def _look_at(landed: set[Future[DeliveryTry]]) -> None:
    for future in landed:
        error = future.exception()
        if isinstance(error, Unavailable):
            log.warning("what came of a delivery could not be noted; it is tried again")
        elif error is not None:
            log.error("a delivery met %s", type(error).__name__)  # no values
