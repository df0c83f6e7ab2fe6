"""Spreadsheets of other kinds (XLS, XLSB, ODS), read whole in a process that is kept small."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from rowport.engine.workbook.grid import Grid, grids
from rowport.engine.workbook.loaded import cell_texts
from rowport.engine.workbook.marks import begins_as_office, first_name, is_zip
from rowport.engine.workbook.parts import Package
from rowport.engine.workbook.table import (
    SAMPLE_ROWS,
    check_options,
    first_line,
    sheet_chunk,
    sheet_layout,
)
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.sandbox.process import bounds_of, parsing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from rowport.ports import BlobReader, ChunkLimits, FormatLayout, ParsedChunk
    from rowport.sandbox.process import Answer

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ODS: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_XLSB: Final = re.compile(rb"xl/(workbook|styles|sharedStrings|worksheets/\w+)\.bin")
_PARSER: Final = "rowport.sandbox.spreadsheets"


class SpreadsheetFormat:
    """XLS, XLSB and ODS."""

    name: ClassVar[str] = "spreadsheet"
    suffixes: ClassVar[tuple[str, ...]] = (".xls", ".xlsb", ".ods")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: by the mark of the container and of what is in it."""
        if head.startswith(_OLE):
            return 0.9 if file_name.lower().endswith(self.suffixes) else 0.6
        if not is_zip(head):
            return 0.0
        is_ods = first_name(head) == b"mimetype" and _ODS in head[:200]
        if is_ods or (begins_as_office(head) and _XLSB.search(head)):
            return 1.0
        return 0.9 if file_name.lower().endswith((".xlsb", ".ods")) else 0.0

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Choose the sheet and find its header."""
        check_options(overrides, "Spreadsheets")
        wanted = overrides.get("sheet")
        with _parsed(blob, sheet=wanted, rows=SAMPLE_ROWS, batch_rows=SAMPLE_ROWS) as answer:
            sheets = list(answer.facts["sheets"])
            sheet = answer.facts["sheet"]
            if wanted is not None and sheet is None:
                raise InvalidOptions(
                    f"There is no sheet {wanted!r}; there are: {', '.join(sheets)}."
                )
            grid = next(grids(_parts(answer), rows=SAMPLE_ROWS, first_line=1), None)
        if sheet is None:
            raise UnreadableFile("No sheet of the spreadsheet holds anything.")
        if grid is None:
            raise UnreadableFile(f"The sheet {sheet!r} holds no header and no row.")
        return sheet_layout(grid, overrides, form=self.name, sheet=sheet, sheets=sheets)

    def batches(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ParsedChunk]:
        """Parse the sheet; a row's line is its number in the sheet."""
        first_row = 1
        name = str(layout.options["sheet"])
        with _parsed(blob, sheet=name, rows=None, batch_rows=limits.chunk_rows) as answer:
            found = grids(_parts(answer), rows=limits.chunk_rows, first_line=first_line(layout))
            for grid in found:
                yield sheet_chunk(grid, len(layout.header), first_row)
                first_row += len(grid.lines)


@contextmanager
def _parsed(
    blob: BlobReader, *, sheet: object, rows: int | None, batch_rows: int
) -> Iterator[Answer]:
    if is_zip(blob.read_at(0, 4)):
        Package(blob)  # weighs it
    request = {"sheet": sheet, "rows": rows, "batch_rows": batch_rows}
    with parsing(_PARSER, blob, request, bounds_of(blob.size_bytes)) as answer:
        yield answer


def _parts(answer: Answer) -> Iterator[Grid]:
    """Give all rows of the sheet."""
    line = 1
    for batch in answer.batches:
        lines = np.arange(line, line + batch.num_rows)
        line += batch.num_rows
        yield Grid(lines=lines, columns=_columns(batch))


def _columns(batch: pa.RecordBatch) -> list[pa.Array]:
    found = dict(zip(batch.schema.names, batch.columns, strict=True))
    count = sum(name.startswith("s") for name in found)
    return [
        cell_texts(found[f"s{n}"], found.get(f"f{n}"), found.get(f"d{n}")) for n in range(count)
    ]
