"""Keep cells that spreadsheets would run as formulas from being run, and take that back exactly.

A CSV cell that begins with one of LIVE gets a `'` in front.  So does one that begins with `'`s
before one of LIVE, which makes the change reversible cell by cell without any record of which
cells were changed: `unguard(guard(cell)) == cell` for every cell.

Source: OWASP ASVS 5.0, 1.2.10; carriage return and line feed added, since some programs skip them.
"""

from __future__ import annotations

import re
from typing import Final

LIVE: Final = "=+-@\t\r\n\x00\uff1d\uff0b\uff0d\uff20"
"""What starts a formula, or is skipped before one; the full-width forms too."""

GUARDABLE: Final = re.compile(f"'*[{re.escape(LIVE)}]")
GUARDED: Final = re.compile(f"'+[{re.escape(LIVE)}]")


def guard(cell: str) -> str:
    """Give the cell as it may stand in a CSV file."""
    return f"'{cell}" if GUARDABLE.match(cell) else cell


def unguard(cell: str) -> str:
    """Give the cell that `guard` made this of."""
    return cell[1:] if GUARDED.match(cell) else cell
