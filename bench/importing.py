"""How fast is an import beside a bare COPY of the same rows, and in how much memory?

    python bench/importing.py [--rows 1000000] [--bad 0.01] [--rounds 3] [--tables people,outlets]

Each round imports the file with `rowport import`, as a person would: into an empty table, into one
that holds other records, and once more, when nothing has changed.  Then it copies the rows that
came of it into the same emptied table with the same indexes.  Machines are noisy: only the ratios
of one run count.  Peak memory is the sum over all Rowport processes but PostgreSQL, sampled every
50 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psycopg

import outlets
import people
from rowport.bootstrap import open_rowport

ROWPORT = Path(sys.executable).with_name("rowport")
WRITERS = {"people": people.write, "outlets": outlets.write}
COLUMNS = {
    name: len(made.SCHEMA["fields"]) for name, made in (("people", people), ("outlets", outlets))
}
WORKERS = 2
OTHERS = 10
"""One record of so many stays in the table for the import beside other records."""


class Memory:
    """The most memory that Rowport's processes of one home held together."""

    def __init__(self, home: Path) -> None:
        self._mark = str(home).encode()
        self._stop = threading.Event()
        self.peak_rss_mb = 0.0
        self.peak_by_process: dict[str, float] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the sampling."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            held = dict(self._held())
            self.peak_rss_mb = max(self.peak_rss_mb, sum(held.values()))
            for name, size in held.items():
                self.peak_by_process[name] = max(self.peak_by_process.get(name, 0.0), size)

    def _held(self) -> list[tuple[str, float]]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                status = (folder / "status").read_text()
            except OSError:
                continue
            if self._mark in command and b"python" in command and b"postgres\x00-D" not in command:
                size = next(
                    (x for x in status.splitlines() if x.startswith("VmRSS")), "VmRSS: 0 kB"
                )
                name = "worker" if b"worker" in command else "supervisor"
                name = "import" if b"import\x00" in command else name
                found.append((f"{name} {folder.name}", int(size.split()[1]) / 1024))
        return found


def run(home: Path, *words: str) -> tuple[float, dict[str, object]]:
    """Run the CLI and give its wall time in seconds and its JSON."""
    began = time.monotonic()
    done = subprocess.run(
        [ROWPORT, "--home", home, "--json", *words], capture_output=True, check=False, text=True
    )
    wall = time.monotonic() - began
    if done.returncode not in {0, 3}:
        sys.exit(f"rowport {' '.join(words)}: exit {done.returncode}\n{done.stderr}")
    return wall, json.loads(done.stdout or "{}")


class Table:
    """The table of a record type."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = f"data_default.{name}"

    def say(self, statement: str) -> None:
        """Run a statement in which {} stands for the table."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.format(self._name))

    def empty(self) -> None:
        """Take every record out."""
        self.say("TRUNCATE {}")
        self.say("CHECKPOINT")

    def leave_others(self, key: str) -> None:
        """Leave a tenth of the records, under keys that no row of the file has."""
        self.say(f"DELETE FROM {{}} WHERE rowport_row % {OTHERS} <> 0")
        self.say(f"UPDATE {{}} SET {key} = 'other ' || {key}, rowport_import = gen_random_uuid()")
        self.say("VACUUM FULL ANALYZE {}")
        self.say("CHECKPOINT")

    def dump(self, clean: Path) -> int:
        """Write the records as CSV; gives their number."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            dumping = connection.cursor().copy(f"COPY {self._name} TO STDOUT (FORMAT csv)")
            with clean.open("wb") as file, dumping as copy:
                for block in copy:
                    file.write(block)
            row = connection.execute(f"SELECT count(*) FROM {self._name}").fetchone()
        return int(row[0]) if row else 0

    def copy_floor(self, clean: Path) -> float:
        """COPY the clean rows into the emptied table; gives the wall time in seconds."""
        self.empty()
        with psycopg.connect(self._url, autocommit=True) as connection:
            began = time.monotonic()
            with (
                clean.open("rb") as file,
                connection.cursor().copy(f"COPY {self._name} FROM STDIN (FORMAT csv)") as copy,
            ):
                while block := file.read(1 << 20):
                    copy.write(block)
            return time.monotonic() - began


def seconds_between(resource: dict[str, object]) -> float:
    """Give the engine's own time: from the landed file to the last outcome."""
    stamp = [str(resource[name]).replace("Z", "+00:00") for name in ("created_at", "finished_at")]
    begin, end = (time.mktime(time.strptime(s[:19], "%Y-%m-%dT%H:%M:%S")) for s in stamp)
    fraction = [float("0" + s[19:].split("+")[0]) if "." in s else 0.0 for s in stamp]
    return end + fraction[1] - begin - fraction[0]


