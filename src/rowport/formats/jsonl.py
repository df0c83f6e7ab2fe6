"""JSON Lines: one JSON object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.delimited.cutter import OVERSIZE, Cutter
from rowport.engine.delimited.encodings import UTF8, Encoding
from rowport.engine.delimited.grammar import Grammar
from rowport.engine.delimited.parsing import RecordShape, oversize_record
from rowport.engine.delimited.records import blank_records, index_records
from rowport.engine.delimited.sniffing import byte_order_mark
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.model.outcomes import RowErrorCode
from rowport.ports import BrokenRow, ChunkLimits, FormatLayout, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.ports import BlobReader, ChunkSpan

_LINES: Final = Grammar(delimiter=b" ", quote=None)
"""A record is a line; one of spaces alone is blank."""
_BLOCK_BYTES: Final = 8 * 1024 * 1024
_OVERSIZE_HEAD_BYTES: Final = 4000
_Object = dict[str, msgspec.Raw]
_decode_object: Final = msgspec.json.Decoder(_Object).decode
_decode_text: Final = msgspec.json.Decoder(str).decode


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
        line = text.splitlines()[0]
        try:
            _decode_object(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return 0.7 if is_named else 0.0
        return 1.0 if is_named else 0.9

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
                for row in _objects(Encoding(name=name).to_utf8(raw)):
                    if not row.keys() <= keys.keys():
                        keys.update(dict.fromkeys(row))
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
        cutter = Cutter(
            grammar=_LINES, encoding=encoding, limits=limits, begin=offset, first_line=1
        )
        while offset < blob.size_bytes:
            block = blob.read_at(offset, max(_BLOCK_BYTES, limits.chunk_bytes))
            offset += len(block)
            yield from cutter.feed(block, is_final=offset >= blob.size_bytes)

    def read_span(self, blob: BlobReader, layout: FormatLayout, span: ChunkSpan) -> ParsedChunk:
        """Parse one span; numbers keep their text, nested values are JSON text."""
        encoding, _ = _place(layout)
        if span.hints.get(OVERSIZE):
            shape = RecordShape(grammar=_LINES, encoding=encoding, columns=len(layout.header))
            return oversize_record(blob.read_at(span.begin, _OVERSIZE_HEAD_BYTES), shape, span)
        raw = blob.read_at(span.begin, span.end - span.begin)
        return _parsed(encoding.to_utf8(raw), layout.header, span)


def _place(layout: FormatLayout) -> tuple[Encoding, int]:
    begin = layout.options.get("data_begin", 0)
    name = str(layout.options.get("encoding", UTF8))
    return Encoding(name=name), begin if isinstance(begin, int) else 0


def _objects(text: bytes) -> Iterator[_Object]:
    for line in text.splitlines():
        try:
            yield _decode_object(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue


def _parsed(text: bytes, header: tuple[str, ...], span: ChunkSpan) -> ParsedChunk:
    index = index_records(text, _LINES, is_final=True)
    records = np.flatnonzero(~blank_records(text, index, _LINES)).tolist()
    begins, ends = index.begins.tolist(), index.ends.tolist()
    objects: list[_Object] = []
    rows: list[int] = []
    lines: list[int] = []
    broken: list[BrokenRow] = []
    for row, record in enumerate(records, span.first_row):
        line = text[begins[record] : ends[record]]
        found = _decoded(line)
        if isinstance(found, str):
            broken.append(_broken(row, span.first_line + record, found, line))
            continue
        objects.append(found)
        rows.append(row)
        lines.append(span.first_line + record)
    columns = [_column([found.get(key) for found in objects]) for key in header]
    return ParsedChunk(
        cells=pa.table(columns, names=[str(number) for number in range(len(header))]),
        row=pa.array(rows, pa.int64()),
        line=pa.array(lines, pa.int64()),
        broken=tuple(broken),
    )


def _decoded(line: bytes) -> _Object | str:
    """Give the object of a line, or what is wrong with it."""
    try:
        if not line.isascii():
            line.decode()
        return _decode_object(line)
    except msgspec.ValidationError:
        return "The line is JSON, but no object."
    except msgspec.DecodeError as error:
        return f"The line is no JSON: {error}"
    except UnicodeDecodeError:
        return "The line holds bytes that are no UTF-8."


def _broken(row: int, line: int, note: str, raw: bytes) -> BrokenRow:
    is_text = "UTF-8" not in note
    return BrokenRow(
        row=row,
        line=line,
        code=RowErrorCode.SOURCE if is_text else RowErrorCode.ENCODING,
        note=note,
        cells=(raw.decode(UTF8, "backslashreplace").rstrip("\r\n"),),
    )


def _column(raws: list[msgspec.Raw | None]) -> pa.Array:
    """Turn raw JSON values to text: strings lose their quotes, null and no key are null."""
    values = pa.array([None if raw is None else bytes(raw) for raw in raws], pa.binary())
    text = values.cast(pa.string())
    is_null = pc.fill_null(pc.equal(text, "null"), fill_value=True)
    is_text = pc.fill_null(pc.starts_with(text, '"'), fill_value=False)
    plain = pc.if_else(is_text, pc.utf8_slice_codeunits(text, 1, -1), text)
    plain = pc.if_else(is_null, pa.scalar(None, pa.string()), plain)
    escaped = pc.and_(is_text, pc.fill_null(pc.match_substring(text, "\\"), fill_value=False))
    places = np.flatnonzero(escaped.to_numpy(zero_copy_only=False))
    if not len(places):
        return plain
    cells = plain.to_pylist()
    for place in places.tolist():
        cells[place] = _decode_text(bytes(values[place].as_py()))
    return pa.array(cells, pa.string())
