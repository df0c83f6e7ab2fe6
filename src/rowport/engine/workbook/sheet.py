"""The cells of one sheet, block by block.

What every writer writes (`<c r="B7" s="2" t="s"><v>4</v></c>`) is taken by one pattern; a block
in which that pattern does not explain every cell goes through the XML parser instead.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from rowport.engine.workbook.grid import Grid
from rowport.engine.workbook.parts import local, parsed
from rowport.engine.workbook.scanning import scanned
from rowport.engine.workbook.strings import element_text
from rowport.engine.workbook.texts import Meaning, by_column, cell_texts, text_of
from rowport.engine.workbook.words import is_utf8
from rowport.model.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from rowport.engine.workbook.scanning import ScannedCells

    Raw = tuple[bytes, bytes, bytes, bytes, bytes, bytes]

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
_MAX_ROW_BYTES: Final = 16 * 1024**2
_MAX_HEAD_BYTES: Final = 4 * 1024**2
"""What stands before the rows: views and widths of columns."""
_MARK_BYTES: Final = 64
"""The ends of rows and of the sheet are no longer than this."""
_MAX_ROW_DIGITS: Final = 8
_START: Final = re.compile(rb"<((?:\w+:)?)sheetData\s*(/?)>")
_CELL: Final = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,8})"(?: s="(\d+)")?(?: t="([a-zA-Z]+)")?\s*(?:/>|>'
    rb"(?:<f(?:\s[^>]*)?(?:/>|>[^<]*</f>))?"
    rb'(?:<v(?: xml:space="preserve")?>([^<]*)</v>|<v\s*/>'
    rb'|<is><t(?: xml:space="preserve")?>([^<]*)</t></is>)?</c>)'
)
_UNENDED: Final = re.compile(rb"<(?:\w+:)?c[\s/>]")
_ODD: Final = re.compile(rb"<!|<c\s*/?>|<\?")


def sheet_grids(blocks: Iterable[bytes], meaning: Meaning) -> Iterator[Grid]:
    """Give the rows of a sheet from the blocks of its part; a row may have no cell with a text.

    Raises:
        UnreadableFile: the part is damaged or larger than a sheet can be.
    """
    last_row = 0
    for block in _row_blocks(blocks):
        cells = _cells(block, last_row, meaning)
        if not len(cells.rows):
            continue
        if cells.rows[0] <= last_row or (np.diff(cells.rows) < 0).any():
            raise UnreadableFile("The rows of the sheet do not stand in order.")
        last_row = int(cells.rows[-1])
        if last_row > MAX_ROWS or int(cells.columns.max()) >= MAX_COLUMNS:
            raise UnreadableFile("The sheet claims more rows or columns than a sheet can have.")
        yield _grid(cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """Cells with a value, in the order of the sheet."""

    rows: NDArray[np.int64]
    """1-based sheet rows, ascending."""
    columns: NDArray[np.int64]
    """0-based columns."""
    texts: Iterable[tuple[int, NDArray[np.int64], pa.Array]]
    """Of each column that holds any: its number, the places of its cells here, their texts."""


def _grid(cells: _Cells) -> Grid:
    """Put cells into columns."""
    begins = np.flatnonzero(np.diff(cells.rows, prepend=-1))
    lines = cells.rows[begins]
    row_of = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(cells.rows)))
    columns = [pa.nulls(len(lines), pa.large_string())] * (int(cells.columns.max()) + 1)
    for column, places, texts in cells.texts:
        rows = row_of[places]
        if (np.diff(rows) == 0).any():
            raise UnreadableFile("A cell stands twice in the sheet.")
        columns[column] = texts
        if len(rows) < len(lines):
            numbers = np.full(len(lines), -1, np.int64)
            numbers[rows] = np.arange(len(rows))
            columns[column] = texts.take(pa.array(numbers, mask=numbers < 0))
    return Grid(lines=lines, columns=columns)


def _row_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Give runs of whole rows, their elements without a prefix."""
    source = iter(blocks)
    prefix, carry = _head(source)
    if prefix is None:
        return
    mark = b"</" + prefix + b"row>"
    known = 0
    for block in itertools.chain([b""], source):
        carry += block
        stop = carry.find(b"</" + prefix + b"sheetData", known)
        end = carry.rfind(mark, known, stop if stop >= 0 else len(carry))
        if end >= 0:
            end += len(mark)
            rows = carry[:end]
            yield (
                rows.replace(b"<" + prefix, b"<").replace(b"</" + prefix, b"</") if prefix else rows
            )
        if stop >= 0:
            if _UNENDED.search(carry, max(0, end), stop):
                raise UnreadableFile("The sheet of the workbook is damaged: a row has no end.")
            return
        carry = carry[max(0, end) :]
        known = max(0, len(carry) - _MARK_BYTES)
        if len(carry) > _MAX_ROW_BYTES:
            raise UnreadableFile("A row of the sheet is larger than 16 MiB: refused.")
    raise UnreadableFile("The sheet of the workbook is cut off.")


