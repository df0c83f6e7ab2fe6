"""Typed columns as text that reads back as the same value."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rowport.formats.parquet import ParquetFormat
from rowport.model.errors import UnreadableFile
from rowport.ports import ChunkLimits

FORMAT = ParquetFormat()


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def parquet(column: pa.Array, row_group_size: int = 100) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"value": column}), file, row_group_size=row_group_size)
    return file.getvalue()


def read(data: bytes, chunk_rows: int = 1000) -> list[str | None]:
    blob = MemoryBlob(data)
    layout = FORMAT.detect(blob, {})
    assert layout.header == ("value",)
    chunks = FORMAT.batches(blob, layout, ChunkLimits(chunk_rows=chunk_rows))
    return [cell for chunk in chunks for cell in chunk.cells.column(0).to_pylist()]


MOMENT = dt.datetime(2024, 2, 3, 4, 5, 6)  # noqa: DTZ001  the column has no zone


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([1, -(2**63), None]), ["1", "-9223372036854775808", None]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([1.0, 0.1, 1e20, 1e-7, 1e300]), ["1", "0.1", "1" + "0" * 20, "0.0000001"]),
        (pa.array([0.1, 16777216.0], pa.float32()), ["0.1", "16777216"]),
        (pa.array([1.5, 0.1], pa.float16()), ["1.5", "0.099975586"]),
        (pa.array([Decimal("1.50"), Decimal("-0.01")]), ["1.50", "-0.01"]),
        (pa.array([dt.date(2024, 2, 3)]), ["2024-02-03"]),
        (pa.array([MOMENT], pa.timestamp("us")), ["2024-02-03T04:05:06"]),
        (pa.array([MOMENT], pa.timestamp("ns", "UTC")), ["2024-02-03T04:05:06Z"]),
        (pa.array([MOMENT], pa.timestamp("us", "Europe/Berlin")), ["2024-02-03T05:05:06+01:00"]),
        (
            pa.array([MOMENT.replace(microsecond=120_000)], pa.timestamp("us", "-03:30")),
            ["2024-02-03T00:35:06.12-03:30"],
        ),
        (
            pa.array([MOMENT.replace(microsecond=120_000)], pa.timestamp("us")),
            ["2024-02-03T04:05:06.12"],
        ),
        (pa.array([dt.time(9, 30), dt.time(9, 30, 0, 500)]), ["09:30:00", "09:30:00.0005"]),
        (pa.array(["a", "", None]).dictionary_encode(), ["a", "", None]),
        (pa.array([b"abc", b"\xff"]), ["abc", "\\xff"]),
        (pa.array([[1, 2], None]), ["[1,2]", None]),
        (pa.array([{"a": "é", "b": dt.date(2024, 2, 3)}]), ['{"a":"é","b":"2024-02-03"}']),
    ],
)
def test_a_typed_column_becomes_text(column: pa.Array, texts: list[str | None]) -> None:
    assert read(parquet(column))[: len(texts)] == texts


def test_row_groups_and_chunks_are_read_in_order() -> None:
    numbers = list(range(1000))
    for chunk_rows in (7, 100, 5000):
        data = parquet(pa.array(numbers), row_group_size=64)
        assert read(data, chunk_rows) == [str(number) for number in numbers]


def test_a_writer_with_a_damaged_name_is_refused() -> None:
    data = parquet(pa.array([1])).replace(b"parquet-cpp", b"parquet\xffcpp")
    with pytest.raises(UnreadableFile, match="no readable Parquet"):
        read(data)


@pytest.mark.parametrize("damage", [slice(0, -20), slice(4, None), slice(0, 8)])
def test_a_damaged_file_is_refused(damage: slice) -> None:
    with pytest.raises(UnreadableFile, match="Parquet"):
        read(parquet(pa.array([1, 2, 3]))[damage])
