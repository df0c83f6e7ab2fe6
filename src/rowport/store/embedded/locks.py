"""Advisory locks that the kernel drops when their process dies, however it dies."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

    from rowport.store.embedded.layout import Home

POLL_S = 0.02


def try_lock(descriptor: int, *, exclusive: bool) -> bool:
    """Take the lock if it can be had at once; closing every copy of the descriptor drops it."""
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_lock(home: Home, path: Path, *, exclusive: bool, timeout_s: float) -> int | None:
    """Take the lock of one file of the home; None when it was not to be had in time.

    A home that is deleted takes its lock files along, so a lock counts only while the file that
    was locked is the one that has the name; each try opens the name again.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        descriptor = home.open(path, os.O_RDWR)
        if try_lock(descriptor, exclusive=exclusive) and is_current(descriptor, path):
            return descriptor
        os.close(descriptor)
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL_S)


def is_current(descriptor: int, path: Path) -> bool:
    """The name still leads to the file that is open here."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    """Somebody holds this lock exclusively.

    The probe takes the lock in shared mode for an instant: two probes never see each other, and
    whoever wants it exclusively has to try more than once.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, exclusive=False)
    finally:
        os.close(descriptor)
