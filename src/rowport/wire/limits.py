"""Rate limits: calls counted in windows of time, in this process."""

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
    """Unix time at which the window ends and all calls are there again."""
    reset_after_s: float
    """In how many seconds that is."""


class Limiter:
    """Counts the calls of each caller in windows, as the originals do.

    A caller's window begins with its first call and lasts for the rate's seconds; the first call
    after it begins the next one.  Refused calls move nothing.
    """

    def __init__(self, *, is_on: bool, clock: Callable[[], float] = time.time) -> None:
        self._is_on = is_on
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    @property
    def is_on(self) -> bool:
        """Whether limits hold; for those that a face counts by itself."""
        return self._is_on

    def take(self, caller: str, rate: Rate) -> Verdict:
        """Count a call of `caller` (a face's name and whom it limits) against a rate."""
        now = self._clock()
        with self._lock:
            begun, calls = self._windows.pop(caller, (now, 0))
            # A clock that was set back must not leave anybody in a window that never ends.
            if not begun <= now < begun + rate.seconds:
                begun, calls = now, 0
            has_room = calls < rate.calls
            calls += 1 if has_room else 0
            self._windows[caller] = (begun, calls)
            while len(self._windows) > REMEMBERED:
                self._windows.popitem(last=False)
        allowed = has_room or not self._is_on
        ends = begun + rate.seconds
        return Verdict(
            allowed=allowed,
            limit=rate.calls,
            remaining=rate.calls - calls,
            retry_after_s=0.0 if allowed else ends - now,
            reset_at_s=ends,
            reset_after_s=ends - now,
        )
