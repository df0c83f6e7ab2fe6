"""How fast is reading and validating beside the bare reads of other libraries?

    python bench/reading.py [--rows 1000000] [--rounds 3] [--slice 20000]

One table of 16 columns with 1 % and with 10 % bad rows.  Every measurement is a process of its
own, and the contenders take turns, because machines are noisy: only the ratios of one run count.
The bare reads find no error and number no row; frictionless-py validates a slice, by the same
schema.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import outlets

if TYPE_CHECKING:
    from collections.abc import Callable


def parse(file: Path) -> int:
    """Detect, cut and take apart; every cell is text."""
    from rowport.bootstrap import open_table

    return sum(chunk.rows for chunk in open_table(file, {}).chunks())


def validate(file: Path) -> int:
    """The same, and every error of every row, as `rowport validate` does it."""
    from rowport.bootstrap import open_table
    from rowport.engine.schema_document import parse as parse_schema
    from rowport.service.checking import Check

    schema = parse_schema(json.loads(file.with_suffix(".schema.json").read_text()))
    check = Check(open_table(file, {}), schema, key=schema.primary_key)
    return sum(chunk.rows for chunk in check.run())


def pyarrow_read(file: Path) -> int:
    """A bare read by pyarrow on one thread, all columns as text."""
    import pyarrow.csv

    names = file.open(encoding="utf-8").readline().strip().split(",")
    reader = pyarrow.csv.open_csv(
        file,
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=8 << 20),
        parse_options=pyarrow.csv.ParseOptions(
            newlines_in_values=True, invalid_row_handler=lambda _: "skip"
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pyarrow.string())
        ),
    )
    return sum(batch.num_rows for batch in reader)


def polars_read(file: Path) -> int:
    """A bare read by Polars, all columns as text."""
    import polars as pl

    frame = pl.read_csv(file, infer_schema=False, truncate_ragged_lines=True)
    return frame.height


def duckdb_read(file: Path) -> int:
    """A bare read by DuckDB, all columns as text, into a table in memory."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE t AS SELECT * FROM read_csv(?, all_varchar = true, ignore_errors = true)",
        [str(file)],
    )
    row = connection.execute("SELECT count(*) FROM t").fetchone()
    return int(row[0]) if row else 0


def frictionless_validate(file: Path) -> int:
    """Validation by frictionless-py."""
    from frictionless import Checklist, Resource, Schema

    schema = Schema.from_descriptor(json.loads(file.with_suffix(".schema.json").read_text()))
    found = Resource(path=file.name, basepath=str(file.parent), schema=schema)
    report = found.validate(Checklist(), limit_errors=10**9)
    return int(report.tasks[0].stats.get("rows") or 0)


CONTENDERS: dict[str, Callable[[Path], int]] = {
    "pyarrow, one thread, bare read": pyarrow_read,
    "polars, bare read": polars_read,
    "duckdb, bare read": duckdb_read,
    "rowport, parse": parse,
    "rowport, parse and validate": validate,
}
FLOOR = next(iter(CONTENDERS))
FRICTIONLESS = "frictionless-py, validate"


def alone(name: str, file: Path) -> dict[str, float]:
    """Measure one contender in this process, once its libraries are there."""
    work = {**CONTENDERS, FRICTIONLESS: frictionless_validate}[name]
    work(file.with_name("few.csv"))
    before, began = time.process_time(), time.monotonic()
    rows = work(file)
    return {
        "rows": rows,
        "wall_s": time.monotonic() - began,
        "cpu_s": time.process_time() - before,
        "rss_mb": peak_rss_mb(),
    }


def peak_rss_mb() -> float:
    """Give the most memory this process held; `getrusage` also counts who started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def in_a_process(name: str, file: Path) -> dict[str, float]:
    """Measure one contender in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--alone", name, "--file", file],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(work: Path, rows: int, bad: float, rounds: int, few: int) -> None:
    """Print the figures for one share of bad rows."""
    file, slice_ = work / "outlets.csv", work / "slice.csv"
    outlets.write(rows, bad, file)
    outlets.write(few, bad, slice_)
    _without_our_additions(slice_.with_suffix(".schema.json"))
    outlets.write(100, bad, work / "few.csv")
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, runs in seen.items():
            runs.append(in_a_process(name, file))
    size_mb = file.stat().st_size / 1e6
    print(f"\n{rows:,} rows x 16 columns, {size_mb:.0f} MB, {bad:.0%} bad rows, 2 cores")
    print(f"{'':34}{'wall s':>8}{'CPU s':>8}{'rows/s':>12}{'CPU / floor':>13}{'RSS MB':>8}")
    for name, runs in seen.items():
        _line(name, runs, seen[FLOOR])
    ours, theirs = (in_a_process(name, slice_) for name in (list(CONTENDERS)[-1], FRICTIONLESS))
    if theirs["rows"] < few / 2:
        sys.exit(f"{FRICTIONLESS} read {theirs['rows']} of {few} rows: nothing to compare with")
    pace = statistics.median(run["rows"] / run["wall_s"] for run in seen[list(CONTENDERS)[-1]])
    print(
        f"{FRICTIONLESS}, {few:,} rows: {theirs['wall_s']:.1f} s,"
        f" {few / theirs['wall_s']:,.0f} rows/s; rowport on the same file {ours['wall_s']:.2f} s"
        f" ({theirs['wall_s'] / ours['wall_s']:.0f}x), on the whole one"
        f" {pace * theirs['wall_s'] / few:.0f}x"
    )


def _without_our_additions(path: Path) -> None:
    """Leave text what only our transforms can read, so that both sides judge the same cells."""
    schema = json.loads(path.read_text())
    for field in schema["fields"]:
        if field.pop("transforms", None):
            field["type"] = "string"
    path.write_text(json.dumps(schema))


def _line(name: str, runs: list[dict[str, float]], floor: list[dict[str, float]]) -> None:
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    ratio = statistics.median(
        run["cpu_s"] / bare["cpu_s"] for run, bare in zip(runs, floor, strict=True)
    )
    print(
        f"{name:34}{middle['wall_s']:8.2f}{middle['cpu_s']:8.2f}"
        f"{middle['rows'] / middle['wall_s']:12,.0f}{ratio:12.2f}x{middle['rss_mb']:8.0f}"
    )


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slice", type=int, default=20_000)
    parser.add_argument("--alone")
    parser.add_argument("--file", type=Path)
    chosen = parser.parse_args()
    if chosen.alone:
        print(json.dumps(alone(chosen.alone, chosen.file)))
        return
    for bad in (0.01, 0.1):
        with tempfile.TemporaryDirectory(prefix="rowport-bench-") as work:
            compare(Path(work), chosen.rows, bad, chosen.rounds, chosen.slice)


if __name__ == "__main__":
    main()
