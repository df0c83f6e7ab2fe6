"""How late does an event come to many who watch, and what does each of them cost?

    python bench/watching.py [--watchers 1000] [--imports 50] [--updates 40] [--every 0.5]

`rowport serve` runs with an embedded database and no worker.  Each import is watched by its share
of the watchers, by server-sent events.  Then each import changes `updates` times, once in `every`
seconds, each change in a transaction of its own as a worker's would be.  The delay of an event is
from its writing inside that transaction to its reading by the watcher, so it includes the commit,
the publishing and the client, which reads all sockets in one thread.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg

from rowport.bootstrap import open_rowport
from rowport.model.access import Scope
from rowport.model.imports import ImportOptions

if TYPE_CHECKING:
    from uuid import UUID

    from rowport.bootstrap import Rowport

ROWPORT = Path(sys.executable).with_name("rowport")
SCHEMA = {"fields": [{"name": "email", "type": "string"}]}
PATIENCE_S = 120.0
PHASES = ("validating", "loading")
GOAL_MS, GOAL_KB = 500, 60


class Watchers:
    """All who watch, in one thread."""

    def __init__(self, url: str, secret: str) -> None:
        self._secret = secret
        self._place = urlsplit(url)
        self.delays: list[float] = []
        self.faults = 0
        self.open = 0

    async def watch(self, import_id: UUID, expected: int) -> None:
        """Read until so many events of a change have come, and hang up."""
        reader, writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        writer.write(
            f"GET /v1/imports/{import_id}/events HTTP/1.1\r\nHost: x\r\n"
            f"Accept: text/event-stream\r\nAuthorization: Bearer {self._secret}\r\n\r\n".encode()
        )
        last = seen = 0
        # What tells of its making comes first: from there on it is watched.
        while seen <= expected:
            line = await reader.readline()
            if not line:
                break
            if line.startswith(b"id: "):
                position = int(line[4:])
                self.faults += position <= last
                last = position
            elif line.startswith(b"data: "):
                self._note(line, is_first=seen == 0)
                seen += 1
        self.faults += seen != expected + 1
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def _note(self, line: bytes, *, is_first: bool) -> None:
        if is_first:
            self.open += 1
            return
        said = datetime.fromisoformat(json.loads(line[6:])["timestamp"])
        self.delays.append((time.time() - said.timestamp()) * 1000)


def change(rowport: Rowport, imports: list[UUID], updates: int, every_s: float) -> None:
    """Change each import again and again, evenly over time."""
    pause_s, begun = every_s / len(imports), time.monotonic()
    number = 0
    with psycopg.connect(rowport.database_url, autocommit=True) as connection:
        for update in range(updates):
            for import_id in imports:
                connection.execute(
                    "UPDATE rowport.imports SET phase = %s WHERE id = %s",
                    (PHASES[update % 2], import_id),
                )
                with rowport.database.transaction() as tx:
                    rowport.ledger.events.publish(tx)
                number += 1
                time.sleep(max(0.0, begun + number * pause_s - time.monotonic()))


def answering(home: Path) -> int:
    """Find the process that answers: the last one of `rowport api`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"api" in words and str(home).encode() in words:
                found.append(int(folder.name))
    return max(found)


def rss_kb(pid: int) -> int:
    """Give the memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(x for x in status.splitlines() if x.startswith("VmRSS")).split()[1])


def cpu_s(pid: int) -> float:
    """Give the seconds that a process has worked."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def listening(rowport: Rowport) -> int:
    """Count the processes that listen for events: one does while somebody watches there."""
    with psycopg.connect(rowport.database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN rowport_events%'"
        ).fetchone()
    return int(row[0]) if row else -1


async def until(what: str, is_so: object, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + patience_s
    while not (callable(is_so) and is_so()):
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not in {patience_s:.0f} s")
        await asyncio.sleep(0.1)


async def measure(rowport: Rowport, url: str, chosen: argparse.Namespace) -> bool:
    """Watch, change, and tell how that went; gives whether the goals are met."""
    services, organization = rowport.services, rowport.organization
    services.record_types.put(organization, "watched", SCHEMA)
    imports = [
        services.imports.create(
            organization.id,
            "watched",
            file_name="watched.csv",
            parts=iter([b"email\na@x.org\n"]),
            options=ImportOptions(),
        ).id
        for _ in range(chosen.imports)
    ]
    issued = services.access.issue_in(
        organization, name="watching", scopes=frozenset({Scope.IMPORT_READ})
    )
    server, crowd = answering(rowport.home), Watchers(url, issued.secret)
    before_kb = rss_kb(server)
    async with asyncio.TaskGroup() as group:
        for number in range(chosen.watchers):
            group.create_task(crowd.watch(imports[number % len(imports)], chosen.updates))
        await until("all watch", lambda: crowd.open == chosen.watchers)
        if listening(rowport) != 1:
            sys.exit("one process listens, or nobody would be told in time")
        open_kb, open_cpu, begun = rss_kb(server), cpu_s(server), time.monotonic()
        words = (rowport, imports, chosen.updates, chosen.every)
        changing = threading.Thread(target=change, args=words)
        changing.start()
        await until("all is changed", lambda: not changing.is_alive())
        busy_s, lasted_s = cpu_s(server) - open_cpu, time.monotonic() - begun
        peak_kb = rss_kb(server)
    began = time.monotonic()
    await until("all are forgotten", lambda: listening(rowport) == 0)
    expected = chosen.watchers * chosen.updates
    p50, p99 = (statistics.quantiles(crowd.delays, n=100)[k] for k in (49, 98))
    each_kb = (max(open_kb, peak_kb) - before_kb) / chosen.watchers
    sys.stdout.write(
        f"{chosen.watchers} watchers of {chosen.imports} imports, {chosen.updates} changes each, "
        f"one in {chosen.every} s\n"
        f"events delivered {len(crowd.delays):,} of {expected:,}; "
        f"out of order, twice or missing: {crowd.faults}\n"
        f"delay p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {max(crowd.delays):.0f} ms\n"
        f"memory of a watcher {each_kb:.0f} kB; CPU of the server {busy_s / lasted_s:.0%} of a "
        f"core\nthe last listener left {time.monotonic() - began:.1f} s after the last hang-up\n"
    )
    is_whole = len(crowd.delays) == expected and not crowd.faults
    return is_whole and p99 <= GOAL_MS and each_kb <= GOAL_KB


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--imports", type=int, default=50)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--every", type=float, default=0.5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve() / "home"
        words = ["--home", str(home), "serve", "--json", "--port", "0", "--workers", "0"]
        with (
            subprocess.Popen([ROWPORT, *words], stdout=subprocess.PIPE, text=True) as server,
            open_rowport(home=home, database_url=None) as rowport,
        ):
            try:
                url = json.loads(server.stdout.readline() if server.stdout else "{}")["url"]
                is_good = asyncio.run(measure(rowport, url, chosen))
            finally:
                server.terminate()
                server.wait()
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
