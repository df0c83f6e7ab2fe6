"""What does the engine cost, how soon does an import begin, and how fair is it?

    python bench/engine.py [--chunks 5000] [--idle 60]

Everything runs as users start it: `rowport serve` with its embedded database and two workers, and
files that are sent over HTTP.  First with default settings: small imports on an idle system, what
it costs when nothing happens, and small imports beside a large file on one worker.  Then with
chunks of one row, so that what is measured is the engine and not the loading: a bare INSERT and
COMMIT for each row is the floor, in the same run and on the same server.  Times are told by the
database's clock, which is that of this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROWPORT: Final = Path(sys.executable).with_name("rowport")
SCHEMA: Final = {"fields": [{"name": "id", "type": "integer"}, {"name": "word", "type": "string"}]}
PATIENCE_S: Final = 300.0
POLL_S: Final = 0.01
SETTLE_S: Final = 15.0
"""Sessions tell what they did some seconds after it."""
SMALL_S: Final = 0.4
"""Between two small imports, so that each finds the system idle."""
TICKS: Final = os.sysconf("SC_CLK_TCK")
serial: Final = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Milliseconds of one import, from the moment in which its file was sent."""

    answered: float
    running: float
    """Until its first chunk was claimed and the import was running."""
    finished: float
    chunks: int
    loading: float
    """From running to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A running Rowport."""

    home: Path
    database_url: str
    postmaster: int
    client: httpx.Client

    def send(self, token: str, rows: int) -> tuple[str, float, float]:
        """Send a file of so many new rows; gives the import, and when it was sent and answered."""
        first = next(serial) * 1_000_000
        data = "id,word\n" + "".join(f"{first + n},w\n" for n in range(rows))
        sent = time.time()
        answer = self.client.post(
            "/v1/imports",
            headers={"Authorization": f"Bearer {token}"},
            data={"type": "words"},
            files={"file": ("words.csv", data)},
        )
        answer.raise_for_status()
        return answer.json()["id"], sent, time.time()

    def ask(self, statement: str, *words: object) -> tuple[Any, ...]:
        """Ask the database for one row."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            found = connection.execute(statement.encode(), words).fetchone()
        return found or ()

    def follow(self, import_id: str, sent: float, answered: float) -> Took:
        """Wait for an import's end."""
        deadline = time.monotonic() + PATIENCE_S
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            while True:
                found = connection.execute(
                    "SELECT extract(epoch FROM started_at)::float8,"
                    " extract(epoch FROM finished_at)::float8, state,"
                    " (SELECT count(*) FROM rowport.chunks WHERE import_id = i.id)"
                    " FROM rowport.imports AS i WHERE id = %s",
                    [import_id],
                ).fetchone()
                if found and found[1]:
                    break
                if time.monotonic() > deadline:
                    sys.exit(f"{import_id} does not end: {found}")
                time.sleep(POLL_S)
        started, finished, state, chunks = found
        if state != "completed":
            sys.exit(f"{import_id} is {state}")
        return Took(
            answered=(answered - sent) * 1000,
            running=(started - sent) * 1000,
            finished=(finished - sent) * 1000,
            chunks=chunks,
            loading=(finished - started) * 1000,
        )

    def run(self, token: str, rows: int) -> Took:
        """Import a file of so many rows."""
        return self.follow(*self.send(token, rows))


def rowport(home: Path, *words: str) -> str:
    """Run a command of this home and give what it prints."""
    done = subprocess.run(
        [ROWPORT, "--home", home, *words], capture_output=True, text=True, check=True
    )
    return done.stdout


def token_of(home: Path, slug: str) -> str:
    """Make a token of an organization, the first time with its record type."""
    made = json.loads(rowport(home, "--json", "token", "create", "bench", "--org", slug))
    return str(made["secret"])


