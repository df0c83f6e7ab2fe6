"""Kill workers, the server and the database at random, under load, and see what is left.

    python tools/storm.py --kills 200 --crashes 20

Everything runs as users start it: `rowport serve`, and `rowport worker` beside it; like a service
manager, the storm starts again what it killed.  Exits non-zero when anything was lost, doubled,
counted wrongly, or had not ended in time.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import psycopg

from rowport.store.embedded.client import EmbeddedPostgres
from rowport.store.embedded.layout import Home
from rowport.store.embedded.state import read_state
from storm_load import ROWS, Load, Verdict, judge, spread, write_schema

if TYPE_CHECKING:
    from collections.abc import Callable

ROWPORT: Final = Path(sys.executable).with_name("rowport")
CHUNK_ROWS: Final = "500"
SERVER_SHARE: Final = 0.15
"""Of the kills, so many hit the server (all of it, or its API) and not a worker."""
LAST_S: Final = 60.0
"""How long after the last fault everything may take to end."""
PATIENCE_S: Final = 120.0
POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How hard the storm is."""

    kills: int = 200
    crashes: int = 20
    calm: int = 5
    """How often each kind of fault is tried alone, to measure how long it takes to recover."""
    pause_s: float = 0.4
    rows: int = ROWS
    seed: int = 0


