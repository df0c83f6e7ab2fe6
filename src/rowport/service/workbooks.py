"""Writing spreadsheets whose cells are text and nothing else, in constant memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import xlsxwriter

from rowport.model.errors import InvalidOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 16_384
LONGEST_CELL: Final = 32_767
"""Characters (UTF-16 units).  Source: ECMA-376 readers; Excel specifications and limits."""


def write_workbook(path: Path, lines: Iterable[Sequence[str]], *, sheet: str) -> int:
    """Write the lines, the first of which is the header; give how many lines there were.

    Raises:
        InvalidOptions: the lines do not fit into a spreadsheet; nothing is cut to make them fit.
        OSError: the file cannot be written.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    number = 0
    try:
        with path.open("wb") as out, xlsxwriter.Workbook(out, options) as book:
            bold = book.add_format({"bold": True})
            page = book.add_worksheet(sheet)
            page.freeze_panes(1, 0)
            for number, cells in enumerate(lines, start=1):
                _check_line(number, cells)
                for column, cell in enumerate(cells):
                    if cell:
                        page.write_string(number - 1, column, cell, bold if number == 1 else None)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(*error.args[0].args) from error
    return number


def _check_line(number: int, cells: Sequence[str]) -> None:
    if number > MOST_ROWS:
        raise InvalidOptions(f"a spreadsheet ends at {MOST_ROWS:,} rows; write a .csv instead")
    if len(cells) > MOST_COLUMNS:
        raise InvalidOptions(
            f"a spreadsheet ends at {MOST_COLUMNS:,} columns; write a .csv instead"
        )
    for cell in cells:
        if len(cell) > LONGEST_CELL // 2 and len(cell.encode("utf-16-le")) // 2 > LONGEST_CELL:
            raise InvalidOptions(
                f"a cell of row {number} is longer than the {LONGEST_CELL:,} characters that a "
                "spreadsheet can hold; write a .csv instead"
            )
