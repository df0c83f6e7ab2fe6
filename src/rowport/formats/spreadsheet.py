"""Spreadsheets of other kinds (XLS, XLSB, ODS), read whole in a process that is kept small."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import pyarrow as pa

from rowport.config import settings
from rowport.engine.workbook.grid import Grid
from rowport.engine.workbook.loaded import cell_texts
from rowport.engine.workbook.parts import Package
from rowport.engine.workbook.table import (
    SAMPLE_ROWS,
    check_options,
    filled,
    first_line,
    sheet_chunk,
    sheet_layout,
)
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.sandbox.process import Bounds, parsing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.ports import BlobReader, ChunkLimits, FormatLayout, ParsedChunk
    from rowport.sandbox.process import Answer

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP: Final = b"PK\x03\x04"
_ODS: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_XLSB: Final = re.compile(rb"xl/(workbook|styles|sharedStrings|worksheets/\w+)\.bin")
_PARSER: Final = "rowport.sandbox.spreadsheets"
_MIB: Final = 1024 * 1024
_LEAST_MEMORY: Final = 96 * _MIB
_MEMORY_A_BYTE: Final = 64
"""Measured: a byte of XLS takes 15 bytes of memory, one of ODS 33, one of XLSB 55."""
_LEAST_CPU_S: Final = 10
_CPU_S_A_MIB: Final = 4
_SILENCE_A_CPU_S: Final = 6
"""Seconds to wait for one of its own: other processes want the processor too."""


class SpreadsheetFormat:
    """XLS, XLSB and ODS."""

    name: ClassVar[str] = "spreadsheet"
    suffixes: ClassVar[tuple[str, ...]] = (".xls", ".xlsb", ".ods")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: by the mark of the container and of what is in it."""
        if head.startswith(_OLE):
            return 0.9 if file_name.lower().endswith(self.suffixes) else 0.6
        if head.startswith(_ZIP) and (_ODS in head[:200] or _XLSB.search(head)):
            return 1.0
        is_named = file_name.lower().endswith((".xlsb", ".ods"))
        return 0.9 if head.startswith(_ZIP) and is_named else 0.0

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
            grid = next(_grids(answer, first=1), None)
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
            for grid in _grids(answer, first=first_line(layout)):
                yield sheet_chunk(grid, len(layout.header), first_row)
                first_row += len(grid.lines)


@contextmanager
def _parsed(
    blob: BlobReader, *, sheet: object, rows: int | None, batch_rows: int
) -> Iterator[Answer]:
    if blob.read_at(0, 4) == _ZIP:
        Package(blob)  # weighs it
    request = {"sheet": sheet, "rows": rows, "batch_rows": batch_rows}
    with parsing(_PARSER, blob, request, _bounds(blob.size_bytes)) as answer:
        yield answer


def _bounds(size_bytes: int) -> Bounds:
    """Give what reading a file of this size may take: a small file has no business being large."""
    memory_bytes = min(settings().parser_bytes, _LEAST_MEMORY + _MEMORY_A_BYTE * size_bytes)
    cpu_s = _LEAST_CPU_S + _CPU_S_A_MIB * size_bytes // _MIB
    return Bounds(memory_bytes=memory_bytes, cpu_s=cpu_s, silence_s=float(_SILENCE_A_CPU_S * cpu_s))


def _grids(answer: Answer, *, first: int) -> Iterator[Grid]:
    """Give the rows from sheet row `first` on that hold anything."""
    line = 1
    for batch in answer.batches:
        lines = np.arange(line, line + batch.num_rows)
        line += batch.num_rows
        columns = _columns(batch)
        holds = np.zeros(batch.num_rows, bool)
        for column in columns:
            holds |= filled(column)
        holds &= lines >= first
        if holds.all():
            yield Grid(lines=lines, columns=columns)
        elif holds.any():
            mask = pa.array(holds)
            yield Grid(lines=lines[holds], columns=[column.filter(mask) for column in columns])


def _columns(batch: pa.RecordBatch) -> list[pa.Array]:
    found = dict(zip(batch.schema.names, batch.columns, strict=True))
    count = sum(name.startswith("s") for name in found)
    return [
        cell_texts(found[f"s{n}"], found.get(f"f{n}"), found.get(f"d{n}")) for n in range(count)
    ]