def _head(blocks: Iterator[bytes]) -> tuple[bytes | None, bytes]:
    """Go to the rows; give the prefix of the elements (None: there is no row) and what follows."""
    head = b""
    for block in blocks:
        head += block
        start = _START.search(head)
        if b"<!DOCTYPE" in (head if start is None else head[: start.start()]):
            raise UnreadableFile("The sheet declares a document type: refused.")
        if start is not None:
            return None if start.group(2) else start.group(1), head[start.end() :]
        if len(head) > _MAX_HEAD_BYTES:
            break
    raise UnreadableFile("The sheet of the workbook is damaged: it has no rows, or is cut off.")


def _cells(block: bytes, last_row: int, meaning: Meaning) -> _Cells:
    fast = scanned(block) if is_utf8(block) else None
    if fast is not None:
        return _Cells(rows=fast.rows, columns=fast.columns, texts=_fast_texts(fast, meaning))
    found: list[Raw] = _CELL.findall(block)
    if len(found) != block.count(b"<c ") or _ODD.search(block):
        found = _parsed(block, last_row)
    found = [raw for raw in found if raw[4] or raw[5]]
    columns = np.array([_COLUMNS[raw[0]] for raw in found], np.int64)
    rows = np.array([raw[1] for raw in found], "S8").astype(np.int64)
    texts = pa.array(_texts(found, meaning), pa.large_string())
    every = np.arange(len(found))
    runs = by_column(columns, every, lambda chosen: texts.take(pa.array(chosen)))
    return _Cells(rows=rows, columns=columns, texts=runs)


def _fast_texts(
    cells: ScannedCells, meaning: Meaning
) -> Iterator[tuple[int, NDArray[np.int64], pa.Array]]:
    try:
        yield from cell_texts(cells, meaning)
    except IndexError as error:
        raise UnreadableFile(f"A cell of the sheet points to nothing: {error}.") from error


class _Columns(dict[bytes, int]):
    """0-based columns by their letters."""

    def __missing__(self, letters: bytes) -> int:
        number = 0
        for letter in letters:
            number = number * 26 + letter - 64
        self[letters] = number - 1
        return number - 1


_COLUMNS: Final = _Columns()


def _texts(found: Sequence[Raw], meaning: Meaning) -> list[str]:
    known: dict[tuple[bytes, bytes], str] = {}
    try:
        return [
            text_of(kind, style, inline or value, meaning, known)
            for _, _, style, kind, value, inline in found
        ]
    except (IndexError, ValueError) as error:
        raise UnreadableFile(f"A cell of the sheet points to nothing: {error}.") from error


def _parsed(block: bytes, last_row: int) -> list[Raw]:
    """Take the rows of a block from the XML parser."""
    found: list[Raw] = []
    row = last_row
    for element in parsed(b"<rows>" + _ATTRIBUTE_PREFIX.sub(b" ", block) + b"</rows>", "sheet"):
        number = element.get("r", str(row + 1))
        if not number.isdecimal() or len(number) > _MAX_ROW_DIGITS:
            raise UnreadableFile(f"The sheet is damaged: it has a row {number!r}.")
        row = int(number)
        column = -1
        for cell in element:
            reference = _REFERENCE.fullmatch(cell.get("r", ""))
            column = _COLUMNS[reference.group(1).encode()] if reference else column + 1
            value = inline = ""
            for child in cell:
                if local(child.tag) == "v":
                    value = child.text or ""
                elif local(child.tag) == "is":
                    inline = element_text(child)
            texts = (_letters(column), str(row), cell.get("s", ""), cell.get("t", ""))
            coded = [text.encode("utf-8", "surrogatepass") for text in (*texts, value, inline)]
            found.append((coded[0], coded[1], coded[2], coded[3], coded[4], coded[5]))
    return found


_ATTRIBUTE_PREFIX: Final = re.compile(rb'\s\w+:\w+="[^"]*"(?=[^<>]*>)')
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})(\d{1,8})")


def _letters(column: int) -> str:
    letters = ""
    while column >= 0:
        letters = chr(65 + column % 26) + letters
        column = column // 26 - 1
    return letters
