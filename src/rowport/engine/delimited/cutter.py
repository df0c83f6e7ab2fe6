"""Cut a file into spans of whole records in one pass, in memory of a few blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rowport.engine.delimited.records import RecordIndex, blank_records, index_records
from rowport.ports import ChunkSpan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rowport.engine.delimited.encodings import Encoding
    from rowport.engine.delimited.grammar import Grammar
    from rowport.ports import ChunkLimits

OVERSIZE: Final = "oversize"
CLEAN: Final = "clean"
"""No record needs the tokenizer."""
DENSE: Final = "dense"
"""Every line is a data row: none is blank, none goes on over a line end."""


class Cutter:
    """Takes the blocks of a file in order and gives the spans that are complete.

    Small blocks are best: what is looked at then stays in the processor's cache.

    A span begins with the first byte of a data row; blank records between spans belong to none,
    those inside one are not counted in its rows.
    """

    def __init__(
        self,
        *,
        grammar: Grammar,
        encoding: Encoding,
        limits: ChunkLimits,
        begin: int,
        first_line: int,
    ) -> None:
        """Start at byte `begin`, which is the first byte of line `first_line`."""
        self._grammar = grammar
        self._encoding = encoding
        self._limits = limits
        self._carry = b""
        self._too_short = 0
        """Bytes of a carry in which no record ended: it is looked at again when twice as long."""
        self._offset = begin
        self._line = first_line
        self._row = 1
        self._waiting = Records.none(offset=begin, line=first_line)
        """Records that ended, but are in no span yet."""
        self._skipped_from: tuple[int, int] | None = None
        """Offset and line where an oversize record began whose end was not seen yet."""

    def feed(self, block: bytes, *, is_final: bool) -> Iterator[ChunkSpan]:
        """Take the next block and yield the spans that end in it; `is_final` ends the file."""
        self._carry = self._carry + block if self._carry else block
        if self._skipped_from is not None:
            yield from self._end_of_oversize(is_final=is_final)
        if self._skipped_from is None:
            if self._carry and (is_final or len(self._carry) >= 2 * self._too_short):
                self._take_records(is_final=is_final)
            yield from self._spans(is_final=is_final or self._skipped_from is not None)

    def _take_records(self, *, is_final: bool) -> None:
        """Move the records that end in the carry to those that wait."""
        raw = self._carry
        if not is_final:
            raw = raw[: len(raw) // self._encoding.unit_bytes * self._encoding.unit_bytes]
        text = self._encoding.to_utf8(raw)
        index = index_records(text, self._grammar, is_final=is_final)
        if not len(index.last_lines):
            self._too_short = len(raw)
            if len(text) > 2 * self._grammar.max_record_bytes:
                self._skip(raw)
            return
        self._too_short = 0
        ended = records_of(raw, text, index, grammar=self._grammar, encoding=self._encoding)
        self._waiting = self._waiting.then(ended)
        self._advance(int(ended.ends[-1]), int(ended.lines[-1]))

    def _skip(self, raw: bytes) -> None:
        """Begin to look for nothing but the end of a record that is too long."""
        self._skipped_from = (self._offset, self._line)
        self._too_short = 0
        lines = self._encoding.line_ends(raw, is_final=False)
        self._advance(int(lines[-1]) if len(lines) else 0, len(lines))
        self._drop()

    def _spans(self, *, is_final: bool) -> Iterator[ChunkSpan]:
        """Yield the spans that are complete; `is_final`: whatever waits is."""
        waiting = self._waiting
        cut = _Cut(waiting)
        record = cut.next_row(0)
        while record < cut.records:
            end = cut.span_end(record, self._limits)
            if end == cut.records and not is_final and not cut.is_oversize(record):
                break
            yield self._span(cut, record, end)
            record = cut.next_row(end)
        self._waiting = waiting.after(record)

    def _span(self, cut: _Cut, record: int, end: int) -> ChunkSpan:
        rows = cut.rows_between(record, end)
        first_row = self._row
        self._row += rows
        return ChunkSpan(
            first_row=first_row,
            rows=rows,
            first_line=cut.line_of(record),
            begin=cut.byte_of(record),
            end=cut.byte_of(end),
            hints=cut.hints(record, end),
        )

    def _advance(self, size: int, lines: int) -> None:
        self._carry = self._carry[size:]
        self._offset += size
        self._line += lines

    def _drop(self) -> None:
        """Forget the bytes of an oversize record but for a last unit (it may be half a CRLF)."""
        unit = self._encoding.unit_bytes
        keep = unit + len(self._carry) % unit
        self._advance(max(0, len(self._carry) - keep), 0)

    def _end_of_oversize(self, *, is_final: bool) -> Iterator[ChunkSpan]:
        lines = self._encoding.line_ends(self._carry, is_final=is_final)
        if self._skipped_from is None or not len(lines):
            self._drop()
            return
        begin, line = self._skipped_from
        self._skipped_from = None
        self._advance(int(lines[0]), 1)
        self._waiting = Records.none(offset=self._offset, line=self._line)
        row = self._row
        self._row += 1
        yield ChunkSpan(
            first_row=row,
            rows=1,
            first_line=line,
            begin=begin,
            end=self._offset,
            hints={CLEAN: False, OVERSIZE: True},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Complete records in order and without gap."""

    ends: NDArray[np.int64]
    """Where the first begins and each ends, in bytes of the file."""
    lines: NDArray[np.int64]
    """The line on which the first begins, and the one behind each."""
    is_blank: NDArray[np.bool_]
    is_stray: NDArray[np.bool_]
    """Only the tokenizer can take it apart."""
    is_oversize: NDArray[np.bool_]

    @classmethod
    def none(cls, *, offset: int, line: int) -> Records:
        """Give no record, before the one that begins there."""
        nothing = np.zeros(0, bool)
        return cls(
            ends=np.array([offset], np.int64),
            lines=np.array([line], np.int64),
            is_blank=nothing,
            is_stray=nothing,
            is_oversize=nothing,
        )

    def then(self, others: Records) -> Records:
        """Give these and then others, whose places are counted from the end of these."""
        return Records(
            ends=np.concatenate([self.ends, others.ends[1:] + self.ends[-1]]),
            lines=np.concatenate([self.lines, others.lines[1:] + self.lines[-1]]),
            is_blank=np.concatenate([self.is_blank, others.is_blank]),
            is_stray=np.concatenate([self.is_stray, others.is_stray]),
            is_oversize=np.concatenate([self.is_oversize, others.is_oversize]),
        )

    def after(self, record: int) -> Records:
        """Give those from `record` on."""
        return Records(
            ends=self.ends[record:],
            lines=self.lines[record:],
            is_blank=self.is_blank[record:],
            is_stray=self.is_stray[record:],
            is_oversize=self.is_oversize[record:],
        )


