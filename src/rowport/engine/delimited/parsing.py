"""Parse one span: clean records by the columnar reader, the others one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from rowport.engine.delimited.cutter import CLEAN, DENSE
from rowport.engine.delimited.encodings import UTF8, Encoding
from rowport.engine.delimited.records import RecordIndex, blank_records, index_records
from rowport.engine.delimited.tokenizer import scan
from rowport.model.outcomes import RowErrorCode
from rowport.ports import BrokenRow, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from rowport.engine.delimited.grammar import Grammar
    from rowport.ports import ChunkSpan

_NOTES: Final = {
    RowErrorCode.MISSING_CELL: "The row has {found} cells, the header has {wanted}.",
    RowErrorCode.EXTRA_CELL: "The row has {found} cells, the header has only {wanted}.",
    RowErrorCode.ENCODING: "The row holds bytes that are no text in {encoding}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordShape:
    """What a record has to look like."""

    grammar: Grammar
    encoding: Encoding
    columns: int
    has_trailing_delimiter: bool = False
    """Every data row ends with a delimiter that begins no cell."""


def parse_records(raw: bytes, shape: RecordShape, span: ChunkSpan) -> ParsedChunk:
    """Parse the bytes of a span."""
    plain = _parsed_plain(raw, shape, span)
    return plain if plain is not None else _SpanParser(raw, shape, span).parse()


def _parsed_plain(raw: bytes, shape: RecordShape, span: ChunkSpan) -> ParsedChunk | None:
    """Parse a span in which every line is a good row; None if one turns out not to be."""
    is_plain = bool(span.hints.get(CLEAN)) and bool(span.hints.get(DENSE))
    if not is_plain or shape.has_trailing_delimiter or not shape.encoding.is_valid(raw):
        return None
    data, delimiter = _single_byte(shape.encoding.to_utf8(raw), shape.grammar)
    ragged: list[int] = []
    try:
        table = delimiter and _read(data, shape.grammar, delimiter, shape.columns, ragged)
    except pa.ArrowInvalid:
        return None
    if not isinstance(table, pa.Table) or ragged or table.num_rows != span.rows:
        return None
    return ParsedChunk(
        cells=table,
        row=_int64(np.arange(span.first_row, span.first_row + span.rows)),
        line=_int64(np.arange(span.first_line, span.first_line + span.rows)),
    )


def oversize_record(head: bytes, shape: RecordShape, span: ChunkSpan) -> ParsedChunk:
    """Give the one row of a span whose record is too long; `head` is how it begins."""
    text = shape.encoding.to_utf8(head).decode(UTF8, "backslashreplace")
    limit = shape.grammar.max_record_bytes
    broken = BrokenRow(
        row=span.first_row,
        line=span.first_line,
        code=RowErrorCode.SOURCE,
        note=f"The row is {span.end - span.begin:,} bytes long; at most {limit:,} can be read. "
        "Perhaps its line end is missing.",
        cells=(text,),
    )
    return ParsedChunk(
        cells=_table([], shape.columns), row=_int64([]), line=_int64([]), broken=(broken,)
    )


def _int64(values: Sequence[int] | NDArray[np.int64]) -> pa.Array:
    return pa.array(values, pa.int64())


def _names(columns: int) -> list[str]:
    return [str(number) for number in range(columns)]


def _table(rows: Sequence[Sequence[str]], columns: int) -> pa.Table:
    values: Iterable[Sequence[str]] = zip(*rows, strict=True) if rows else [[]] * columns
    arrays = [pa.array(column, pa.string()) for column in values]
    return pa.table(arrays, names=_names(columns))


class _SpanParser:
    def __init__(self, raw: bytes, shape: RecordShape, span: ChunkSpan) -> None:
        self.raw = raw
        self.shape = shape
        self.text = shape.encoding.to_utf8(raw)
        self.index: RecordIndex = index_records(self.text, shape.grammar, is_final=True)
        self.begins = self.index.begins
        self.ends = self.index.ends
        is_blank = blank_records(self.text, self.index, shape.grammar)
        self.is_data = ~is_blank
        self.row = span.first_row + np.cumsum(self.is_data) - 1
        self.line = span.first_line + self.index.first_lines
        self.broken: list[BrokenRow] = []
        self.good: list[tuple[int, Sequence[str]]] = []
        """Records that the tokenizer took apart: index and cells."""

    def parse(self) -> ParsedChunk:
        alone = self.index.stray[self.is_data[self.index.stray]]
        is_clean = self.is_data.copy()
        is_clean[self.index.stray] = False
        for record in self._badly_encoded():
            is_clean[record] = False
            alone = alone[alone != record]
            self._break(record, RowErrorCode.ENCODING, self._cells(record))
        for record in alone.tolist():
            self._take(record, self._cells(record))
        clean = np.flatnonzero(is_clean)
        table, records = self._columnar(clean)
        return self._merged(table, records)

    def _badly_encoded(self) -> list[int]:
        encoding = self.shape.encoding
        if encoding.is_valid(self.raw):
            return []
        lines = encoding.line_ends(self.raw, is_final=True)
        ends = lines[self.index.last_lines]
        begins = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        suspects = np.flatnonzero(self.is_data)
        if encoding.is_utf8:
            high = np.flatnonzero(np.frombuffer(self.raw, np.uint8) >= 0x80)  # noqa: PLR2004
            suspects = np.intersect1d(suspects, np.searchsorted(ends, high, "right"))
        return [
            record
            for record in suspects.tolist()
            if not encoding.is_valid(self.raw[begins[record] : ends[record]])
        ]

    def _cells(self, record: int) -> list[str]:
        text = self.text[self.begins[record] : self.ends[record]]
        taken = scan(text, 0, self.shape.grammar, is_final=True)
        cells = taken.cells if taken else (text,)
        return [cell.decode(UTF8, "backslashreplace") for cell in cells]

    def _take(self, record: int, cells: list[str]) -> None:
        wanted = self.shape.columns
        if self.shape.has_trailing_delimiter and len(cells) == wanted + 1 and not cells[-1]:
            cells = cells[:-1]
        if len(cells) == wanted:
            self.good.append((record, cells))
            return
        code = RowErrorCode.MISSING_CELL if len(cells) < wanted else RowErrorCode.EXTRA_CELL
        self._break(record, code, cells, field_index=min(len(cells), wanted))

    def _break(
        self, record: int, code: RowErrorCode, cells: list[str], *, field_index: int | None = None
    ) -> None:
        note = _NOTES[code].format(
            found=len(cells), wanted=self.shape.columns, encoding=self.shape.encoding.name
        )
        self.broken.append(
            BrokenRow(
                row=int(self.row[record]),
                line=int(self.line[record]),
                code=code,
                note=note,
                cells=tuple(cells),
                field_index=field_index,
            )
        )

    def _columnar(self, clean: NDArray[np.int64]) -> tuple[pa.Table, NDArray[np.int64]]:
        """Read the records `clean`; give the table and which record each of its rows is."""
        if not len(clean):
            return _table([], self.shape.columns), clean
        extra = int(self.shape.has_trailing_delimiter)
        ragged: list[int] = []
        data, delimiter = _single_byte(self._bytes_of(clean), self.shape.grammar)
        try:
            columns = self.shape.columns + extra
            table = delimiter and _read(data, self.shape.grammar, delimiter, columns, ragged)
        except pa.ArrowInvalid:
            table = None
        if not isinstance(table, pa.Table) or table.num_rows + len(ragged) != len(clean):
            for record in clean.tolist():
                self._take(record, self._cells(record))
            return _table([], self.shape.columns), clean[:0]
        is_whole = np.ones(len(clean), bool)
        is_whole[ragged] = False
        for place in ragged:
            self._take(int(clean[place]), self._cells(int(clean[place])))
        records = clean[is_whole]
        return self._without_trailing(table, records) if extra else (table, records)

    def _without_trailing(
        self,
        table: pa.Table,
        records: NDArray[np.int64],
    ) -> tuple[pa.Table, NDArray[np.int64]]:
        """Take off the column behind the last delimiter; a row with something in it is broken."""
        columns = self.shape.columns
        is_empty = pc.equal(table.column(columns), "").to_numpy(zero_copy_only=False)
        for record in records[~is_empty].tolist():
            self._take(record, self._cells(record))
        table = table.select(range(columns))
        if is_empty.all():
            return table, records
        return table.filter(pa.array(is_empty)), records[is_empty]

    def _bytes_of(self, records: NDArray[np.int64]) -> bytes:
        if len(records) == len(self.ends):
            return self.text
        keep = np.zeros(len(self.ends), bool)
        keep[records] = True
        # Few records are left out, so what stays lies in few runs.
        edges = np.flatnonzero(np.diff(keep, prepend=False, append=False))
        begins = self.begins[edges[::2]].tolist()
        ends = self.ends[edges[1::2] - 1].tolist()
        return b"".join([self.text[a:b] for a, b in zip(begins, ends, strict=True)])

    def _merged(self, table: pa.Table, records: NDArray[np.int64]) -> ParsedChunk:
        if self.good:
            self.good.sort()
            own = _table([cells for _, cells in self.good], self.shape.columns)
            records = np.concatenate([records, [record for record, _ in self.good]])
            table = pa.concat_tables([table, own]) if table.num_rows else own
            order = np.argsort(records, kind="stable")
            table = table.take(pa.array(order)) if len(order) > len(self.good) else table
            records = records[order]
        self.broken.sort(key=lambda broken: broken.row)
        return ParsedChunk(
            cells=table,
            row=_int64(self.row[records]),
            line=_int64(self.line[records]),
            broken=tuple(self.broken),
        )


_STAND_INS: Final = b"\x1f\x1e\x1d\x1c\x01\x02\x03\x04"


def _single_byte(data: bytes, grammar: Grammar) -> tuple[bytes, bytes]:
    """Put one byte in the place of a longer delimiter; the empty one if none is free."""
    delimiter = grammar.delimiter
    is_escaped = grammar.escape is not None and grammar.escape in data
    if is_escaped and (len(delimiter) > 1 or grammar.skips_space):
        return data, b""
    if len(delimiter) == 1 and not grammar.skips_space:
        return data, delimiter
    one = delimiter
    if len(delimiter) > 1:
        one = next((bytes([byte]) for byte in _STAND_INS if byte not in data), b"")
    if not one:
        return data, b""

    def replaced(part: bytes) -> bytes:
        part = part.replace(delimiter, one)
        return part.replace(one + b" ", one) if grammar.skips_space else part

    if grammar.quote is None:
        return replaced(data), one
    parts = data.split(grammar.quote)
    parts[::2] = [replaced(part) for part in parts[::2]]
    return grammar.quote.join(parts), one


def _read(
    data: bytes,
    grammar: Grammar,
    delimiter: bytes,
    columns: int,
    ragged: list[int],
) -> pa.Table:
    """Read clean records as strings; the 0-based places of ragged ones go to `ragged`."""

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row.number - 1)
        return "skip"

    names = _names(columns)
    quote = grammar.quote
    return pyarrow.csv.read_csv(
        pa.BufferReader(pa.py_buffer(data)),
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False, block_size=len(data) + 1, column_names=names
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter.decode(),
            quote_char=quote.decode() if quote else False,
            escape_char=grammar.escape.decode() if grammar.escape else False,
            # It only matters where Arrow has to cut; here all is one block, and it costs a quarter.
            newlines_in_values=False,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
            check_utf8=False,
        ),
    )
