"""Rate limits: token buckets in this process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many calls in so many seconds."""

    calls: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a call may go on, and what its headers may say."""

    allowed: bool
    limit: int
    remaining: int
    retry_after_s: float
    """0 when the call is allowed."""
    reset_at_s: float
    """Unix time at which all calls are there again."""


class Limiter:
    """Counts the calls of each caller."""

    def __init__(self, *, is_on: bool, clock: Callable[[], float] = time.time) -> None:
        self._is_on = is_on
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def is_on(self) -> bool:
        """Whether limits hold; for those that a face counts by itself."""
        return self._is_on

    def take(self, caller: str, rate: Rate) -> Verdict:
        """Count a call of `caller` (a face's name and whom it limits) against a rate."""
        now = self._clock()
        refill = rate.calls / rate.seconds
        with self._lock:
            left, since = self._buckets.pop(caller, (float(rate.calls), now))
            left = min(float(rate.calls), left + max(0.0, now - since) * refill)
            allowed = left >= 1 or not self._is_on
            left -= 1 if left >= 1 else 0
            self._buckets[caller] = (left, now)
            while len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        return Verdict(
            allowed=allowed,
            limit=rate.calls,
            remaining=int(left),
            retry_after_s=0.0 if allowed else (1 - left) / refill,
            reset_at_s=now + (rate.calls - left) / refill,
        )
