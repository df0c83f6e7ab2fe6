"""Delimited text: CSV, TSV and whatever else separates its cells by a character."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rowport.engine.delimited.cutter import OVERSIZE, Cutter
from rowport.engine.delimited.grammar import MAX_RECORD_BYTES
from rowport.engine.delimited.layout import find_layout, shape_of
from rowport.engine.delimited.options import checked_options
from rowport.engine.delimited.parsing import oversize_record, parse_records
from rowport.engine.delimited.signatures import seems_to_be
from rowport.engine.width import check_width
from rowport.model.errors import EmptyFile, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.ports import BlobReader, ChunkLimits, ChunkSpan, FormatLayout, ParsedChunk

_BLOCK_BYTES: Final = 1024 * 1024
_OVERSIZE_HEAD_BYTES: Final = 4000
"""How much of a row that is too long is kept with its error."""
_HEAD_BYTES: Final = 1024 * 1024
_SAMPLES: Final = 12
_SAMPLE_BYTES: Final = 64 * 1024
"""Detection reads the head and so many samples from the rest of the file."""
_NOTHING: Final = b" \t\r\n\x00\x1a\xef\xbb\xbf\xff\xfe"
"""Bytes of which a file that says nothing is made: white space and byte order marks."""


class CsvFormat:
    """Delimited text."""

    name: ClassVar[str] = "csv"
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".tab", ".psv", ".txt")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: any text may be delimited text."""
        if not head.strip(_NOTHING) or seems_to_be(head):
            return 0.0
        return 0.6 if file_name.lower().endswith(self.suffixes) else 0.4

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Find encoding, delimiter, quoting and header."""
        given = checked_options(overrides)
        samples = _samples(blob, head_bytes=_HEAD_BYTES)
        if not samples[0].strip(_NOTHING):
            raise EmptyFile("The file is empty: it holds no header and no row.")
        what = seems_to_be(_as_text(samples[0], given.encoding))
        if what:
            raise UnreadableFile(f"The file is no text: it seems to be {what}.")
        layout = find_layout(samples, given, is_whole=blob.size_bytes <= _HEAD_BYTES)
        if 2 * _integer(layout, "data_begin") > _HEAD_BYTES:  # the header may go on behind the head
            samples = _samples(blob, head_bytes=2 * MAX_RECORD_BYTES)
            layout = find_layout(samples, given, is_whole=blob.size_bytes <= len(samples[0]))
        check_width(len(layout.header))
        return layout

    def spans(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ChunkSpan]:
        """Cut the file at record ends."""
        shape = shape_of(layout)
        offset = _integer(layout, "data_begin")
        cutter = Cutter(
            grammar=shape.grammar,
            encoding=shape.encoding,
            limits=limits,
            begin=offset,
            first_line=_integer(layout, "data_line"),
        )
        end = _end(blob, unit_bytes=shape.encoding.unit_bytes)
        while offset < end:
            block = blob.read_at(offset, min(_BLOCK_BYTES, end - offset))
            offset += len(block)
            yield from cutter.feed(block, is_final=offset >= end)

    def read_span(self, blob: BlobReader, layout: FormatLayout, span: ChunkSpan) -> ParsedChunk:
        """Parse one span."""
        shape = shape_of(layout)
        if span.hints.get(OVERSIZE):
            head = blob.read_at(span.begin, _OVERSIZE_HEAD_BYTES)
            return oversize_record(head, shape, span)
        return parse_records(blob.read_at(span.begin, span.end - span.begin), shape, span)


def _samples(blob: BlobReader, *, head_bytes: int) -> list[bytes]:
    """Give the head of the file and pieces from all over the rest."""
    samples = [blob.read_at(0, head_bytes)]
    rest = blob.size_bytes - head_bytes
    if rest > 0:
        step = max(_SAMPLE_BYTES, rest // _SAMPLES)
        offsets = range(head_bytes, blob.size_bytes, step)
        samples += [blob.read_at(offset // 4 * 4, _SAMPLE_BYTES) for offset in offsets]
    return samples


def _end(blob: BlobReader, *, unit_bytes: int) -> int:
    """Give where the text ends: DOS programs write a Ctrl-Z behind it."""
    tail = blob.read_at(max(0, blob.size_bytes - unit_bytes), unit_bytes)
    return blob.size_bytes - (unit_bytes if tail.strip(b"\x00") == b"\x1a" else 0)


def _integer(layout: FormatLayout, option: str) -> int:
    value = layout.options[option]
    if not isinstance(value, int):
        raise UnreadableFile(f"The stored layout has no usable {option}.")
    return value


def _as_text(head: bytes, encoding: str | None) -> bytes:
    """Give the head as whoever named its encoding sees it: zero bytes of UTF-16 are text then."""
    if encoding is None or not encoding.startswith(("utf-16", "utf-32")):
        return head
    return head.decode(encoding, "replace").encode("utf-8", "replace")
