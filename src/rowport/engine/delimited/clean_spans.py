"""Parse a span in which no record needs the tokenizer: the columnar reader takes all of it.

Where each record begins was found when the file was cut, but not kept.  It need not be found
again: the records come in order, blank ones as rows of empty cells, and what a record has of
line ends stands in its cells.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.delimited.columnar import read_text, single_byte
from rowport.engine.delimited.cutter import DENSE
from rowport.engine.delimited.encodings import UTF8
from rowport.engine.delimited.records import CR
from rowport.engine.delimited.tokenizer import scan
from rowport.engine.tables import left_out
from rowport.engine.texts_in_arrow import text_bytes, whole
from rowport.ports import ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyarrow.csv import InvalidRow

    from rowport.engine.delimited.grammar import Grammar
    from rowport.engine.delimited.shape import RecordShape
    from rowport.ports import ChunkSpan

_LINE_END: Final = re.compile("\r\n|\r|\n")


def parse_clean(raw: bytes, shape: RecordShape, span: ChunkSpan) -> ParsedChunk | None:
    """Parse the bytes of a clean span; None if it turns out to be none, or is not for us."""
    text = shape.encoding.to_utf8(raw)
    data, delimiter = single_byte(text, shape.grammar)
    escape = shape.grammar.escape
    is_dense = bool(span.hints.get(DENSE))
    is_plain = data is text and delimiter == shape.grammar.delimiter
    is_plain = is_plain and (escape is None or escape not in data)
    if shape.has_trailing_delimiter or not delimiter or not (is_dense or is_plain):
        return None
    if not shape.encoding.is_valid(raw):
        return None
    ragged: list[InvalidRow] = []
    try:
        table = read_text(data, shape.grammar, delimiter, shape.columns, ragged)
    except pa.ArrowInvalid:
        return None
    if is_dense and not ragged:
        return _dense(table, span) if table.num_rows == span.rows else None
    return _numbered(table, ragged, shape, span) if is_plain else None


def int64(values: Sequence[int] | NDArray[np.int64]) -> pa.Array:
    """Give numbers as an Arrow array."""
    return pa.array(values, pa.int64())


def _dense(table: pa.Table, span: ChunkSpan) -> ParsedChunk:
    return ParsedChunk(
        cells=table,
        row=int64(np.arange(span.first_row, span.first_row + span.rows)),
        line=int64(np.arange(span.first_line, span.first_line + span.rows)),
    )


def _numbered(
    table: pa.Table,
    ragged: Sequence[InvalidRow],
    shape: RecordShape,
    span: ChunkSpan,
) -> ParsedChunk | None:
    """Give each record its row and line; None if they do not add up to the span."""
    places = np.array([row.number - 1 for row in ragged], np.int64)
    is_read = np.ones(table.num_rows + len(ragged), bool)
    is_read[places] = False
    torn = _torn([row.text for row in ragged], shape.grammar)
    empty = _empty_rows(table)
    is_data = np.ones(len(is_read), bool)
    is_data[np.flatnonzero(is_read)[empty]] = False
    is_data[places] = [any(cells) for cells in torn]
    lines = np.ones(len(is_read), np.int64)
    lines[is_read] += _line_ends_in(table)
    lines[places] += np.array([len(_LINE_END.findall(row.text)) for row in ragged], np.int64)
    row = span.first_row + np.cumsum(is_data) - 1
    line = span.first_line + np.cumsum(lines) - lines
    if np.count_nonzero(is_data) != span.rows:
        return None
    return ParsedChunk(
        cells=left_out(table, empty),
        row=int64(row[is_read & is_data]),
        line=int64(line[is_read & is_data]),
        broken=tuple(
            shape.ragged(cells, row=int(row[place]), line=int(line[place]))
            for place, cells in zip(places.tolist(), torn, strict=True)
            if any(cells)
        ),
    )


def _torn(texts: Sequence[str], grammar: Grammar) -> list[list[str]]:
    """Take ragged records apart; clean ones are what Python's reader takes them for."""
    reader = csv.reader(
        texts,
        delimiter=grammar.delimiter.decode(),
        quotechar=None if grammar.quote is None else grammar.quote.decode(),
        quoting=csv.QUOTE_NONE if grammar.quote is None else csv.QUOTE_MINIMAL,
        strict=True,
    )
    try:
        return list(reader)
    except csv.Error:  # a cell larger than that reader takes
        return [_cells(text, grammar) for text in texts]


def _cells(text: str, grammar: Grammar) -> list[str]:
    raw = text.encode()
    taken = scan(raw, 0, grammar, is_final=True)
    return [cell.decode(UTF8) for cell in (taken.cells if taken else (raw,))]


def _empty_rows(table: pa.Table) -> NDArray[np.int64]:
    """Give the rows whose cells are all empty: they are blank records."""
    empty = np.arange(table.num_rows)
    for column in table.columns:
        offsets = text_bytes(whole(column)).offsets
        empty = empty[offsets[empty + 1] == offsets[empty]]
    return empty


def _line_ends_in(table: pa.Table) -> NDArray[np.int64]:
    """Count the line ends in the cells of each row."""
    found = np.zeros(table.num_rows, np.int64)
    for column in table.columns:
        data = text_bytes(whole(column)).held
        if not len(data) or data.min() > CR:  # most columns: nothing below a blank
            continue
        found += _count(column, "\n")
        if np.any(data == CR):
            found += _count(column, "\r") - _count(column, "\r\n")
    return found


def _count(column: pa.ChunkedArray, mark: str) -> NDArray[np.int64]:
    counts = pc.count_substring(column, mark).to_numpy()
    return np.asarray(counts, np.int64)
