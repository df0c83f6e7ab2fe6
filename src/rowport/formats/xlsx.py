"""Excel workbooks (XLSX, XLSM): one sheet, cells as the text that was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rowport.engine.workbook.book import Workbook
from rowport.engine.workbook.grid import Grid, grids
from rowport.engine.workbook.marks import begins_as_office, is_zip
from rowport.engine.workbook.table import (
    SAMPLE_ROWS,
    check_options,
    first_line,
    sheet_chunk,
    sheet_layout,
)
from rowport.model.errors import InvalidOptions, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.engine.workbook.book import Sheet
    from rowport.ports import BlobReader, ChunkLimits, FormatLayout, ParsedChunk


class XlsxFormat:
    """Excel workbooks."""

    name: ClassVar[str] = "xlsx"
    suffixes: ClassVar[tuple[str, ...]] = (".xlsx", ".xlsm")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: a ZIP archive with the parts of a workbook."""
        if not is_zip(head):
            return 0.0
        is_office = begins_as_office(head)
        if is_office and b"xl/" in head:
            return 0.8 if file_name.lower().endswith(".xlsb") else 1.0
        return 0.8 if is_office or file_name.lower().endswith(self.suffixes) else 0.0

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Choose the sheet and find its header."""
        check_options(overrides, "Workbooks")
        book = Workbook(blob)
        sheet, grid = _sheet(book, overrides.get("sheet"))
        return sheet_layout(
            grid,
            overrides,
            form=self.name,
            sheet=sheet.name,
            sheets=[sheet.name for sheet in book.sheets],
        )

    def batches(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ParsedChunk]:
        """Parse the sheet; a row's line is its number in the sheet."""
        begin = first_line(layout)
        book = Workbook(blob)
        sheet = _named(book, layout.options["sheet"])
        first_row = 1
        for grid in grids(book.grids(sheet), rows=limits.chunk_rows, first_line=begin):
            yield sheet_chunk(grid, len(layout.header), first_row)
            first_row += len(grid.lines)


def _sample(book: Workbook, sheet: Sheet) -> Grid | None:
    return next(grids(book.grids(sheet), rows=SAMPLE_ROWS, first_line=1), None)


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
