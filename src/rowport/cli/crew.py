"""The background workers of an import that somebody follows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from rowport.cli.processes import start
from rowport.model.errors import Unavailable

if TYPE_CHECKING:
    import subprocess

    from rowport.bootstrap import Rowport

SIZE: Final = 2
LOG_NAME: Final = "worker.log"
CHECK_S: Final = 1.0
STARTING_S: Final = 10.0
"""A worker that was started is counted among the living only after a while."""
MOST_FAILURES: Final = 6
"""Workers that end with an error, one after the other, before we give up."""


class Crew:
    """Sees to it that somebody works; the workers go on when we leave and end when idle."""

    def __init__(self, rowport: Rowport) -> None:
        self._rowport = rowport
        self._own: list[subprocess.Popen[bytes]] = []
        self._failures = 0
        self._started_at = 0.0
        self._next_check = 0.0

    def ensure(self) -> None:
        """Start workers unless some are alive; cheap enough to be called at each poll.

        Raises:
            Unavailable: workers keep ending with an error.
        """
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + CHECK_S
        self._note_ended()
        if self._own and now - self._started_at < STARTING_S:
            return
        if self._own or self._rowport.alive_workers():
            return
        self._started_at = now
        command = self._rowport.worker_command(until_idle=True)
        self._own = [
            start(self._rowport, command, log_name=LOG_NAME, is_tied=False) for _ in range(SIZE)
        ]

    def _note_ended(self) -> None:
        codes = [worker.poll() for worker in self._own]
        self._own = [worker for worker in self._own if worker.returncode is None]
        for code in codes:
            if code is not None:
                self._failures = self._failures + 1 if code > 0 else 0
        if self._failures >= MOST_FAILURES:
            log = self._rowport.home / "logs" / LOG_NAME
            raise Unavailable(f"the workers keep ending with an error; {log} tells why")
