"""Keep cells that spreadsheets would run as formulas from being run, and take that back exactly.

A CSV cell that begins with one of LIVE gets a `'` in front.  So does one that begins with `'`s
before one of LIVE, which makes the change reversible cell by cell, without any record of which
cells were changed: `unguard(guard(cell)) == cell` for every cell.

Source: OWASP ASVS 5.0, 1.2.10; line feed and the full-width forms added, since some programs
skip or fold them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKERS: Final = ("_row", "_line", "_errors", "_extra")
"""The last columns of a failed-rows file: the row and line in the imported file, what is wrong,
and a JSON array of the cells that stood beyond the last column (empty where there were none)."""

LIVE: Final = "=+-@\t\r\n\x00\uff1d\uff0b\uff0d\uff20"
"""What starts a formula, or is skipped before one."""

GUARDABLE: Final = re.compile(f"'*[{re.escape(LIVE)}]")
GUARDED: Final = re.compile(f"'+[{re.escape(LIVE)}]")
GUARDED_RE2: Final = r"^'('*[=+\-@\t\r\n\x00\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}])"


def guard(cell: str) -> str:
    """Give the cell as it may stand in a CSV file."""
    return f"'{cell}" if GUARDABLE.match(cell) else cell


def unguard(cell: str) -> str:
    """Give the cell that `guard` made this of."""
    return cell[1:] if GUARDED.match(cell) else cell


def is_guarded(header: Sequence[str]) -> bool:
    """Tell whether a CSV file of this header is one of our failed-rows files."""
    return tuple(header[-len(MARKERS) :]) == MARKERS


def unguard_table(cells: pa.Table) -> pa.Table:
    """Give a table of string columns with every cell unguarded."""
    columns: list[Any] = [
        pc.replace_substring_regex(column, pattern=GUARDED_RE2, replacement=r"\1")
        for column in cells.columns
    ]
    return pa.table(columns, schema=cells.schema)