def records_of(
    raw: bytes, text: bytes, index: RecordIndex, *, grammar: Grammar, encoding: Encoding
) -> Records:
    """Give the records of a buffer; places are counted from its begin."""
    lines = index.line_ends if encoding.is_utf8 else encoding.line_ends(raw, is_final=True)
    zero = np.zeros(1, np.int64)
    is_stray, is_oversize = np.zeros((2, len(index.last_lines)), bool)
    is_stray[index.stray] = True
    is_oversize[index.oversize] = True
    return Records(
        ends=np.concatenate([zero, lines[index.last_lines]]),
        lines=np.concatenate([zero, index.last_lines + 1]),
        is_blank=blank_records(text, index, grammar),
        is_stray=is_stray,
        is_oversize=is_oversize,
    )


class _Cut:
    """Where spans may begin and end among some records."""

    def __init__(self, records: Records) -> None:
        self._bytes = records.ends
        self._lines = records.lines
        zero = np.zeros(1, np.int64)
        self._rows: NDArray[np.int64] = np.concatenate([zero, np.cumsum(~records.is_blank)])
        self._data = np.flatnonzero(~records.is_blank)
        self._stray = np.flatnonzero(records.is_stray)
        self._oversize = np.flatnonzero(records.is_oversize)
        self.records = len(records.is_blank)

    def byte_of(self, record: int) -> int:
        return int(self._bytes[record])

    def line_of(self, record: int) -> int:
        return int(self._lines[record])

    def rows_between(self, record: int, end: int) -> int:
        return int(self._rows[end] - self._rows[record])

    def next_row(self, record: int) -> int:
        """Give the first record from `record` on that is not blank, else the number of all."""
        place = int(np.searchsorted(self._data, record))
        return int(self._data[place]) if place < len(self._data) else self.records

    def is_oversize(self, record: int) -> bool:
        return bool(np.isin(record, self._oversize))

    def span_end(self, record: int, limits: ChunkLimits) -> int:
        """Give the record before which a span that begins with `record` has to end."""
        if self.is_oversize(record):
            return record + 1
        last_byte = self._bytes[record] + limits.chunk_bytes
        by_bytes = int(np.searchsorted(self._bytes, last_byte, "right")) - 1
        last_row = self._rows[record] + limits.chunk_rows
        by_rows = int(np.searchsorted(self._rows, last_row, "right")) - 1
        oversize = int(np.searchsorted(self._oversize, record))
        by_size = int(self._oversize[oversize]) if oversize < len(self._oversize) else self.records
        return max(record + 1, min(by_bytes, by_rows, by_size))

    def hints(self, record: int, end: int) -> dict[str, object]:
        first, last = np.searchsorted(self._stray, [record, end]).tolist()
        if self.is_oversize(record):
            return {CLEAN: False, OVERSIZE: True}
        lines = self.line_of(end) - self.line_of(record)
        is_dense = lines == end - record == self.rows_between(record, end)
        return {CLEAN: first == last, DENSE: is_dense}
