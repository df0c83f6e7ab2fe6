"""Keep the server of one home running for as long as anybody uses it.

    python -m rowport.store.embedded.supervisor --home DIR [--binaries DIR]

Prints its process id and goes on in the background; exits with 3 when another one is there.  It
stays small (it imports no data or web library) and has one thread, because the kernel ties the
server's life to the thread that started it.

SIGTERM, SIGINT and SIGHUP do not end it: at a shutdown of the machine they reach all processes
at once, and the clients may still want to finish a transaction.  It leaves when the last has.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rowport.model.errors import Unavailable
from rowport.store.embedded.cluster import SOCKET_NAME, Cluster, prepare
from rowport.store.embedded.layout import ROOT, Home
from rowport.store.embedded.locks import is_current, try_lock, wait_lock
from rowport.store.embedded.process import evict, is_ready, start_server, stop_server
from rowport.store.embedded.state import Phase, State, write_state

if TYPE_CHECKING:
    from types import FrameType

ANOTHER_IS_THERE = 3
POLL_S = 0.3
STARTING_POLL_S = 0.02
OWNER_PATIENCE_S = 2.0  # probes of clients hold the lock for an instant
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0
STEADY_S = 30.0  # a server that lived this long starts the pauses anew
LOG_BYTES = 10_000_000


class Supervisor:
    """One server and its clients, watched by one thread."""

    def __init__(self, home: Home, owner_lock: int, log: int) -> None:
        self._home = home
        self._owner_lock = owner_lock
        self._log = log
        self._clients_lock = home.open(home.clients, os.O_RDWR)
        self._server: subprocess.Popen[bytes] | None = None
        self._socket = Path()
        self._is_ready = False
        self._failures = 0
        self._started_at = 0.0
        self._next_start = 0.0

    def run(self, binaries: Path | None) -> int:
        """Serve until nobody is left.  Returns the exit code."""
        self._tell(Phase.STARTING)
        try:
            cluster = prepare(self._home, binaries=binaries)
        except (Unavailable, OSError, subprocess.SubprocessError) as error:
            say(f"gives up: {error}")
            self._tell(Phase.FAILED, problem=str(error))
            return 1
        wake = wake_on_signals()
        while not self._is_over():
            self._tend(cluster)
            cut_log(self._home, self._log)
            select.select([wake], [], [], POLL_S if self._is_ready else STARTING_POLL_S)
            with suppress(BlockingIOError):
                os.read(wake, 1_024)
        self._tell(Phase.STARTING)
        if self._server:
            stop_server(self._server, cluster.data)
            say("nobody is left: stopped the server")
        return 0

    def _is_over(self) -> bool:
        """Nobody is left, or the home was deleted.

        Having got the clients' lock we keep it: a newcomer waits for it until we are gone.
        """
        return try_lock(self._clients_lock, exclusive=True) or not is_current(
            self._owner_lock, self._home.owner
        )

    def _tend(self, cluster: Cluster) -> None:
        now = time.monotonic()
        if self._server is None:
            if now >= self._next_start:
                self._start(cluster, now)
        elif (code := self._server.poll()) is not None:
            self._note_end(code, now)
        elif not self._is_ready and is_ready(self._server, cluster.data):
            self._is_ready = True
            say(f"the server is ready after {now - self._started_at:.2f} s")
            self._tell(Phase.READY, socket=str(self._socket))
        elif self._is_ready and not (self._socket / SOCKET_NAME).exists():
            say("somebody removed the socket")
            stop_server(self._server, cluster.data)

    def _start(self, cluster: Cluster, now: float) -> None:
        self._started_at = now
        try:
            evict(cluster.data)
            self._socket = cluster.socket_directory()
            # Nobody serves here now, and the directory is ours alone: a lock file whose number
            # belongs to another process by now would keep PostgreSQL from starting.
            (self._socket / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
            self._server = start_server(
                cluster.binaries.directory / "postgres",
                data=cluster.data,
                socket=self._socket,
                log=self._log,
                user_options=cluster.user.popen_options(),
            )
        except (Unavailable, OSError, subprocess.SubprocessError) as error:
            self._note_trouble(f"the server could not be started: {error}", now)

    def _note_end(self, code: int, now: float) -> None:
        self._server = None
        if now - self._started_at > STEADY_S:
            self._failures = 0
        self._note_trouble(f"the server ended with code {code}", now)

    def _note_trouble(self, problem: str, now: float) -> None:
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._failures)
        self._failures += 1
        self._next_start = now + pause_s
        self._is_ready = False
        say(f"{problem}; starts it again in {pause_s:.2f} s")
        self._tell(Phase.STARTING, problem=problem)

    def _tell(self, phase: Phase, *, socket: str = "", problem: str = "") -> None:
        with suppress(OSError):
            state = State(supervisor=os.getpid(), phase=phase, socket=socket, problem=problem)
            write_state(self._home, state)


def wake_on_signals() -> int:
    """A descriptor that can be read after a signal: the server's end must not wait for a poll."""
    wake, write_end = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _go_on)
    return wake


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the wake-up is enough."""


def say(message: str) -> None:
    """Write a line to the log, if there is room on the disk."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    with suppress(OSError):
        os.write(2, os.fsencode(f"{stamp} UTC supervisor [{os.getpid()}]: {message}\n"))


def cut_log(home: Home, log: int) -> None:
    """Keep one old log and start anew; the server appends, so its file can be cut in place."""
    if os.fstat(log).st_size > LOG_BYTES:
        with suppress(OSError):
            shutil.copyfile(home.log, home.log.with_name("server.log.1"))
        os.ftruncate(log, 0)


def detach(log: int) -> None:
    """Go on as a process of no terminal and no parent; the first process prints the id."""
    if child := os.fork():
        os.write(1, f"{child}\n".encode())
        os._exit(0)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)


def main(words: list[str]) -> int:
    """Run the supervisor of one home.  Returns the exit code."""
    options = dict(zip(words[::2], words[1::2], strict=True))
    home = Home(path=Path(options["--home"]))
    binaries = options.get("--binaries")
    os.chdir("/")
    os.umask(0o077)
    if os.geteuid() == ROOT:
        os.setgroups([])
    owner_lock = wait_lock(home, home.owner, exclusive=True, timeout_s=OWNER_PATIENCE_S)
    if owner_lock is None:
        return ANOTHER_IS_THERE
    log = home.open(home.log, os.O_WRONLY | os.O_APPEND)
    # The lock is taken before the fork, which shares it, and an older word is overwritten: once
    # the first process has ended, whoever started it can rely on both.
    write_state(home, State(supervisor=os.getpid(), phase=Phase.STARTING))
    detach(log)
    return Supervisor(home, owner_lock, log).run(Path(binaries) if binaries else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
