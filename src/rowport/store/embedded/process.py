"""The server as a process: start it, end it, and end one that a dead supervisor left."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rowport.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PF_EXITING = 0x4  # linux/sched.h
_POLL_S = 0.02

# Where pg_control keeps the state of the cluster, and two of its values: catalog/pg_control.h,
# the same since PostgreSQL 8.
_CONTROL_STATE = slice(16, 20)
_SHUTTING_DOWN = 3
_IN_CRASH_RECOVERY = 4

_WAYS_TO_END = ((signal.SIGINT, 3.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
_CHECKPOINT_S = 60.0
"""How much longer a server may take that writes its last checkpoint."""


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


def stop_server(server: subprocess.Popen[bytes], data: Path) -> None:
    """End our child, politely first."""
    _end(server.send_signal, lambda: server.poll() is not None, data)


def _end(send: Callable[[signal.Signals], None], has_ended: Callable[[], bool], data: Path) -> None:
    """Ask a server ever less politely until it has ended, or nothing helps.

    SIGINT is PostgreSQL's fast shutdown.  One that reaches a server in the midst of its recovery
    from a killed backend is never carried out, so a server that has not come to its last
    checkpoint soon is shut down by SIGQUIT, at once: what was committed is in its log, which the
    next start reads.
    """
    for number, patience_s in _ways_to_end(data):
        send(number)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline or _control_state(data) == _SHUTTING_DOWN:
            if has_ended():
                return
            if time.monotonic() > deadline + _CHECKPOINT_S:
                break
            time.sleep(_POLL_S)


def _ways_to_end(data: Path) -> tuple[tuple[signal.Signals, float], ...]:
    if _control_state(data) == _IN_CRASH_RECOVERY:
        return _WAYS_TO_END[1:]
    return _WAYS_TO_END


def _control_state(data: Path) -> int:
    """The state of the cluster as its control file has it; -1 when that cannot be read."""
    with suppress(OSError), (data / "global" / "pg_control").open("rb") as file:
        return int.from_bytes(file.read(_CONTROL_STATE.stop)[_CONTROL_STATE], sys.byteorder)
    return -1


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
    if _serves(pid, data):
        _end(partial(_kill, pid), lambda: not _serves(pid, data), data)
    if _serves(pid, data):
        raise Unavailable(f"An old PostgreSQL server, process {pid}, on {data} does not end.")
    if _exists(pid):
        file.unlink(missing_ok=True)


def _kill(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def is_dying(pid: int) -> bool:
    """Tell whether a process is gone, or as good as gone: a kill -9 takes some milliseconds.

    False wherever that cannot be known (macOS).
    """
    if not sys.platform.startswith("linux"):
        return False
    # In this order: a pending kill that is no longer seen has become an exit.
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    words = dict(line.split(":", 1) for line in status.splitlines())
    pending = int(words["SigPnd"], 16) | int(words["ShdPnd"], 16)
    flags = int(stat.rpartition(")")[2].split()[6])
    return bool(pending >> (signal.SIGKILL - 1) & 1 or flags & _PF_EXITING)


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
