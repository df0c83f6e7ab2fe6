"""Take one record apart whatever its quotes look like.

A quote opens a cell only if a matching one closes it before a delimiter or a line end;
otherwise it is a character like any other.  So a forgotten quote costs nothing but itself: the
record ends where its line ends, and the rest of the file goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rowport.engine.delimited.grammar import Grammar


_LINE_END: Final = re.compile(rb"[\r\n]")
_PADDING_BYTES: Final = 64
"""So far before a quote a delimiter is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as it was taken apart."""

    cells: tuple[bytes, ...]
    end: int
    """Where the next record begins."""


class _Incomplete(Exception):
    """What follows the buffer decides."""


def scan(buffer: bytes, begin: int, grammar: Grammar, *, is_final: bool) -> Record | None:
    """Take the record that begins at `begin` apart.

    None: the buffer is not final and what follows it could change the answer.
    """
    machine = _machine(grammar)
    try:
        return machine.record(buffer, begin, is_final=is_final)
    except _Incomplete:
        return None


@lru_cache(maxsize=64)
def _machine(grammar: Grammar) -> _Machine:
    return _Machine(grammar)


class _Machine:
    """The patterns of one grammar."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        delimiter = re.escape(grammar.delimiter)
        self.padding = re.compile(rb"[ ]*+" if grammar.delimiter.strip(b" ") else b"")
        stop = rb"[^\r\n]" if len(grammar.delimiter) > 1 else rb"[^\r\n" + delimiter + rb"]"
        ahead = rb"(?!" + delimiter + rb")" if len(grammar.delimiter) > 1 else b""
        # No lookahead inside `*+`: CPython 3.11.2 (Debian 12's) takes it for true.
        self.bare = re.compile(
            rb"[^\r\n]*?(?=" + delimiter + rb"|[\r\n]|\Z)" if ahead else rb"(?:" + stop + rb")*+",
            re.DOTALL,
        )
        if grammar.escape:
            escape = re.escape(grammar.escape)
            any_of = rb"(?:" + escape + rb"[^\r\n]|" + ahead + stop + rb")*+"
            self.bare = re.compile(any_of, re.DOTALL)
            special = re.escape((grammar.quote or b"") + grammar.escape + grammar.delimiter[:1])
            self.escaped = re.compile(escape + rb"([" + special + rb"\r\n])")
        self.after = re.compile(rb"(?=" + delimiter + rb"|[\r\n])")
        if grammar.quote:
            quote = re.escape(grammar.quote)
            escaped = re.escape(grammar.escape) + rb".|" if grammar.escape else b""
            plain = rb"[^" + quote + (re.escape(grammar.escape) if grammar.escape else b"") + rb"]"
            self.body = re.compile(
                rb"(?:" + escaped + plain + rb"++|" + quote + quote + rb")*+", re.DOTALL
            )

    def record(self, buffer: bytes, begin: int, *, is_final: bool) -> Record:
        cells: list[bytes] = []
        position = begin
        size = len(buffer)
        delimiter = self.grammar.delimiter
        while True:
            cell, position = self._cell(buffer, position, is_final=is_final)
            cells.append(cell)
            if buffer.startswith(delimiter, position):
                position += len(delimiter)
                if self.grammar.skips_space and buffer.startswith(b" ", position):
                    position += 1
                continue
            if position >= size:
                if not is_final:
                    raise _Incomplete
                return Record(cells=tuple(cells), end=size)
            if buffer[position] == 0x0D:  # noqa: PLR2004  CR
                if position + 1 >= size and not is_final:
                    raise _Incomplete
                if buffer.startswith(b"\n", position + 1):
                    position += 1
            return Record(cells=tuple(cells), end=position + 1)

    def _cell(self, buffer: bytes, begin: int, *, is_final: bool) -> tuple[bytes, int]:
        quote = self.grammar.quote
        if quote:
            padded = self.padding.match(buffer, begin)
            opening = padded.end() if padded else begin
            if buffer.startswith(quote, opening):
                found = self._quoted(buffer, opening, is_final=is_final)
                if found is not None:
                    return found
        bare = self.bare.match(buffer, begin)
        end = bare.end() if bare else begin
        cell = buffer[begin:end]
        if self.grammar.escape:
            cell = self.escaped.sub(rb"\1", cell)
        return cell, end

    def _quoted(self, buffer: bytes, opening: int, *, is_final: bool) -> tuple[bytes, int] | None:
        """Give the quoted cell and where it ends; None if the quote opens nothing."""
        quote = self.grammar.quote or b""
        body = self.body.match(buffer, opening + 1)
        closing = body.end() if body else opening + 1
        size = len(buffer)
        limit = opening + self.grammar.max_record_bytes
        line_end: int | None = None
        while buffer.startswith(quote, closing, limit + 1) and closing < size:
            if closing + 1 >= size and not is_final:
                raise _Incomplete  # it may be the first half of a doubled quote
            end = self._ends_at(buffer, closing + 1, is_final=is_final)
            if end is not None:
                return self._text(buffer[opening + 1 : closing]), end
            if self._follows_delimiter(buffer, closing):
                return None  # more likely this quote opens another cell
            if line_end is None:
                if _LINE_END.search(buffer, opening, closing):
                    return None
                line_end = self._line_end(buffer, closing, is_final=is_final)
            closing = buffer.find(quote, closing + 1, line_end)  # one that was not doubled
            if closing < 0:
                return None
        if closing > limit or is_final:
            return None
        raise _Incomplete

    def _follows_delimiter(self, buffer: bytes, place: int) -> bool:
        delimiter = self.grammar.delimiter
        before = buffer[max(0, place - _PADDING_BYTES) : place].rstrip(b" ")
        return before.endswith(delimiter.rstrip(b" ") or delimiter)

    def _line_end(self, buffer: bytes, place: int, *, is_final: bool) -> int:
        found = _LINE_END.search(buffer, place)
        if found is None and not is_final:
            raise _Incomplete
        return found.start() if found else len(buffer)

    def _ends_at(self, buffer: bytes, position: int, *, is_final: bool) -> int | None:
        """Give where the cell ends if nothing but padding stands before delimiter or line end."""
        padded = self.padding.match(buffer, position)
        position = padded.end() if padded else position
        if not is_final and position + len(self.grammar.delimiter) > len(buffer):
            raise _Incomplete
        if position >= len(buffer):
            return position
        return position if self.after.match(buffer, position) else None

    def _text(self, body: bytes) -> bytes:
        quote = self.grammar.quote or b""
        if self.grammar.escape:
            body = self.escaped.sub(rb"\1", body)
        return body.replace(quote + quote, quote)
