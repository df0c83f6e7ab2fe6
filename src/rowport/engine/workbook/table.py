"""The table on a sheet: its header, its width, and its rows in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.delimited.detection import SampleRecord
from rowport.engine.delimited.heading import Heading, heading
from rowport.engine.workbook.grid import filled
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.model.outcomes import RowErrorCode
from rowport.ports import BrokenRow, FormatLayout, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.engine.workbook.grid import Grid

OPTIONS: Final = ("sheet", "header_row", "has_header")
SAMPLE_ROWS: Final = 400
_FEW: Final = 0.02
"""A column without a name that so few rows fill is none: their cells are extra."""


def check_options(overrides: Mapping[str, object], what: str) -> None:
    """Refuse options that sheets do not have.

    Raises:
        InvalidOptions: one is unknown.
    """
    for name in overrides:
        if name not in OPTIONS and name != "format":
            raise InvalidOptions(f"{what} have no option {name!r}; known: {', '.join(OPTIONS)}.")


def sheet_layout(
    grid: Grid, overrides: Mapping[str, object], *, form: str, sheet: str, sheets: list[str]
) -> FormatLayout:
    """Find header and columns in the first rows of a sheet.

    Raises:
        InvalidOptions: an override cannot be right.
        UnreadableFile: there is no header and no row.
    """
    found = _heading(grid, overrides)
    columns = _width(grid, found)
    names = tuple(f"column_{number}" for number in range(1, columns + 1))
    header = (*(found.header or ()), *[""] * columns)[:columns]
    return FormatLayout(
        format=form,
        header=header if found.header is not None else names,
        options={
            "sheet": sheet,
            "has_header": found.header is not None,
            "header_row": found.line if found.header is not None else None,
            "data_line": found.data_begin + 1,
        },
        evidence={
            "sheets": sheets,
            "preamble": list(found.preamble),
            "header_rows": found.header_rows,
        },
        confidence=0.95,
    )


def first_line(layout: FormatLayout) -> int:
    """Give the sheet row with which the data begins.

    Raises:
        UnreadableFile: the layout does not say.
    """
    line = layout.options.get("data_line")
    if isinstance(line, int):
        return line
    raise UnreadableFile("The stored layout has no usable data_line.")


def sheet_chunk(grid: Grid, columns: int, first_row: int) -> ParsedChunk:
    """Give rows of a sheet as a chunk; those with cells beyond the table's columns are broken."""
    count = len(grid.lines)
    numbers = np.arange(first_row, first_row + count)
    beyond = np.zeros(count, bool)
    for column in grid.columns[columns:]:
        beyond |= filled(column)
    places = np.flatnonzero(beyond).tolist()
    broken = tuple(
        BrokenRow(
            row=int(numbers[place]),
            line=int(grid.lines[place]),
            code=RowErrorCode.EXTRA_CELL,
            note=f"The row has cells beyond the {columns} columns of the header.",
            cells=tuple(column[place].as_py() or "" for column in grid.columns),
            field_index=columns,
        )
        for place in places
    )
    texts = [_told(column) for column in grid.columns[:columns]]
    texts += [pa.nulls(count, pa.string())] * (columns - len(texts))
    cells = pa.table(texts, names=[str(number) for number in range(columns)])
    if places:
        cells = cells.filter(pa.array(~beyond))
    return ParsedChunk(
        cells=cells,
        row=pa.array(numbers[~beyond]),
        line=pa.array(grid.lines[~beyond]),
        broken=broken,
    )


def _told(column: pa.Array) -> pa.Array:
    """Give texts as chunks have them: a cell with an empty text is an empty cell."""
    texts = column.cast(pa.string())
    is_empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(is_empty, None, texts) if pc.any(is_empty).as_py() else texts


def _heading(grid: Grid, overrides: Mapping[str, object]) -> Heading:
    texts = [column.to_pylist() for column in grid.columns]
    sample = [
        SampleRecord(
            cells=tuple(column[place] or "" for column in texts),
            begin=line - 1,
            end=line,
            line=line,
        )
        for place, line in enumerate(grid.lines.tolist())
    ]
    header_row = overrides.get("header_row")
    has_header = overrides.get("has_header")
    if header_row is not None and (isinstance(header_row, bool) or not isinstance(header_row, int)):
        raise InvalidOptions("The option header_row must be the number of a sheet row.")
    if has_header is not None and not isinstance(has_header, bool):
        raise InvalidOptions("The option has_header must be true or false.")
    found = heading(sample, header_line=header_row, has_header=has_header)
    if found is None:
        raise InvalidOptions(f"There is no header in sheet row {header_row}.")
    return found


def _width(grid: Grid, found: Heading) -> int:
    """Give how many columns the table has: to the last one with a name or more than stray cells."""
    is_data = grid.lines > found.data_begin
    rows = max(1, int(is_data.sum()))
    header = found.header or ()
    for number in range(len(grid.columns), 0, -1):
        cells = int((filled(grid.columns[number - 1]) & is_data).sum())
        if (number <= len(header) and header[number - 1].strip()) or cells > _FEW * rows + 1:
            return number
    return 1
