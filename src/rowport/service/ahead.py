"""Work on several chunks at once and take the answers in order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

Given = TypeVar("Given")
Made = TypeVar("Made")

_MOST_THREADS: Final = 4
"""More chunks in flight would take more memory than they save time."""


def in_order(work: Callable[[Given], Made], items: Iterable[Given]) -> Iterator[Made]:
    """Give `work` of each item, in order, on as many threads as there are processors, four at most.

    The first is worked on alone: many only want a look at it.  The libraries beneath let go of
    the interpreter while they work; no more than twice as many items as threads are held.
    What `work` or `items` raises comes in its place, and no thread outlives the iteration.
    """
    left = iter(items)
    for first in left:
        yield work(first)
        break
    threads = min(_processors(), _MOST_THREADS)
    if threads == 1:
        yield from map(work, left)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="rowport-ahead")
    try:
        pending: deque[Future[Made]] = deque()
        for item in left:
            pending.append(pool.submit(work, item))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: those that we may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