@dataclass(slots=True, kw_only=True)
class Storm:
    """A home, the processes that run on it, and what happens to them."""

    home: Path
    size: Size
    dice: random.Random
    port: int
    database_url: str
    killed: dict[str, int] = field(default_factory=dict)
    recovered: dict[str, list[float]] = field(
        default_factory=lambda: {"worker": [], "server": [], "database": []}
    )
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    # ------------------------------------------------------------------------------ processes

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.port}"

    def tend(self) -> None:
        """Start whatever does not run, as a service manager does."""
        commands: dict[str, list[str | Path]] = {
            "serve": ["serve", "--port", str(self.port), "--workers", "2", "--home", self.home],
            "worker 1": ["worker", "--home", self.home],
            "worker 2": ["worker", "--home", self.home],
        }
        for name, words in commands.items():
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                self._running[name] = self._start(*words)

    def _start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        with (self.home / "storm.log").open("ab") as log:
            return subprocess.Popen(
                [ROWPORT, *words],
                env={**os.environ, "ROWPORT_CHUNK_ROWS": CHUNK_ROWS},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> float:
        """End everything in order; gives how long that took."""
        began = time.monotonic()
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait(PATIENCE_S)
        return time.monotonic() - began

    def kill_all(self) -> None:
        """Leave nothing behind, whatever happened."""
        for process in self._running.values():
            process.kill()
            process.wait()
        for pid in (*self.pids("worker"), *self.pids("api")):
            kill(pid)

    def pids(self, word: str) -> list[int]:
        """Find our processes that have this word in their command line."""
        found = []
        for process in Path("/proc").iterdir():
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().decode().split("\0")
                if word in words and str(self.home) in words and "--trial" not in words:
                    found.append(int(process.name))
        return sorted(found)

    # --------------------------------------------------------------------------------- faults

    def blow(self) -> None:
        """Do all the faults, in an order of the seed's."""
        faults: list[Callable[[], str]] = [self.kill_any] * self.size.kills
        faults += [self.crash_database] * self.size.crashes
        self.dice.shuffle(faults)
        for fault in faults:
            name = fault()
            self.killed[name] = self.killed.get(name, 0) + 1
            deadline = time.monotonic() + self.size.pause_s * self.dice.uniform(0.5, 1.5)
            while time.monotonic() < deadline:
                self.tend()
                time.sleep(POLL_S)

    def kill_any(self) -> str:
        """Kill a random worker, or the server."""
        if self.dice.random() < SERVER_SHARE:
            return self.dice.choice([self.kill_server, self.kill_api])()
        self.wait_for(lambda: self.pids("worker"), "a worker runs")
        kill(self.dice.choice(self.pids("worker")))
        return "worker"

    def kill_server(self) -> str:
        """Kill the process that people started."""
        self._running["serve"].kill()
        self._running["serve"].wait()
        return "server"

    def kill_api(self) -> str:
        """Kill the process that answers HTTP."""
        for pid in self.pids("api"):
            kill(pid)
        return "api"

    def crash_database(self) -> str:
        """Crash the database in one of the ways in which databases crash."""
        how = self.dice.choice(["postmaster", "immediate stop", "backend", "supervisor"])
        state = read_state(Home(path=self.home))
        if how == "supervisor" and state is not None:
            kill(state.supervisor)
        elif how == "backend":
            kill(self._backend())
        else:
            number = signal.SIGKILL if how == "postmaster" else signal.SIGQUIT
            kill(self.postmaster(), number)
        return f"database ({how})"

    def _backend(self) -> int | None:
        with suppress(psycopg.Error), psycopg.connect(self.database_url) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                "AND pid <> pg_backend_pid()"
            ).fetchall()
            return int(self.dice.choice(found)[0]) if found else None
        return None

    def postmaster(self) -> int:
        """Find the server; waits until there is one."""
        found: list[int] = []

        def find() -> bool:
            with suppress(psycopg.Error), psycopg.connect(self.database_url) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
                place = Path(row[0]) if row else self.home
                found.append(int((place / "postmaster.pid").read_text().split()[0]))
            return bool(found)

        self.wait_for(find, "the database answers")
        return found[-1]

    # ------------------------------------------------------------------------------- recovery

    def measure(self, load: Load) -> None:
        """Do each kind of fault some times alone, and see how long it takes to recover."""
        for _ in range(self.size.calm):
            self.recovered["worker"].append(self.take_over(load))
            began = time.monotonic()
            self.kill_server()
            self.wait_for(self.is_ready, "the API answers")
            self.recovered["server"].append(time.monotonic() - began)
            began = time.monotonic()
            before = self.last_done(load)
            kill(self.postmaster())
            self.wait_for(partial(self._goes_on, load, before), "work goes on")
            self.recovered["database"].append(time.monotonic() - began)

    def _goes_on(self, load: Load, before: int) -> bool:
        return self.last_done(load) > before

    def last_done(self, load: Load) -> int:
        """Count the chunks that are done."""
        [(count,)] = load.ask("SELECT count(*) FROM rowport.chunks WHERE state = 'done'")
        return int(count)

    def take_over(self, load: Load) -> float:
        """Kill a worker in the midst of a chunk; gives how long another takes to take it."""
        deaths = "SELECT coalesce(sum(deaths), 0) FROM rowport.chunks WHERE deaths > 1"
        alone = "SELECT 1 FROM rowport.chunks WHERE state = 'waiting' AND deaths = 1"
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.wait_for(lambda: load.ask(alone), "a chunk is in flight")
            before = load.ask(deaths)
            began = time.monotonic()
            kill(self.dice.choice(self.pids("worker")))
            while time.monotonic() - began < self.size.pause_s * 40:
                self.tend()
                if load.ask(deaths) != before:
                    return time.monotonic() - began
                time.sleep(POLL_S)
        raise TimeoutError("no worker was killed in the midst of a chunk")

    def is_ready(self) -> bool:
        """Tell whether the API answers."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=2).is_success
        return False

    def wait_for(self, what: Callable[[], object], words: str) -> None:
        """Wait until something is so, and keep everything running meanwhile."""
        deadline = time.monotonic() + PATIENCE_S
        while not what():
            if time.monotonic() > deadline:
                raise TimeoutError(f"in vain: {words}")
            self.tend()
            time.sleep(POLL_S)


def kill(pid: int | None = None, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone already."""
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def free_port() -> int:
    """Find a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a storm came to."""

    verdict: Verdict
    storm: Storm
    load: Load
    blown_s: float
    ended_s: float
    stopped_s: float

    def table(self) -> str:
        """Say it in a table."""
        verdict = self.verdict
        kills = ", ".join(f"{n} x {name}" for name, n in sorted(self.storm.killed.items()))
        rows = {
            "faults": f"{kills}, in {self.blown_s:.0f} s (seed {self.storm.size.seed})",
            "load": f"{verdict.imports} imports, {verdict.rows:,} rows; "
            f"{self.load.repeated} requests sent again",
            "rows lost": verdict.lost,
            "rows doubled": verdict.doubled,
            "imports with wrong counters": len(verdict.wrong),
            "imports not ended": f"{verdict.not_ended} after {self.ended_s:.1f} s "
            f"(within {LAST_S:.0f} s of the last fault)",
            "killed worker: chunk taken over": spread(self.storm.recovered["worker"]),
            "killed server: answers again": spread(self.storm.recovered["server"]),
            "killed database: work goes on": spread(self.storm.recovered["database"]),
            "stopped in order in": f"{self.stopped_s:.1f} s",
        }
        lines = [f"| {name:32} | {value} |" for name, value in rows.items()]
        return "\n".join([*lines, *(f"WRONG: {what}" for what in verdict.wrong)])