def until_alive(home: Path, workers: int) -> None:
    """Wait for workers: a command that sees none starts one of its own, which has to warm up."""
    with open_rowport(home=home, database_url=None) as rowport:
        while rowport.alive_workers() < workers:
            time.sleep(0.1)


def outcome_bytes(url: str, resource: dict[str, object]) -> int:
    """Give how many bytes the ledger keeps of the rows' fates."""
    query = "SELECT sum(length(outcomes)) FROM rowport.chunk_results WHERE import_id = %s"
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [resource["id"]]).fetchone()
    return int(row[0]) if row else 0


def measure(work: Path, name: str, rows: int, bad: float, rounds: int) -> None:
    """Print the figures of one table."""
    file, home = work / f"{name}.csv", work / "home"
    WRITERS[name](rows, bad, file)
    size_mb = file.stat().st_size / 1e6
    print(
        f"\n{name}: {rows:,} rows x {COLUMNS[name]} columns, {size_mb:.0f} MB, {bad:.0%} bad rows,"
        f" {os.cpu_count()} cores"
    )
    run(home, "type", "put", name, str(file.with_suffix(".schema.json")))
    # Two warm workers, as `rowport serve` keeps them; they hold the home's server up as well.
    workers = [
        subprocess.Popen([ROWPORT, "--home", home, "worker"], stderr=subprocess.DEVNULL)
        for _ in range(WORKERS)
    ]
    until_alive(home, WORKERS)
    try:
        _rounds(home, file, work / "clean.csv", name=name, rows=rows, rounds=rounds)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()


def _rounds(home: Path, file: Path, clean: Path, *, name: str, rows: int, rounds: int) -> None:
    url = str(run(home, "db", "url")[1]["database_url"])
    table = Table(url, name)
    memory = Memory(home)
    words = ("import", str(file), "--type", name)
    seen: dict[str, list[float]] = {}
    first: dict[str, object] = {}
    for number in range(1, rounds + 1):
        table.empty()
        wall, first = run(home, *words)
        loaded = table.dump(clean)
        _, again = run(home, *words)
        table.leave_others("id" if name == "people" else "code")
        _, beside = run(home, *words)
        bare = table.copy_floor(clean)
        print(f"round {number}: {first['counts']}, table holds {loaded:,}")
        for what, seconds in (
            ("bare COPY of the clean rows (floor)", bare),
            ("rowport import, whole process", wall),
            ("rowport import, engine", seconds_between(first)),
            ("beside other records, engine", seconds_between(beside)),
            ("again, all unchanged, engine", seconds_between(again)),
        ):
            seen.setdefault(what, []).append(seconds)
    memory.stop()
    _print(seen, rows)
    print(f"outcomes of the import in the ledger: {outcome_bytes(url, first) / 1000:.0f} KB")
    print(f"peak memory of all Rowport processes together: {memory.peak_rss_mb:.0f} MiB")
    for process, size in sorted(memory.peak_by_process.items(), key=lambda x: -x[1])[:4]:
        print(f"  {process}: {size:.0f} MiB")


def _print(seen: dict[str, list[float]], rows: int) -> None:
    middle = statistics.median
    floor = next(iter(seen.values()))
    print(f"\n{'':36}{'seconds':>9}{'rows/s':>12}{'times the floor':>17}")
    for what, walls in seen.items():
        ratio = middle(w / f for f, w in zip(floor, walls, strict=True))
        print(f"{what:36}{middle(walls):9.2f}{rows / middle(walls):12,.0f}{ratio:16.2f}x")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--bad", type=float, default=0.01)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tables", default="people,outlets")
    chosen = parser.parse_args()
    for name in chosen.tables.split(","):
        with tempfile.TemporaryDirectory(prefix="rowport-bench-") as work:
            measure(Path(work), name, chosen.rows, chosen.bad, chosen.rounds)


if __name__ == "__main__":
    main()
