"""Excel workbooks (XLSX, XLSM): one sheet, cells as the text that was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import pyarrow as pa

from rowport.engine.delimited.detection import SampleRecord
from rowport.engine.delimited.heading import Heading, heading
from rowport.engine.workbook.book import Workbook
from rowport.engine.workbook.grid import Grid, grids
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.model.outcomes import RowErrorCode
from rowport.ports import BrokenRow, ChunkLimits, FormatLayout, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.engine.workbook.book import Sheet
    from rowport.ports import BlobReader

_OPTIONS: Final = ("sheet", "header_row", "has_header")
_ZIP: Final = b"PK\x03\x04"
_SAMPLE_ROWS: Final = 400
_FEW: Final = 0.02
"""A column without a name that so few rows fill is none: their cells are extra."""


class XlsxFormat:
    """Excel workbooks."""

    name: ClassVar[str] = "xlsx"
    suffixes: ClassVar[tuple[str, ...]] = (".xlsx", ".xlsm")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: a ZIP archive with the parts of a workbook."""
        if not head.startswith(_ZIP):
            return 0.0
        if b"xl/" in head:
            return 1.0
        is_office = b"[Content_Types].xml" in head or b"_rels/.rels" in head
        return 0.8 if is_office or file_name.lower().endswith(self.suffixes) else 0.0

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Choose the sheet and find its header."""
        for name in overrides:
            if name not in _OPTIONS and name != "format":
                known = ", ".join(_OPTIONS)
                raise InvalidOptions(f"Workbooks have no option {name!r}; known: {known}.")
        book = Workbook(blob)
        sheet, grid = _sheet(book, overrides.get("sheet"))
        found = _heading(grid, overrides)
        columns = _columns(grid, found)
        names = tuple(f"column_{number}" for number in range(1, columns + 1))
        header = (*(found.header or ()), *[""] * columns)[:columns]
        return FormatLayout(
            format=self.name,
            header=header if found.header is not None else names,
            options={
                "sheet": sheet.name,
                "has_header": found.header is not None,
                "header_row": found.line if found.header is not None else None,
                "data_line": found.data_begin + 1,
            },
            evidence={
                "sheets": [sheet.name for sheet in book.sheets],
                "preamble": list(found.preamble),
                "header_rows": found.header_rows,
            },
            confidence=0.95,
        )

    def batches(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ParsedChunk]:
        """Parse the sheet; a row's line is its number in the sheet."""
        begin = layout.options["data_line"]
        if not isinstance(begin, int):
            raise UnreadableFile("The stored layout has no usable data_line.")
        book = Workbook(blob)
        sheet = _named(book, layout.options["sheet"])
        first_row = 1
        for grid in grids(book.cells(sheet), rows=limits.chunk_rows, first_line=begin):
            yield _chunk(grid, len(layout.header), first_row)
            first_row += len(grid.lines)


def _chunk(grid: Grid, columns: int, first_row: int) -> ParsedChunk:
    numbers = np.arange(first_row, first_row + len(grid.lines))
    beyond = np.zeros(len(numbers), bool)
    for column in grid.columns[columns:]:
        beyond |= np.array([bool(cell) for cell in column], bool)
    broken = tuple(
        BrokenRow(
            row=int(numbers[place]),
            line=int(grid.lines[place]),
            code=RowErrorCode.EXTRA_CELL,
            note=f"The row has cells beyond the {columns} columns of the header.",
            cells=tuple(column[place] or "" for column in grid.columns),
            field_index=columns,
        )
        for place in np.flatnonzero(beyond).tolist()
    )
    empty = np.full(len(numbers), None, object)
    texts = [*grid.columns, *[empty] * columns][:columns]
    return ParsedChunk(
        cells=pa.table(
            [pa.array(text[~beyond], pa.string()) for text in texts],
            names=[str(number) for number in range(columns)],
        ),
        row=pa.array(numbers[~beyond]),
        line=pa.array(grid.lines[~beyond]),
        broken=broken,
    )


def _sample(book: Workbook, sheet: Sheet) -> Grid | None:
    return next(grids(book.cells(sheet), rows=_SAMPLE_ROWS, first_line=1), None)


def _sheet(book: Workbook, wanted: object) -> tuple[Sheet, Grid]:
    """Give the sheet wanted, or the first with data (a visible one, if there is any)."""
    if wanted is not None:
        sheet = _named(book, wanted)
        grid = _sample(book, sheet)
        if grid is None:
            raise UnreadableFile(f"The sheet {sheet.name!r} holds no header and no row.")
        return sheet, grid
    for sheet in sorted(book.sheets, key=lambda sheet: not sheet.is_visible):
        grid = _sample(book, sheet)
        if grid is not None:
            return sheet, grid
    raise UnreadableFile("No sheet of the workbook holds anything.")


def _named(book: Workbook, wanted: object) -> Sheet:
    """Give a sheet by its name or 1-based number."""
    for number, sheet in enumerate(book.sheets, 1):
        if wanted == sheet.name or (wanted == number and not isinstance(wanted, bool)):
            return sheet
    known = ", ".join(sheet.name for sheet in book.sheets)
    raise InvalidOptions(f"There is no sheet {wanted!r}; there are: {known}.")


def _heading(grid: Grid, overrides: Mapping[str, object]) -> Heading:
    sample = [
        SampleRecord(
            cells=tuple(column[place] or "" for column in grid.columns),
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


def _columns(grid: Grid, found: Heading) -> int:
    """Give how many columns the table has: to the last one with a name or more than stray cells."""
    is_data = grid.lines > found.data_begin
    rows = max(1, int(is_data.sum()))
    header = found.header or ()
    for number in range(len(grid.columns), 0, -1):
        filled = sum(1 for cell in grid.columns[number - 1][is_data] if cell)
        if (number <= len(header) and header[number - 1].strip()) or filled > _FEW * rows + 1:
            return number
    return 1
