"""How fast is an import beside a bare COPY of the same rows, and in how much memory?

    python bench/importing.py [--rows 1000000] [--bad 0.01] [--rounds 3]

Each round imports the file into an empty table with `rowport import`, as a person would, and then
copies the rows that came of it into the same table with the same indexes.  Machines are noisy:
only the ratios of one run count.  Peak memory is the sum over all Rowport processes but
PostgreSQL, sampled every 50 ms.
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

import million

ROWPORT = Path(sys.executable).with_name("rowport")
TABLE = "data_default.people"
WORKERS = 2


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


def copy_floor(url: str, clean: Path) -> float:
    """COPY the clean rows into the emptied table; gives the wall time in seconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {TABLE}")
        connection.execute("CHECKPOINT")
        began = time.monotonic()
        with (
            clean.open("rb") as file,
            connection.cursor().copy(f"COPY {TABLE} FROM STDIN (FORMAT csv)") as copy,
        ):
            while block := file.read(1 << 20):
                copy.write(block)
        return time.monotonic() - began


def dump(url: str, clean: Path) -> int:
    """Write the table's rows as CSV; gives their number."""
    with psycopg.connect(url, autocommit=True) as connection:
        dumping = connection.cursor().copy(f"COPY {TABLE} TO STDOUT (FORMAT csv)")
        with clean.open("wb") as file, dumping as copy:
            for block in copy:
                file.write(block)
        row = connection.execute(f"SELECT count(*) FROM {TABLE}").fetchone()
    return int(row[0]) if row else 0


def seconds_between(resource: dict[str, object]) -> float:
    """Give the engine's own time: from the landed file to the last outcome."""
    stamp = [str(resource[name]).replace("Z", "+00:00") for name in ("created_at", "finished_at")]
    begin, end = (time.mktime(time.strptime(s[:19], "%Y-%m-%dT%H:%M:%S")) for s in stamp)
    fraction = [float("0" + s[19:].split("+")[0]) if "." in s else 0.0 for s in stamp]
    return end + fraction[1] - begin - fraction[0]


def measure(work: Path, rows: int, bad: float, rounds: int) -> None:
    """Print the table."""
    file, clean, home = work / "people.csv", work / "clean.csv", work / "home"
    million.write(rows, bad, file)
    size_mb = file.stat().st_size / 1e6
    print(
        f"{rows:,} rows x 12 columns, {size_mb:.0f} MB, {bad:.0%} bad rows, {os.cpu_count()} cores"
    )
    run(home, "type", "put", "people", str(file.with_suffix(".schema.json")))
    # Two warm workers, as `rowport serve` keeps them; they hold the home's server up as well.
    workers = [
        subprocess.Popen([ROWPORT, "--home", home, "worker"], stderr=subprocess.DEVNULL)
        for _ in range(WORKERS)
    ]
    try:
        _rounds(home, file, clean, rows=rows, rounds=rounds)
    finally:
        for worker in workers:
            worker.terminate()


def _rounds(home: Path, file: Path, clean: Path, *, rows: int, rounds: int) -> None:
    url = str(run(home, "db", "url")[1]["database_url"])
    memory = Memory(home)
    empty, engine, again, floor = [], [], [], []
    for number in range(1, rounds + 1):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"TRUNCATE {TABLE}")
            connection.execute("CHECKPOINT")
        wall, resource = run(home, "import", str(file), "--type", "people")
        counts = resource["counts"]
        loaded = dump(url, clean)
        unchanged, second = run(home, "import", str(file), "--type", "people")
        bare = copy_floor(url, clean)
        empty.append(wall)
        engine.append(seconds_between(resource))
        again.append(seconds_between(second))
        floor.append(bare)
        print(f"round {number}: {counts}, table holds {loaded:,}")
        print(
            f"  import {wall:.2f} s (engine {engine[-1]:.2f} s), again unchanged {unchanged:.2f} s"
            f" (engine {again[-1]:.2f} s), bare COPY {bare:.2f} s"
        )
    memory.stop()
    middle = statistics.median
    print(f"\n{'':34}{'seconds':>9}{'rows/s':>12}{'of the floor':>14}")
    for name, walls in (
        ("bare COPY of the clean rows (floor)", floor),
        ("rowport import, whole process", empty),
        ("rowport import, engine", engine),
        ("again, all unchanged, engine", again),
    ):
        ratio = middle(f / w for f, w in zip(floor, walls, strict=True))
        print(f"{name:34}{middle(walls):9.2f}{rows / middle(walls):12,.0f}{ratio:13.2f}x")
    print(f"\npeak memory of all Rowport processes together: {memory.peak_rss_mb:.0f} MB")
    for name, size in sorted(memory.peak_by_process.items(), key=lambda x: -x[1])[:4]:
        print(f"  {name}: {size:.0f} MB")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--bad", type=float, default=0.01)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rowport-bench-") as work:
        measure(Path(work), chosen.rows, chosen.bad, chosen.rounds)


if __name__ == "__main__":
    main()
