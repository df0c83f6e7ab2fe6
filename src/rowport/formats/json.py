"""JSON documents: an array of objects, alone or as a value of the document."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rowport.engine.json_text.arrays import array_begin, elements
from rowport.engine.json_text.objects import decoded, parsed
from rowport.engine.width import check_width, rows_within
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits, ChunkSpan, FormatLayout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.engine.json_text.arrays import Elements
    from rowport.ports import BlobReader, ParsedChunk

_HEAD_BYTES: Final = 64 * 1024
_BLOCK_BYTES: Final = 8 * 1024 * 1024
_MAX_ELEMENT_BYTES: Final = 16 * 1024 * 1024


class JsonFormat:
    """JSON documents."""

    name: ClassVar[str] = "json"
    suffixes: ClassVar[tuple[str, ...]] = (".json", ".geojson")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: an array of objects begins near the start."""
        begin = array_begin(head)
        if begin is None:
            return 0.0
        follows = head[begin:].lstrip(b" \t\r\n")[:1]
        is_named = file_name.lower().endswith(self.suffixes)
        if follows == b"{":
            return 0.85
        return 0.7 if is_named and follows in {b"]", b""} else 0.0

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Collect the keys of all objects in the order of their first appearance."""
        unknown = sorted(set(overrides) - {"format"})
        if unknown:
            raise InvalidOptions(f"JSON files have no option {unknown[0]!r}.")
        head = blob.read_at(0, _HEAD_BYTES)
        begin = array_begin(head)
        if begin is None:
            raise UnreadableFile("The file holds no JSON array of objects.")
        line = head[:begin].count(b"\n") + 1
        layout = FormatLayout(
            format=self.name, header=(), options={"data_begin": begin, "data_line": line}
        )
        keys: dict[str, None] = {}
        count = 0
        for span in self.spans(blob, layout, ChunkLimits(chunk_rows=1_000_000)):
            count += span.rows
            for _, text in _texts(blob, span):
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
            evidence={"elements": count, "keys": len(keys)},
        )

    def spans(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ChunkSpan]:
        """Cut the array between its elements."""
        offset, line = (_integer(layout, name) for name in ("data_begin", "data_line"))
        row = 1
        rows = rows_within(limits.chunk_rows, len(layout.header))
        limits = ChunkLimits(chunk_bytes=limits.chunk_bytes, chunk_rows=rows)
        buffer = b""
        is_final = False
        while not is_final:
            start = offset + len(buffer)
            buffer += blob.read_at(start, max(_BLOCK_BYTES, limits.chunk_bytes))
            is_final = offset + len(buffer) >= blob.size_bytes
            found = elements(buffer, is_final=is_final)
            is_final = is_final or found.is_closed
            done = 0
            for first, last in _runs(found, limits, is_final=is_final):
                begin, end = int(found.begins[first]), int(found.ends[last - 1])
                line += buffer.count(b"\n", done, begin)
                yield ChunkSpan(
                    first_row=row,
                    rows=last - first,
                    first_line=line,
                    begin=offset + begin,
                    end=offset + end,
                )
                row += last - first
                line += buffer.count(b"\n", begin, end)
                done = end
            offset += done
            buffer = buffer[done:]
            if len(buffer) > _MAX_ELEMENT_BYTES + limits.chunk_bytes:
                raise UnreadableFile(f"Element {row} of the JSON array is larger than 16 MiB.")

    def read_span(self, blob: BlobReader, layout: FormatLayout, span: ChunkSpan) -> ParsedChunk:
        """Parse one span; numbers keep their text, nested values are JSON text."""
        return parsed(_texts(blob, span), layout.header, span.first_row)


def _runs(found: Elements, limits: ChunkLimits, *, is_final: bool) -> Iterator[tuple[int, int]]:
    """Give runs of elements within the limits; the last one may grow unless `is_final`."""
    first = 0
    total = len(found.begins)
    while first < total:
        reach = found.begins[first] + limits.chunk_bytes
        by_bytes = int(found.ends.searchsorted(reach, "right"))
        last = max(first + 1, min(by_bytes, first + limits.chunk_rows, total))
        if last == total and not is_final and found.ends[-1] < reach and first:
            return
        yield first, last
        first = last


def _texts(blob: BlobReader, span: ChunkSpan) -> Iterator[tuple[int, bytes]]:
    """Give the elements of a span with their lines."""
    raw = blob.read_at(span.begin, span.end - span.begin)
    found = elements(raw, is_final=True)
    line = span.first_line
    done = 0
    for begin, end in zip(found.begins.tolist(), found.ends.tolist(), strict=True):
        line += raw.count(b"\n", done, begin)
        done = begin
        yield line, raw[begin:end]


def _integer(layout: FormatLayout, option: str) -> int:
    value = layout.options[option]
    if not isinstance(value, int):
        raise UnreadableFile(f"The stored layout has no usable {option}.")
    return value
