"""Parse one span: clean records by the columnar reader, the others one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.delimited.clean_spans import int64, parse_clean
from rowport.engine.delimited.columnar import column_names, read_text, single_byte
from rowport.engine.delimited.cutter import CLEAN
from rowport.engine.delimited.encodings import UTF8
from rowport.engine.delimited.records import RecordIndex, blank_records, index_records
from rowport.engine.delimited.tokenizer import scan
from rowport.model.outcomes import RowErrorCode
from rowport.ports import BrokenRow, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from pyarrow.csv import InvalidRow

    from rowport.engine.delimited.shape import RecordShape
    from rowport.ports import ChunkSpan


def parse_records(raw: bytes, shape: RecordShape, span: ChunkSpan) -> ParsedChunk:
    """Parse the bytes of a span."""
    parsed = parse_clean(raw, shape, span) if span.hints.get(CLEAN) else None
    return parsed if parsed is not None else _SpanParser(raw, shape, span).parse()


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
        cells=_table([], shape.columns), row=int64([]), line=int64([]), broken=(broken,)
    )


def _table(rows: Sequence[Sequence[str]], columns: int) -> pa.Table:
    values: Iterable[Sequence[str]] = zip(*rows, strict=True) if rows else [[]] * columns
    arrays = [pa.array(column, pa.string()) for column in values]
    return pa.table(arrays, names=column_names(columns))


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
            self.broken.append(
                self.shape.broken(
                    RowErrorCode.ENCODING,
                    self._cells(record),
                    row=int(self.row[record]),
                    line=int(self.line[record]),
                )
            )
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
            high = np.flatnonzero(np.frombuffer(self.raw, np.uint8) >= 0x80)  # noqa: PLR2004  ASCII
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
        row, line = int(self.row[record]), int(self.line[record])
        self.broken.append(self.shape.ragged(cells, row=row, line=line))

    def _columnar(self, clean: NDArray[np.int64]) -> tuple[pa.Table, NDArray[np.int64]]:
        """Read the records `clean`; give the table and which record each of its rows is."""
        if not len(clean):
            return _table([], self.shape.columns), clean
        extra = int(self.shape.has_trailing_delimiter)
        ragged: list[InvalidRow] = []
        data, delimiter = single_byte(self._bytes_of(clean), self.shape.grammar)
        try:
            columns = self.shape.columns + extra
            table = delimiter and read_text(data, self.shape.grammar, delimiter, columns, ragged)
        except pa.ArrowInvalid:
            table = None
        if not isinstance(table, pa.Table) or table.num_rows + len(ragged) != len(clean):
            for record in clean.tolist():
                self._take(record, self._cells(record))
            return _table([], self.shape.columns), clean[:0]
        is_whole = np.ones(len(clean), bool)
        places = [row.number - 1 for row in ragged]
        is_whole[places] = False
        for place in places:
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
            row=int64(self.row[records]),
            line=int64(self.line[records]),
            broken=tuple(self.broken),
        )
