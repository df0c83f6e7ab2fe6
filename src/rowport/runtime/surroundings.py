"""What a worker needs of the process it runs in; bootstrap gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping

    import procrastinate

    from rowport.runtime.trial import Trial
    from rowport.service import Works


class Presence(Protocol):
    """How a worker is counted among the living."""

    def announce(self) -> None:
        """Be counted, unless it is already; again after a lost connection."""
        ...

    def others(self) -> Mapping[str, str]:
        """Give the other workers: session -> its last sign of life, another one each time.

        To ask is to give one.
        """
        ...

    def end(self, session: str) -> None:
        """End the sessions of a worker; what it did in open transactions is undone."""
        ...

    def leave(self) -> None:
        """Be counted no more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The world around a worker."""

    presence: Presence
    ensure_database: Callable[[], None]
    """Wait until the database answers; brings an embedded one back."""
    is_busy: Callable[[], bool]
    """Whether any import should move by itself."""
    mend_clocks: Callable[[], None]
    """Bring back to now what the queue dates in the future, after some clock was wrong."""
    new_app: Callable[[], procrastinate.App]
    new_works: Callable[[], Works]
    """Use cases for one thread."""
    start_trial: Callable[[Trial], subprocess.Popen[bytes]]
    """Start a process that does this and nothing else, and ends with us."""
    has_home: Callable[[], bool] = lambda: True
    """Whether the home that the worker began in is still that home, not deleted or made anew."""
