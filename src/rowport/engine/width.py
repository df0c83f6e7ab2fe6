"""How wide a table may be."""

from __future__ import annotations

from typing import Final

from rowport.model.errors import UnreadableFile

MAX_COLUMNS: Final = 100_000
"""Six times the widest of spreadsheets; a file with more is damaged, or means harm."""
_MAX_CELLS: Final = 4_000_000
"""Of a chunk, if its rows are not bounded by bytes of the file: empty cells cost memory too."""


def check_width(columns: int) -> None:
    """Refuse a table that is too wide.

    Raises:
        UnreadableFile: it has more than MAX_COLUMNS columns.
    """
    if columns > MAX_COLUMNS:
        raise UnreadableFile(
            f"The file has {columns:,} columns or more; at most {MAX_COLUMNS:,} can be read."
        )


def rows_within(rows: int, columns: int) -> int:
    """Give how many rows of so many columns a chunk may have, if `rows` are wanted."""
    return max(1, min(rows, _MAX_CELLS // max(1, columns)))