def blow(home: Path, size: Size) -> Report:
    """Run a storm on a new home."""
    home.mkdir(parents=True)
    with EmbeddedPostgres(home) as server:
        schema = write_schema(home / "people.json")
        put: list[str | Path] = [ROWPORT, "--home", home, "type", "put", "people", schema]
        subprocess.run(put, check=True, stdout=subprocess.DEVNULL)
        storm = Storm(
            home=home,
            size=size,
            dice=random.Random(size.seed),  # noqa: S311  no secret
            port=free_port(),
            database_url=server.url(),
        )
        token = make_token(home)
        load = Load(url=storm.url, database_url=storm.database_url, token=token, rows=size.rows)
        try:
            return _blow(storm, load, home, server)
        finally:
            storm.kill_all()


def make_token(home: Path) -> str:
    """Make a token of the home's default organization."""
    words: list[str | Path] = [ROWPORT, "--home", home, "token", "create", "storm"]
    made = subprocess.run(words, check=True, capture_output=True, encoding="utf-8")
    return made.stdout.strip()


def _blow(storm: Storm, load: Load, home: Path, server: EmbeddedPostgres) -> Report:
    storm.wait_for(storm.is_ready, "the API answers")
    load.start()
    storm.measure(load)
    began = time.monotonic()
    storm.blow()
    last = time.monotonic()
    load.stop()
    while load.open_imports() and time.monotonic() - last < LAST_S:
        storm.tend()
        time.sleep(POLL_S)
    ended_s = time.monotonic() - last
    stopped_s = storm.stop()
    server.ensure()
    return Report(
        verdict=judge(load, home),
        storm=storm,
        load=load,
        blown_s=last - began,
        ended_s=ended_s,
        stopped_s=stopped_s,
    )


def main() -> int:
    """Run a storm of the size asked for; gives the exit status."""
    size = Size()
    parser = argparse.ArgumentParser(description="Kill things under load and see what is left.")
    parser.add_argument("--kills", type=int, default=size.kills, help="of workers and the server")
    parser.add_argument("--crashes", type=int, default=size.crashes, help="of the database")
    parser.add_argument(
        "--calm", type=int, default=size.calm, help="measured recoveries, each kind"
    )
    parser.add_argument("--pause", type=float, default=size.pause_s, help="seconds between faults")
    parser.add_argument("--rows", type=int, default=size.rows, help="rows of each file")
    parser.add_argument("--seed", type=int, default=size.seed)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left behind
    room = Path(tempfile.mkdtemp(prefix="rowport-storm-"))
    size = Size(
        kills=given.kills,
        crashes=given.crashes,
        calm=given.calm,
        pause_s=given.pause,
        rows=given.rows,
        seed=given.seed,
    )
    try:
        report = blow(room / "home", size)
    finally:
        EmbeddedPostgres(room / "home").discard()
        shutil.rmtree(room)
    print(report.table())
    return 0 if report.verdict.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
