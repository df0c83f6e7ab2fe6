"""Find where the records of a buffer end, at the speed of memory.

Quotes are paired by counting.  Pairing is right as long as every opening quote follows a
delimiter or a line end and every closing one precedes one (a doubled quote closes and opens at
once).  The record with the first quote for which this does not hold is *stray*: the tokenizer
finds its end, and pairing starts afresh behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rowport.engine.delimited.tokenizer import scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rowport.engine.delimited.grammar import Grammar

    Offsets = NDArray[np.int64]

LF: Final = 0x0A
CR: Final = 0x0D
_SLICE: Final = 128 * 1024
"""Units looked at in one go: what is computed of them stays in the processor's cache."""
_FIRST_WINDOW: Final = 64 * 1024
"""Bytes looked at behind a stray record; doubles while nothing stray is found."""
_FEW: Final = 16
_MAX_BURST: Final = 64
"""Where stray records stand close together, up to so many are scanned without pairing."""
_HOLLOW_DEPTH: Final = 64
"""Bytes of a record compared for all records at once before each is looked at alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordIndex:
    """The complete records of a buffer, in order and without gap from its first byte."""

    line_ends: Offsets
    """Exclusive ends of the physical lines."""
    last_lines: Offsets
    """For each record the index into `line_ends` of the line that it ends with."""
    stray: Offsets
    """Indexes of the records that only the tokenizer can take apart, ascending."""
    oversize: Offsets
    """Indexes of the records longer than the grammar allows, ascending."""

    @property
    def ends(self) -> Offsets:
        """Exclusive ends of the records."""
        return self.line_ends[self.last_lines]

    @property
    def begins(self) -> Offsets:
        """First bytes of the records."""
        ends = self.ends
        return np.concatenate([np.zeros(min(1, len(ends)), np.int64), ends[:-1]])

    @property
    def first_lines(self) -> Offsets:
        """For each record the number of physical lines in the buffer before it."""
        last = self.last_lines
        return np.concatenate([np.zeros(min(1, len(last)), np.int64), last[:-1] + 1])


def line_ends(buffer: bytes, *, unit: int = 1, little: bool = True, is_final: bool) -> Offsets:
    """Give the exclusive end in bytes of every physical line (LF, CR or CRLF).

    `unit` is the width of a code unit.  In a buffer that is final a last line without an end
    counts; in one that is not, a CR as the last unit does not (an LF may follow).
    """
    units = len(buffer) // unit
    array = np.frombuffer(buffer, f"{'<' if little else '>'}u{unit}", count=units)
    marks = (LF, CR) if b"\r" in buffer else (LF,)
    places = places_of(array, *marks)
    ends = _ends_of_lines(places, array[places], units, is_final=is_final)
    return _with_last(ends * unit, buffer, is_final=is_final)


def lines_and_places(
    buffer: bytes, byte: bytes | None, *, is_final: bool
) -> tuple[Offsets, Offsets]:
    """Give the ends of lines as `line_ends` does, and where a byte stands, by one look."""
    if byte is None or byte not in buffer:
        return line_ends(buffer, is_final=is_final), np.zeros(0, np.int64)
    array = np.frombuffer(buffer, np.uint8)
    places = places_of(array, LF, byte[0], *((CR,) if b"\r" in buffer else ()))
    marks = array[places]
    is_byte = marks == byte[0]
    others = places[~is_byte]
    ends = _ends_of_lines(others, marks[~is_byte], len(array), is_final=is_final)
    return _with_last(ends, buffer, is_final=is_final), places[is_byte]


def _ends_of_lines(
    places: Offsets, marks: NDArray[np.integer], units: int, *, is_final: bool
) -> Offsets:
    """Give where lines end, by the places of all LF and CR."""
    is_end = marks == LF
    if not is_end.all():
        is_followed = np.zeros(len(places), bool)
        is_followed[:-1] = is_end[1:] & (np.diff(places) == 1)
        if len(places) and not is_final:
            is_followed[-1] |= places[-1] == units - 1
        is_end |= ~is_followed
    ends: Offsets = places[is_end] + 1
    return ends


def _with_last(ends: Offsets, buffer: bytes, *, is_final: bool) -> Offsets:
    """Add the end of a last line that has none."""
    if is_final and buffer and (not len(ends) or ends[-1] < len(buffer)):
        return np.append(ends, len(buffer))
    return ends


def places_of(array: NDArray[Any], *units: int) -> Offsets:
    """Give where any of these units stands."""
    parts = []
    for begin in range(0, len(array), _SLICE):
        part = array[begin : begin + _SLICE]
        is_one = part == units[0]
        for unit in units[1:]:
            is_one |= part == unit
        parts.append(np.flatnonzero(is_one) + begin)
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def index_records(buffer: bytes, grammar: Grammar, *, is_final: bool) -> RecordIndex:
    """Find the complete records of `buffer`, which begins where a record begins."""
    return _Indexer(buffer, grammar, is_final=is_final).run()


def blank_records(buffer: bytes, index: RecordIndex, grammar: Grammar) -> NDArray[np.bool_]:
    """Say for each record whether it holds nothing: no cell, or only empty ones."""
    ends = index.ends
    begins = index.begins
    is_blank = np.zeros(len(ends), bool)
    if not len(ends):
        return is_blank
    array = np.frombuffer(buffer, np.uint8)
    hollow = np.zeros(256, bool)
    special = grammar.delimiter + (grammar.quote or b"") + b"\r\n "
    hollow[list(special)] = True
    left = np.flatnonzero(hollow[array[begins]])
    for depth in range(1, _HOLLOW_DEPTH):
        done = begins[left] + depth >= ends[left]
        is_blank[left[done]] = True
        left = left[~done]
        if not len(left):
            break
        left = left[hollow[array[begins[left] + depth]]]
    is_blank[left] = True
    line_feeds = array[begins] <= CR  # a bare line end needs no second look
    for record in np.flatnonzero(is_blank & ~line_feeds).tolist():
        is_blank[record] = _is_hollow(buffer[begins[record] : ends[record]], grammar)
    return is_blank


def _is_hollow(record: bytes, grammar: Grammar) -> bool:
    content = record.rstrip(b"\r\n")
    if not content.replace(grammar.delimiter, b""):
        return True
    if content.strip(grammar.delimiter + (grammar.quote or b"") + b" \r\n"):
        return False
    taken = scan(record, 0, grammar, is_final=True)
    return taken is not None and not any(taken.cells)


class _Indexer:
    """One pass over a buffer."""

    def __init__(self, buffer: bytes, grammar: Grammar, *, is_final: bool) -> None:
        self.buffer = buffer
        self.grammar = grammar
        self.is_final = is_final
        self.array = np.frombuffer(buffer, np.uint8)
        quote = grammar.quote if grammar.is_columnar else None
        self.lines, self.quotes = lines_and_places(buffer, quote, is_final=is_final)
        self.escapes = self._places(grammar.escape)
        if len(self.escapes):
            self._resolve_escapes()
        self._borders = np.zeros(256, bool)
        """Bytes that part a quoted cell from what stands beside it."""
        self._borders[[LF, CR]] = True
        if len(grammar.delimiter) == 1:
            self._borders[grammar.delimiter[0]] = True
        self.position = 0
        self.records = 0
        self.parts: list[Offsets] = []
        self.stray: list[int] = []
        self.oversize: list[int] = []

    def _places(self, byte: bytes | None) -> Offsets:
        if byte is None or byte not in self.buffer:
            return np.zeros(0, np.int64)
        return places_of(self.array, byte[0])

    def _resolve_escapes(self) -> None:
        """Leave out escaped quotes, and keep only escapes of which the tokenizer has to judge."""
        places = self.escapes
        index = np.arange(len(places))
        is_start = np.diff(places, prepend=-2) != 1
        starts = np.maximum.accumulate(np.where(is_start, index, 0))
        active = places[(index - starts) % 2 == 0]
        following = self.array[np.minimum(active + 1, len(self.array) - 1)]
        quote = self.grammar.quote or b"\0"
        is_plain = (following == quote[0]) | (following == self.array[places[0]])
        is_plain &= active + 1 < len(self.array)
        self.quotes = np.setdiff1d(self.quotes, active + 1, assume_unique=True)
        self.escapes = active[~is_plain]

    def run(self) -> RecordIndex:
        if self.grammar.is_columnar:
            self._run_columnar()
        else:
            while self._scan_one():
                pass
        return RecordIndex(
            line_ends=self.lines,
            last_lines=np.concatenate(self.parts) if self.parts else np.zeros(0, np.int64),
            stray=np.array(self.stray, np.int64),
            oversize=np.array(self.oversize, np.int64),
        )

    def _run_columnar(self) -> None:
        size = len(self.buffer)
        window = size
        burst = 1
        while self.position < size:
            before = self.records
            end = min(self.position + window, size)
            if not self._pair(end):
                if end == size:
                    return
                window *= 2
                continue
            burst = 1 if self.records - before > _FEW else min(burst * 2, _MAX_BURST)
            window = _FIRST_WINDOW
            for _ in range(burst):
                if not self._scan_one():
                    return

    def _pair(self, end: int) -> bool:
        """Take the clean records before `end`; True if one that is not clean comes next."""
        stop = self._first_stray(end)
        lines = self.lines
        low, high = np.searchsorted(lines, [self.position, min(stop, end)], "right").tolist()
        chosen = np.arange(low, high)
        quotes = self.quotes
        first = int(np.searchsorted(quotes, self.position))
        if first < len(quotes) and low < high and quotes[first] < lines[high - 1]:
            inside = np.searchsorted(quotes, lines[low:high]) - first
            chosen = chosen[inside % 2 == 0]
        ends = lines[chosen]
        lengths = np.diff(ends, prepend=self.position)
        limit = self.grammar.max_record_bytes
        if len(lengths) and lengths.max() > limit:
            chosen = chosen[: int(np.argmax(lengths > limit))]
            stop = -1
        if len(chosen):
            self.parts.append(chosen)
            self.records += len(chosen)
            self.position = int(lines[chosen[-1]])
        if stop < end:
            return True
        return end == len(self.buffer) and end - self.position > limit

    def _first_stray(self, end: int) -> int:
        """Give the first place in `position` to `end` that pairing cannot explain, else `end`."""
        first, last = np.searchsorted(self.quotes, [self.position, end]).tolist()
        escape = int(np.searchsorted(self.escapes, self.position))
        stop = min(end, int(self.escapes[escape]) if escape < len(self.escapes) else end)
        quotes = self.quotes[first:last]
        if not len(quotes):
            return stop
        opening, closing = quotes[0::2], quotes[1::2]
        bad_opening = opening[~self._may_open(opening, closing)]
        bad_closing = closing[~self._may_close(closing)]
        if len(bad_opening):
            stop = min(stop, int(bad_opening[0]))
        if len(bad_closing):
            stop = min(stop, int(bad_closing[0]))
        if len(opening) > len(closing) and end == len(self.buffer):
            open_bytes = end - int(opening[-1])
            if self.is_final or open_bytes > self.grammar.max_record_bytes:
                stop = min(stop, int(opening[-1]))
        return stop

    def _may_open(self, opening: Offsets, closing: Offsets) -> NDArray[np.bool_]:
        before = self.array[np.maximum(opening - 1, 0)]
        delimiter = self.grammar.delimiter
        may = self._borders[before]
        if len(delimiter) > 1:
            may |= self._stands(delimiter, opening - len(delimiter))
        if self.grammar.skips_space:
            may |= self._stands(delimiter + b" ", opening - len(delimiter) - 1)
        may[0] |= int(opening[0]) == self.position
        may[1:] |= opening[1:] - closing[: len(opening) - 1] == 1
        return may

    def _may_close(self, closing: Offsets) -> NDArray[np.bool_]:
        size = len(self.array)
        after = self.array[np.minimum(closing + 1, size - 1)]
        may = self._borders[after]
        if len(self.grammar.delimiter) > 1:
            may |= self._stands(self.grammar.delimiter, closing + 1)
        may |= (after == self.array[closing]) | (closing + 1 >= size)
        return may

    def _stands(self, delimiter: bytes, places: Offsets) -> NDArray[np.bool_]:
        """Say at which of `places` the delimiter stands; cut off at the end, it may do so."""
        last = len(self.array) - 1
        stands = places >= 0
        for offset, byte in enumerate(delimiter):
            at = places + offset
            stands &= (self.array[np.clip(at, 0, last)] == byte) | (
                (at > last) & (offset > 0) & (not self.is_final)
            )
        return np.asarray(stands, bool)

    def _scan_one(self) -> bool:
        """Let the tokenizer find the end of the next record; False if the buffer is too short."""
        begin = self.position
        if begin >= len(self.buffer):
            return False
        limit = self.grammar.max_record_bytes
        record = scan(self.buffer, begin, self.grammar, is_final=self.is_final)
        if record is None and len(self.buffer) - begin <= 2 * limit:
            return False
        is_oversize = record is None or record.end - begin > limit
        end = begin + limit if record is None or is_oversize else record.end
        line = int(np.searchsorted(self.lines, end))
        if line >= len(self.lines):
            return False
        (self.oversize if is_oversize else self.stray).append(self.records)
        self.parts.append(np.array([line], np.int64))
        self.records += 1
        self.position = int(self.lines[line])
        return True