@contextmanager
def serving(home: Path, *, workers: int = 2, **environment: str) -> Iterator[Place]:
    """Run `rowport serve`."""
    words = ["--home", str(home), "serve", "--json", "--port", "0", "--workers", str(workers)]
    server = subprocess.Popen(
        [ROWPORT, *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        ready = json.loads(server.stdout.readline() if server.stdout else "{}")
        database_url = rowport(home, "db", "url").strip()
        with (
            psycopg.connect(database_url) as connection,
            httpx.Client(base_url=ready["url"], timeout=60) as client,
        ):
            postmaster = int(stat_of(connection.info.backend_pid)[1])
            connection.close()
            yield Place(home=home, database_url=database_url, postmaster=postmaster, client=client)
    finally:
        server.terminate()
        server.wait()


def prepare(place: Place, slugs: Sequence[str]) -> dict[str, str]:
    """Make organizations, each with the record type; gives a token of each."""
    tokens = {}
    for slug in slugs:
        with suppress(subprocess.CalledProcessError):  # it is there already
            rowport(place.home, "org", "create", slug)
        tokens[slug] = token_of(place.home, slug)
        place.client.put(
            "/v1/types/words",
            headers={"Authorization": f"Bearer {tokens[slug]}"},
            json={"schema": SCHEMA},
        ).raise_for_status()
    return tokens


# -------------------------------------------------------------------------------- what is measured


def small(place: Place, token: str, rows: int, times: int) -> list[Took]:
    """Import a small file again and again on the idle system."""
    found = []
    for _ in range(times):
        time.sleep(SMALL_S)
        found.append(place.run(token, rows))
    return found


def floor_ms(place: Place, rows: int) -> float:
    """Insert and commit rows one by one, bare."""
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.bare (id bigint, word text)")
        began = time.perf_counter()
        for number in range(rows):
            connection.execute("INSERT INTO public.bare VALUES (%s, %s)", (number, "w"))
        return (time.perf_counter() - began) * 1000 / rows


def fairness(place: Place, tokens: dict[str, str], chunks: int) -> None:
    """Let B send small files alone, and while A has a large one."""
    small(place, tokens["b"], 3, 2)  # the first one makes the table
    alone = [took.finished for took in small(place, tokens["b"], 3, 7)]
    large = place.send(tokens["a"], chunks)
    done = "SELECT count(*), extract(epoch FROM clock_timestamp())::float8 FROM rowport.chunks"
    done += " WHERE import_id = %s AND state = 'done'"
    while place.ask(done, large[0])[0] < chunks / 50:
        time.sleep(POLL_S)
    before = place.ask(done, large[0])
    behind = [took.finished for took in small(place, tokens["b"], 3, 7)]
    after = place.ask(done, large[0])
    if after[0] >= chunks:
        sys.exit("A was done too soon: give it more chunks")
    each = (after[1] - before[1]) * 1000 / (after[0] - before[0])
    place.follow(*large)
    delay = statistics.median(behind) - statistics.median(alone)
    say(f"3 chunks of B alone, ms: {spread(alone)}")
    say(f"3 chunks of B behind {chunks:,} of A, ms: {spread(behind)}")
    say(f"a chunk of A took two workers {each:.1f} ms; B's delay is {delay / each:.1f} such chunks")


def large(place: Place, tokens: dict[str, str], megabytes: int) -> None:
    """Let B send small files while the one worker reads a large one of A, and while it loads it."""
    line = f"1,{'w' * 61}\n"
    path = place.home.with_name("large.csv")
    with path.open("w", encoding="ascii") as file:
        file.write("id,word\n")
        for _ in range(megabytes):
            file.write(line * (1_000_000 // len(line)))
    token = {"Authorization": f"Bearer {tokens['a']}"}
    alone = small(place, tokens["b"], 3, 7)
    with path.open("rb") as sent:
        answer = place.client.post(
            "/v1/imports",
            headers=token,
            data={"type": "words"},
            files={"file": ("large.csv", sent)},
        )
    answer.raise_for_status()
    its_id, while_read = answer.json()["id"], []
    while place.ask("SELECT state FROM rowport.imports WHERE id = %s", its_id)[0] == "reading":
        while_read.append(place.run(tokens["b"], 3))
    if not while_read:
        sys.exit("the large file was read too soon: take a larger one")
    while_loaded = [place.run(tokens["b"], 3) for _ in range(7)]
    place.client.post(f"/v1/imports/{its_id}/cancel", headers=token).raise_for_status()
    for words, found in (
        ("alone", alone),
        (f"while a file of {megabytes:,} MB is read", while_read),
        ("while it is loaded", while_loaded),
    ):
        say(f"one worker, 3 rows of B {words}, ms: {spread([took.finished for took in found])}")


def overhead(place: Place, token: str, chunks: int) -> None:
    """Import many chunks of one row, beside bare commits."""
    place.run(token, 10)
    floors = [floor_ms(place, chunks // 4)]
    before = cpu(place)
    took = place.run(token, chunks)
    after = cpu(place)
    floors.append(floor_ms(place, chunks // 4))
    floor, each = statistics.mean(floors), took.loading * 2 / took.chunks
    spent = ", ".join(f"{n} {(after[n] - before[n]) * 1000 / chunks:.1f}" for n in after)
    say(f"{took.chunks:,} chunks of one row: {took.chunks / took.loading * 1000:.0f} a second")
    say(f"a chunk takes a worker {each:.1f} ms; a bare INSERT and COMMIT {floor:.1f} ms")
    say(f"CPU ms for each chunk: {spent}")


def idle(place: Place, seconds: float) -> None:
    """See what happens when nothing does."""
    committed = (
        "SELECT xact_commit + xact_rollback FROM pg_stat_database"
        " WHERE datname = current_database()"
    )
    time.sleep(SETTLE_S)
    commits, before, began = place.ask(committed)[0], cpu(place), time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - began
    after = cpu(place)
    time.sleep(1)  # counters of a session arrive a moment later
    rate = (place.ask(committed)[0] - commits) / (time.monotonic() - began)
    spent = ", ".join(f"{n} {(after[n] - before[n]) * 60 / lasted:.2f}" for n in sorted(after))
    say(f"idle: {rate:.1f} transactions a second; CPU seconds a minute: {spent}")


def cpu(place: Place) -> dict[str, float]:
    """Give the CPU seconds of server, workers and database, with children that have ended."""
    spent = {"server": 0.0, "workers": 0.0, "database": 0.0}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = stat_of(int(folder.name))
            kind = kind_of(place, int(folder.name))
            if kind:
                # Sessions that ended are in the postmaster's account.
                used = fields[11:15] if kind == "database" else fields[11:13]
                spent[kind] += sum(map(int, used)) / TICKS
    return spent


def kind_of(place: Place, pid: int) -> str | None:
    """Tell to what a process belongs."""
    if place.postmaster in {pid, int(stat_of(pid)[1])}:
        return "database"
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    if str(place.home).encode() not in words:
        return None
    return "workers" if b"worker" in words else "server"


def stat_of(pid: int) -> list[str]:
    """Give what the kernel counts of a process: its state, its parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def spread(values: Sequence[float]) -> str:
    """Say the median and the extremes."""
    return f"median {statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=5000, help="of the large import")
    parser.add_argument("--idle", type=float, default=60, help="seconds in which nothing happens")
    parser.add_argument("--large", type=int, default=1000, help="megabytes of the large file")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve() / "home"
        with serving(home) as place:
            tokens = prepare(place, ["a", "b"])
            small(place, tokens["a"], 10, 3)
            took = small(place, tokens["a"], 10, 20)
            say("10 rows on an idle system, ms from the sending")
            say(f"  until it is answered: {spread([t.answered for t in took])}")
            say(f"  until its first chunk runs: {spread([t.running for t in took])}")
            say(f"  from the answer to that: {spread([t.running - t.answered for t in took])}")
            say(f"  until the end: {spread([t.finished for t in took])}")
            idle(place, chosen.idle)
        with serving(home, workers=1) as place:
            large(place, tokens, chosen.large)
        with serving(home, ROWPORT_CHUNK_ROWS="1") as place:
            overhead(place, tokens["a"], 2000)
            fairness(place, tokens, chosen.chunks)


if __name__ == "__main__":
    main()
