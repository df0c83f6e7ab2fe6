"""`make demo` shows what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

CHECKOUT = Path(__file__).parents[2]
AIRPORTS = CHECKOUT / "examples" / "airports" / "data.csv"


def demo(room: Path, file: Path | None = None) -> tuple[int, str]:
    """Run the tour; give its exit status and what it printed on standard output."""
    world = {**os.environ, "ROWPORT_DEMO_ROOM": str(room), "ROWPORT_DEMO_FILE": str(file or "")}
    done = subprocess.run(
        [sys.executable, CHECKOUT / "tools" / "demo.py"],
        env=world,
        capture_output=True,
        check=False,
        timeout=120,
    )
    complaint = done.stderr.decode() if done.returncode else ""
    return done.returncode, done.stdout.decode() + complaint


def test_the_example_goes_in_once_however_often_it_is_imported(tmp_path: Path) -> None:
    status, shown = demo(tmp_path / "a room")
    assert status == 0, shown
    assert "Nothing doubled: 3,831 records" in shown
    assert "unique-error" in shown
    failed = tmp_path / "a room" / "contacts.failed-rows.csv"
    assert failed.stat().st_size > 0


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "xlsx"])
def test_a_public_table_goes_in_from_every_format(tmp_path: Path, suffix: str) -> None:
    frame = pl.read_csv(AIRPORTS, infer_schema=False)
    file = tmp_path / f"airports.{suffix}"
    match suffix:
        case "jsonl":
            frame.write_ndjson(file)
        case "parquet":
            frame.write_parquet(file)
        case _:
            frame.write_excel(file)
    status, shown = demo(tmp_path / "room", file)
    assert status == 0, shown
    assert "Nothing doubled: 3,376 records" in shown


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    status, shown = demo(tmp_path / "room", tmp_path / "nothing.csv")
    assert status == 1
    assert "nothing.csv is not a file" in shown


def test_a_file_that_is_no_table_is_told(tmp_path: Path) -> None:
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    status, shown = demo(tmp_path / "room", picture)
    assert status == 1
    assert "picture.csv" in shown
