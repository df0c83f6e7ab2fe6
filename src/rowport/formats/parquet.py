"""Parquet: typed columns, rendered as the text that a Table Schema reads back as the same value."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.inflation import inflated_limit
from rowport.engine.width import check_width, rows_within
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import FormatLayout, ParsedChunk
from rowport.sandbox.process import bounds_of, parsing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.ports import BlobReader, ChunkLimits

_MARK: Final = b"PAR1"
_MAX_ROW_BYTES: Final = 16 * 1024 * 1024
_PARSER: Final = "rowport.sandbox.parquets"


class ParquetFormat:
    """Parquet."""

    name: ClassVar[str] = "parquet"
    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: the mark decides, but a text may begin with it."""
        if not head.startswith(_MARK):
            return 0.0
        return 1.0 if file_name.lower().endswith(self.suffixes) or b"\x15" in head[:16] else 0.3

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Read names and types from the footer."""
        unknown = sorted(set(overrides) - {"format"})
        if unknown:
            raise InvalidOptions(f"Parquet files have no option {unknown[0]!r}.")
        with parsing(_PARSER, blob, {"rows": 0}, bounds_of(blob.size_bytes)) as answer:
            facts = dict(answer.facts)
        names = tuple(facts.pop("names"))
        if not names:
            raise UnreadableFile("The Parquet file has no column.")
        check_width(len(names))
        return FormatLayout(format=self.name, header=names, evidence=facts)

    def batches(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ParsedChunk]:
        """Parse row group by row group; a row's line is its number, every row counts."""
        columns = len(layout.header)
        request = {"rows": rows_within(limits.chunk_rows, columns)}
        left = inflated_limit(blob.size_bytes)
        first_row = 1
        with parsing(_PARSER, blob, request, bounds_of(blob.size_bytes)) as answer:
            for batch in answer.batches:
                left -= batch.nbytes
                _check_size(batch, left, first_row)
                if batch.num_rows:
                    yield _chunk(batch, columns, first_row)
                first_row += batch.num_rows


def _check_size(batch: pa.RecordBatch, left: int, first_row: int) -> None:
    if left < 0:
        raise UnreadableFile(
            f"The Parquet file inflates beyond all measure in row {first_row}: "
            "it looks like a bomb. Raise ROWPORT_MAX_RATIO if it is none."
        )
    if batch.nbytes > _MAX_ROW_BYTES * batch.num_rows:
        raise UnreadableFile(f"Row {first_row} of the Parquet file is larger than 16 MiB.")


def _chunk(batch: pa.RecordBatch, columns: int, first_row: int) -> ParsedChunk:
    texts = [_text(batch.column(number)) for number in range(columns)]
    number = pa.array(range(first_row, first_row + batch.num_rows), pa.int64())
    return ParsedChunk(
        cells=pa.table(texts, names=[str(place) for place in range(columns)]),
        row=number,
        line=number,
    )


def _text(column: pa.Array) -> pa.Array:
    """Render a column as text; null stays null."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_timestamp(kind):
        text = pc.replace_substring(column.cast(pa.string()), " ", "T", max_replacements=1)
        return _without_zeros(_with_colon(text) if kind.tz else text)
    if pa.types.is_time(kind):
        return _without_zeros(column.cast(pa.string()))
    if pa.types.is_floating(kind):
        return _numbers(column)
    for is_kind, written in _WRITTEN:
        if is_kind(kind):
            values = [None if value is None else written(value) for value in column.to_pylist()]
            return pa.array(values, pa.string())
    return column.cast(pa.string())


def _with_colon(text: pa.Array) -> pa.Array:
    """Write offsets as XML Schema does, which is how a datetime is read: `+01:00`."""
    return pc.replace_substring_regex(text, r"([+-]\d\d)(\d\d)$", r"\1:\2")


def _without_zeros(text: pa.Array) -> pa.Array:
    """Take the zeros off the ends of fractions of a second."""
    whole = pc.replace_substring_regex(text, r"\.0+(Z|[+-]|$)", r"\1")
    return pc.replace_substring_regex(whole, r"(\.\d*[1-9])0+(Z|[+-]|$)", r"\1\2")


def _numbers(column: pa.Array) -> pa.Array:
    """Write floats with the fewest digits that tell them apart, and without exponents."""
    single = column.cast(pa.float32()) if pa.types.is_float16(column.type) else column
    text = single.cast(pa.string())
    places = np.flatnonzero(pc.fill_null(pc.match_substring(text, "e"), fill_value=False))
    if not len(places):
        return text
    cells = text.to_pylist()
    for place in places.tolist():
        cells[place] = format(Decimal(cells[place]), "f")
    return pa.array(cells, pa.string())


def _bytes(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)


_WRITTEN: Final = (
    (pa.types.is_nested, _json),
    (pa.types.is_duration, _json),
    (pa.types.is_interval, _json),
    (pa.types.is_binary, _bytes),
    (pa.types.is_large_binary, _bytes),
    (pa.types.is_fixed_size_binary, _bytes),
)
"""Kinds of columns that are written value by value."""
