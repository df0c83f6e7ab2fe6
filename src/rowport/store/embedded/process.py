"""The server as a process: start it, end it, and end one that a dead supervisor left."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rowport.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one (recovery at the next start).
_WAYS_TO_END = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
_POLL_S = 0.02


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Make a `preexec_fn`: the kernel sends this signal when the parent dies (Linux only).

    The kernel watches the *thread* that forks, so the caller has to be a thread that lives as
    long as its process.  Set after the change of user, which would clear it.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before the kernel was told
            os._exit(1)

    return arm


def start_server(
    program: Path, *, data: Path, socket: Path, log: int, user_options: dict[str, Any]
) -> subprocess.Popen[bytes]:
    """Start PostgreSQL as our child; it is not ready yet when this returns."""
    return subprocess.Popen(  # noqa: S603 - a program of the installed wheel
        [program, "-D", data, "-k", socket],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env=ENVIRONMENT,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - the supervisor has one thread
        **user_options,
    )


def is_ready(server: subprocess.Popen[bytes], data: Path) -> bool:
    """The server says in its pid file that it accepts connections."""
    with suppress(OSError):
        lines = (data / "postmaster.pid").read_text().splitlines()
        return lines[0] == str(server.pid) and lines[7:8] == ["ready   "]
    return False


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """End our child, politely first."""
    for number, patience_s in _WAYS_TO_END:
        server.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(patience_s)
            return


def evict(data: Path) -> None:
    """End a server that runs on this directory though its supervisor is dead.

    The caller holds the owner lock, so whatever runs here is an orphan: one that is still
    shutting down, or one that nothing told (macOS has no parent-death signal).  A pid file of a
    dead process is left to PostgreSQL, which also looks for backends that outlived it; one whose
    number now belongs to another process would keep PostgreSQL from starting and is removed.

    Raises:
        Unavailable: it does not end.
    """
    file = data / "postmaster.pid"
    try:
        pid = int(file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    if not _exists(pid):
        return
    for number, patience_s in _WAYS_TO_END:
        if not _serves(pid, data):
            break
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        _wait_until_gone(pid, data, patience_s)
    if _serves(pid, data):
        raise Unavailable(f"An old PostgreSQL server, process {pid}, on {data} does not end.")
    if _exists(pid):
        file.unlink(missing_ok=True)


def _wait_until_gone(pid: int, data: Path, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while _serves(pid, data) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _exists(pid: int) -> bool:
    """Some process has this number: PostgreSQL would ask the same way."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _serves(pid: int, data: Path) -> bool:
    """This process is a live PostgreSQL of that directory; a zombie has no command line."""
    if sys.platform == "linux":
        with suppress(OSError):
            return os.fsencode(data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return False
    listed = subprocess.run(  # noqa: S603 - fixed words and a number
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        check=False,
        capture_output=True,
        text=True,
    )
    return f"-D {data} -k " in listed.stdout
