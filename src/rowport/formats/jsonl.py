"""JSON Lines: one JSON object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from rowport.engine.delimited.cutter import OVERSIZE, Cutter
from rowport.engine.delimited.encodings import UTF8, Encoding
from rowport.engine.delimited.grammar import Grammar
from rowport.engine.delimited.parsing import oversize_record
from rowport.engine.delimited.records import blank_records, index_records
from rowport.engine.delimited.shape import RecordShape
from rowport.engine.delimited.sniffing import byte_order_mark
from rowport.engine.json_text.objects import decoded, parsed
from rowport.engine.width import check_width, rows_within
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits, FormatLayout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.ports import BlobReader, ChunkSpan, ParsedChunk

_LINES: Final = Grammar(delimiter=b" ", quote=None)
"""A record is a line; one of spaces alone is blank."""
_BLOCK_BYTES: Final = 8 * 1024 * 1024
_READ_BYTES: Final = 1024 * 1024
_OVERSIZE_HEAD_BYTES: Final = 4000


class JsonlFormat:
    """JSON Lines, also called NDJSON."""

    name: ClassVar[str] = "jsonl"
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".jsonlines")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: the first line is a whole JSON object."""
        marked = byte_order_mark(head)
        encoding = Encoding(name=marked[0] if marked else UTF8)
        text = encoding.to_utf8(head[marked[1] if marked else 0 :]).strip()
        if not text.startswith(b"{"):
            return 0.0
        is_named = file_name.lower().endswith(self.suffixes)
        lines = text.splitlines()
        if decoded(lines[0]) is None:
            return 0.7 if is_named else 0.0
        if is_named:
            return 1.0
        return 0.9 if len(lines) > 1 else 0.8  # one line may as well be a document

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Collect the keys of all objects in the order of their first appearance."""
        unknown = sorted(set(overrides) - {"format"})
        if unknown:
            raise InvalidOptions(f"JSON Lines files have no option {unknown[0]!r}.")
        marked = byte_order_mark(blob.read_at(0, 4))
        name, begin = marked or (UTF8, 0)
        layout = FormatLayout(
            format=self.name, header=("",), options={"encoding": name, "data_begin": begin}
        )
        keys: dict[str, None] = {}
        lines = 0
        limits = ChunkLimits(chunk_bytes=_BLOCK_BYTES, chunk_rows=1_000_000)
        for span in self.spans(blob, layout, limits):
            lines += span.rows
            if not span.hints.get(OVERSIZE):
                raw = blob.read_at(span.begin, span.end - span.begin)
                for _, text in _texts(Encoding(name=name).to_utf8(raw), span):
                    row = decoded(text)
                    if row is not None and not row.keys() <= keys.keys():
                        keys.update(dict.fromkeys(row))
                        check_width(len(keys))
        if not keys:
            raise UnreadableFile("The file holds no JSON object with a key.")
        return FormatLayout(
            format=self.name,
            header=tuple(keys),
            options=layout.options,
            evidence={"lines": lines, "keys": len(keys)},
        )

    def spans(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ChunkSpan]:
        """Cut the file at line ends."""
        encoding, offset = _place(layout)
        rows = rows_within(limits.chunk_rows, len(layout.header))
        limits = ChunkLimits(chunk_bytes=limits.chunk_bytes, chunk_rows=rows)
        cutter = Cutter(
            grammar=_LINES, encoding=encoding, limits=limits, begin=offset, first_line=1
        )
        while offset < blob.size_bytes:
            block = blob.read_at(offset, _READ_BYTES)
            offset += len(block)
            yield from cutter.feed(block, is_final=offset >= blob.size_bytes)

    def read_span(self, blob: BlobReader, layout: FormatLayout, span: ChunkSpan) -> ParsedChunk:
        """Parse one span; numbers keep their text, nested values are JSON text."""
        encoding, _ = _place(layout)
        if span.hints.get(OVERSIZE):
            shape = RecordShape(grammar=_LINES, encoding=encoding, columns=len(layout.header))
            return oversize_record(blob.read_at(span.begin, _OVERSIZE_HEAD_BYTES), shape, span)
        raw = blob.read_at(span.begin, span.end - span.begin)
        return parsed(_texts(encoding.to_utf8(raw), span), layout.header, span.first_row)


def _place(layout: FormatLayout) -> tuple[Encoding, int]:
    begin = layout.options.get("data_begin", 0)
    name = str(layout.options.get("encoding", UTF8))
    return Encoding(name=name), begin if isinstance(begin, int) else 0


def _texts(text: bytes, span: ChunkSpan) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a span that are not blank, with their numbers."""
    index = index_records(text, _LINES, is_final=True)
    begins, ends = index.begins.tolist(), index.ends.tolist()
    for record in np.flatnonzero(~blank_records(text, index, _LINES)).tolist():
        yield span.first_line + record, text[begins[record] : ends[record]]
