"""Spreadsheets of other kinds (XLS, XLSB, ODS), loaded whole: they cannot be streamed."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

import fastexcel
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.delimited.detection import SampleRecord
from rowport.engine.delimited.heading import heading
from rowport.engine.workbook.parts import Package
from rowport.engine.workbook.styles import number_text
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import FormatLayout, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.engine.delimited.heading import Heading
    from rowport.ports import BlobReader, ChunkLimits

_OPTIONS: Final = ("sheet", "header_row", "has_header")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP: Final = b"PK\x03\x04"
_ODS: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_XLSB: Final = b"xl/workbook.bin"
_MAX_BYTES: Final = 64 * 1024**2
"""A larger file of this kind would take gigabytes of memory."""
_SAMPLE_ROWS: Final = 400
_MOMENT: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class SpreadsheetFormat:
    """XLS, XLSB and ODS."""

    name: ClassVar[str] = "spreadsheet"
    suffixes: ClassVar[tuple[str, ...]] = (".xls", ".xlsb", ".ods")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: by the mark of the container and of what is in it."""
        if head.startswith(_OLE):
            return 0.9 if file_name.lower().endswith(self.suffixes) else 0.6
        if head.startswith(_ZIP) and (_ODS in head[:200] or _XLSB in head):
            return 1.0
        is_named = file_name.lower().endswith((".xlsb", ".ods"))
        return 0.9 if head.startswith(_ZIP) and is_named else 0.0

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Choose the sheet and find its header."""
        for name in overrides:
            if name not in _OPTIONS and name != "format":
                known = ", ".join(_OPTIONS)
                raise InvalidOptions(f"Spreadsheets have no option {name!r}; known: {known}.")
        book = _opened(blob)
        sheet = _sheet(book, overrides.get("sheet"))
        texts = _texts(_loaded(book, sheet, rows=_SAMPLE_ROWS))
        found = _heading(texts, overrides)
        names = tuple(f"column_{number}" for number in range(1, len(texts) + 1))
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
            confidence=0.9,
        )

    def batches(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ParsedChunk]:
        """Parse the sheet; a row's line is its number in the sheet."""
        begin = layout.options["data_line"]
        if not isinstance(begin, int):
            raise UnreadableFile("The stored layout has no usable data_line.")
        book = _opened(blob)
        sheet = str(layout.options["sheet"])
        strings = _loaded(book, sheet, skip=begin - 1)
        columns = _texts(strings, _typed(book, sheet, skip=begin - 1))
        columns = columns[: len(layout.header)]
        is_filled = np.zeros(strings.num_rows, bool)
        for column in columns:
            is_filled |= np.array([bool(cell) for cell in column], bool)
        lines = np.flatnonzero(is_filled) + begin
        for first in range(0, len(lines), limits.chunk_rows):
            here = lines[first : first + limits.chunk_rows]
            arrays = [pa.array(column[here - begin], pa.string()) for column in columns]
            yield ParsedChunk(
                cells=pa.table(arrays, names=[str(number) for number in range(len(arrays))]),
                row=pa.array(np.arange(first + 1, first + len(here) + 1)),
                line=pa.array(here),
            )


def _opened(blob: BlobReader) -> fastexcel.ExcelReader:
    if blob.size_bytes > _MAX_BYTES:
        raise UnreadableFile(
            f"The spreadsheet is larger than {_MAX_BYTES // 1024**2} MiB: save it as XLSX or CSV."
        )
    if blob.read_at(0, 4) == _ZIP:
        Package(blob)  # weighs it
    data = blob.read_at(0, blob.size_bytes)
    if "EncryptedPackage".encode("utf-16-le") in data or b"manifest:encryption-data" in data:
        raise UnreadableFile("The spreadsheet is encrypted: remove its password.")
    with _refused("The file is no readable spreadsheet"):
        return fastexcel.read_excel(data)


@contextmanager
def _refused(what: str) -> Iterator[None]:
    """Turn what the reader raises, a panic in its Rust code included, to an error of ours."""
    try:
        yield
    except fastexcel.FastExcelError as error:
        reason = str(error).partition("\n")[0]
        raise UnreadableFile(f"{what}: {reason}") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise UnreadableFile(f"{what}: it is damaged ({error}).") from error
        raise


def _loaded(
    book: fastexcel.ExcelReader,
    sheet: str,
    *,
    skip: int = 0,
    rows: int | None = None,
    is_typed: bool = False,
) -> pa.Table:
    with _refused(f"The sheet {sheet!r} cannot be read"):
        found = book.load_sheet(
            sheet,
            header_row=None,
            skip_rows=skip,
            n_rows=rows,
            dtypes=None if is_typed else "string",
            schema_sample_rows=None,
        )
        return pa.Table.from_batches([found.to_arrow()])


def _typed(book: fastexcel.ExcelReader, sheet: str, *, skip: int) -> pa.Table | None:
    """Give the sheet with types; None if a column mixes types that the reader cannot unite."""
    try:
        return _loaded(book, sheet, skip=skip, is_typed=True)
    except UnreadableFile:
        return None


def _texts(strings: pa.Table, typed: pa.Table | None = None) -> list[np.ndarray[Any, Any]]:
    """Give each column as texts; numbers of a column of numbers in full, others as loaded."""
    columns = []
    for number, column in enumerate(strings.columns):
        cells = np.array([_tidied(cell) for cell in column.to_pylist()], object)
        if typed is not None and pa.types.is_floating(typed.column(number).type):
            floats = typed.column(number)
            exact = [
                None if cell is None else number_text(repr(cell)) for cell in floats.to_pylist()
            ]
            is_number = pc.is_valid(floats).to_numpy()
            cells[is_number] = np.array(exact, object)[is_number]
        columns.append(cells)
    return columns


def _tidied(cell: str | None) -> str | None:
    """Write a date without a time and a time without a date as such."""
    if not cell or not _MOMENT.match(cell):
        return cell
    if cell.startswith("1899-12-31 "):
        return cell[11:]
    return cell[:10] if cell.endswith(" 00:00:00") else cell.replace(" ", "T", 1)


def _sheet(book: fastexcel.ExcelReader, wanted: object) -> str:
    """Give the name of the sheet wanted (by name or 1-based number), or of the first with data."""
    names = list(book.sheet_names)
    if wanted is None:
        for name in names:
            if _loaded(book, name, rows=1).num_columns:
                return name
        raise UnreadableFile("No sheet of the spreadsheet holds anything.")
    if isinstance(wanted, str) and wanted in names:
        return wanted
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 1 <= wanted <= len(names):
        return names[wanted - 1]
    raise InvalidOptions(f"There is no sheet {wanted!r}; there are: {', '.join(names)}.")


def _heading(texts: list[np.ndarray[Any, Any]], overrides: Mapping[str, object]) -> Heading:
    rows = zip(*texts, strict=True)
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
        raise UnreadableFile("The sheet holds no header and no row where one was looked for.")
    return found
