"""How fast is reading XLSX beside fastexcel's bare read of the same sheet?

    python bench/workbooks.py [--rows 100000] [--rounds 3]

A sheet of 15 columns: texts, numbers, dates by number format, booleans.  Both sides read it in this
process, in turns; only the ratios of one run count.  The bare read gives typed columns and neither
row numbers nor the text of a cell.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import fastexcel
import xlsxwriter

from rowport.bootstrap import open_table

if TYPE_CHECKING:
    from collections.abc import Callable


def write(file: Path, rows: int, *, inline: bool) -> None:
    """Write the workbook, its texts in the cells (`inline`) or shared, as most programs do."""
    with xlsxwriter.Workbook(file, {"constant_memory": inline}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, [f"column {number}" for number in range(15)])
        for row in range(1, rows + 1):
            when = date(2020, 1, 1) + timedelta(row % 1500)
            sheet.write_row(row, 0, [row, f"name {row}", f"user{row}@example.com", row / 7])
            sheet.write_datetime(row, 4, when, day)
            sheet.write_row(row, 5, [row % 2 == 0, "open", "Zoë", row * 3, row % 90, -row / 3])
            sheet.write_row(row, 11, [f"note {row % 50}", "DE", row % 5, f"{row:08}"])


def ours(file: Path) -> int:
    """Read it as an import does."""
    return sum(chunk.rows for chunk in open_table(file, {}).chunks())


def bare(file: Path) -> int:
    """Read it with fastexcel, into Arrow."""
    return int(fastexcel.read_excel(file).load_sheet(0).to_arrow().num_rows)


def measured(read: Callable[[Path], int], file: Path, rows: int) -> tuple[float, float]:
    """Give wall and CPU seconds."""
    wall, cpu = time.monotonic(), time.process_time()
    if read(file) != rows:
        raise SystemExit(f"{read.__name__} lost rows")
    return time.monotonic() - wall, time.process_time() - cpu


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    for inline in (False, True):
        with tempfile.TemporaryDirectory(prefix="rowport-bench-") as work:
            file = Path(work) / "book.xlsx"
            write(file, chosen.rows, inline=inline)
            compare(file, chosen.rows, chosen.rounds, "inline" if inline else "shared")


def compare(file: Path, rows: int, rounds: int, texts: str) -> None:
    """Print the figures of one workbook."""
    pairs = [(measured(bare, file, rows), measured(ours, file, rows)) for _ in range(rounds)]
    print(f"\nXLSX, {rows:,} rows x 15 columns, {texts} texts")
    for place, what in enumerate(("wall", "CPU")):
        theirs, mine = ([pair[side][place] for pair in pairs] for side in (0, 1))
        ratio = statistics.median(b / a for a, b in zip(theirs, mine, strict=True))
        print(
            f"{what}: fastexcel, bare read {statistics.median(theirs):.2f} s;"
            f" rowport {statistics.median(mine):.2f} s; {ratio:.2f}x"
        )


if __name__ == "__main__":
    main()
