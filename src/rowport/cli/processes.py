"""Starting processes of our own that live apart from the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from signal import SIGTERM
from typing import TYPE_CHECKING, Final

from rowport.model.errors import StorageFull

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.bootstrap import Rowport

LOG_BYTES: Final = 10_000_000
"""A log longer than this is put aside before a process begins to write to it."""


def start(
    rowport: Rowport, command: Sequence[str], *, log_name: str, is_tied: bool
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that Ctrl-C does not reach it.

    It writes to a log of the home.  `is_tied`: its stdin is a pipe whose other end we hold; when
    we end, however we end, it reads the pipe's end and stops (see `stop_with_parent`).

    Raises:
        StorageFull: its log cannot be written.
    """
    log = rowport.home / "logs" / log_name
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        lines = log.open("ab")
    except OSError as error:
        raise StorageFull(f"{log} cannot be written: {error.strerror}") from error
    with lines:
        return subprocess.Popen(  # noqa: S603  our own program, no shell
            list(command),
            stdin=subprocess.PIPE if is_tied else subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
            env={**os.environ, **rowport.worker_environment()},
            start_new_session=True,
        )


def stop_with_parent() -> None:
    """Ask this process to stop when the one that started it has gone (see `start`)."""
    threading.Thread(target=_wait_for_parent, name="parent-watch", daemon=True).start()


def _wait_for_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), SIGTERM)
