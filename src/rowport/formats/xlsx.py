"""Excel workbooks (XLSX, XLSM): one sheet, cells as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import fastexcel
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.delimited.detection import SampleRecord
from rowport.engine.delimited.heading import Heading, heading
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import FormatLayout, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.ports import BlobReader, ChunkLimits

_OPTIONS: Final = ("sheet", "header_row", "has_header")
_ZIP: Final = b"PK\x03\x04"
_SAMPLE_ROWS: Final = 400


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
        book = _opened(blob)
        sheet = _sheet(book, overrides.get("sheet"))
        table = _loaded(book, sheet, rows=_SAMPLE_ROWS)
        found = _heading(table, overrides)
        names = tuple(f"column_{number}" for number in range(1, table.num_columns + 1))
        return FormatLayout(
            format=self.name,
            header=found.header if found.header is not None else names,
            options={
                "sheet": sheet,
                "has_header": found.header is not None,
                "header_row": found.line if found.header is not None else None,
                "data_line": found.data_begin + 1,
            },
            evidence={"sheets": list(book.sheet_names), "preamble": list(found.preamble)},
            confidence=0.95,
        )

    def batches(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ParsedChunk]:
        """Parse the sheet; a row's line is its number in the sheet."""
        table = _loaded(_opened(blob), str(layout.options["sheet"]))
        begin = layout.options["data_line"]
        if not isinstance(begin, int):
            raise UnreadableFile("The stored layout has no usable data_line.")
        table = table.slice(begin - 1)
        table = table.select(range(min(len(layout.header), table.num_columns)))
        is_filled = np.zeros(table.num_rows, bool)
        for column in table.columns:
            is_filled |= pc.fill_null(pc.not_equal(column, ""), fill_value=False).to_numpy()
        lines = np.flatnonzero(is_filled) + begin
        table = table.filter(pa.array(is_filled))
        for first in range(0, table.num_rows, limits.chunk_rows):
            part = table.slice(first, limits.chunk_rows).combine_chunks()
            columns = [_tidied(column) for column in part.columns]
            yield ParsedChunk(
                cells=pa.table(columns, names=[str(n) for n in range(len(columns))]),
                row=pa.array(np.arange(first + 1, first + part.num_rows + 1)),
                line=pa.array(lines[first : first + part.num_rows]),
            )


def _opened(blob: BlobReader) -> fastexcel.ExcelReader:
    try:
        return fastexcel.read_excel(blob.read_at(0, blob.size_bytes))
    except fastexcel.FastExcelError as error:
        raise UnreadableFile(f"The file is no readable workbook: {error}") from error


def _loaded(book: fastexcel.ExcelReader, sheet: str, *, rows: int | None = None) -> pa.Table:
    try:
        found = book.load_sheet(sheet, header_row=None, skip_rows=0, n_rows=rows, dtypes="string")
        return pa.Table.from_batches([found.to_arrow()])
    except fastexcel.FastExcelError as error:
        raise UnreadableFile(f"The sheet {sheet!r} cannot be read: {error}") from error


def _sheet(book: fastexcel.ExcelReader, wanted: object) -> str:
    """Give the name of the sheet wanted (by name or 1-based number), or of the first with data."""
    names = list(book.sheet_names)
    if wanted is None:
        for name in names:
            if _loaded(book, name, rows=1).num_columns:
                return name
        raise UnreadableFile("No sheet of the workbook holds anything.")
    if isinstance(wanted, str) and wanted in names:
        return wanted
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 1 <= wanted <= len(names):
        return names[wanted - 1]
    raise InvalidOptions(f"There is no sheet {wanted!r}; there are: {', '.join(names)}.")


def _heading(table: pa.Table, overrides: Mapping[str, object]) -> Heading:
    rows = zip(
        *(_tidied(column.combine_chunks()).to_pylist() for column in table.columns), strict=True
    )
    sample = [
        SampleRecord(cells=tuple(cell or "" for cell in row), begin=n, end=n + 1, line=n + 1)
        for n, row in enumerate(rows)
    ]
    header_row = overrides.get("header_row")
    has_header = overrides.get("has_header")
    if header_row is not None and (isinstance(header_row, bool) or not isinstance(header_row, int)):
        raise InvalidOptions("The option header_row must be the number of a sheet row.")
    if has_header is not None and not isinstance(has_header, bool):
        raise InvalidOptions("The option has_header must be true or false.")
    found = heading(sample, header_line=header_row, has_header=has_header)
    if found is None:
        if header_row is not None:
            raise InvalidOptions(f"There is no header in sheet row {header_row}.")
        raise UnreadableFile("The sheet holds no header and no row.")
    return found


def _tidied(column: pa.Array) -> pa.Array:
    """Write dates without a time and times without a date as such, and others with a T."""
    text = column.cast(pa.string())
    if not pc.any(pc.match_substring_regex(text, _MOMENT)).as_py():
        return text
    text = pc.replace_substring_regex(text, r"^1899-12-31 (\d\d:\d\d:\d\d(\.\d+)?)$", r"\1")
    text = pc.replace_substring_regex(text, r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"\1")
    return pc.replace_substring_regex(
        text, r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(\.\d+)?)$", r"\1T\2"
    )


_MOMENT: Final = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
