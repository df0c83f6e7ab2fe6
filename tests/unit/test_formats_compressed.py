"""Tables inside compressed files and archives, and archives that mean harm."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import time
import zipfile

import pyarrow as pa
import pytest

from rowport.formats import discover, recognise
from rowport.formats.compressed import CompressedFormat
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits

FORMAT = CompressedFormat()
TABLE = b"id,name\n1,Ada\n2,Grace\n"
ROWS = [("1", "Ada"), ("2", "Grace")]


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def read(data: bytes, **options: object) -> list[tuple[str | None, ...]]:
    blob = MemoryBlob(data)
    layout = FORMAT.detect(blob, options)
    assert layout.header == ("id", "name")
    rows: list[tuple[str | None, ...]] = []
    for chunk in FORMAT.batches(blob, layout, ChunkLimits()):
        rows += zip(*(column.to_pylist() for column in chunk.cells.columns), strict=True)
    return rows


def stored(**files: bytes) -> bytes:
    return archive(zipfile.ZIP_STORED, **files)


def archive(method: int = zipfile.ZIP_DEFLATED, /, **files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(TABLE),
        gzip.compress(TABLE[:14]) + gzip.compress(TABLE[14:]),
        bz2.compress(TABLE),
        lzma.compress(TABLE),
        pa.compress(TABLE, codec="zstd", asbytes=True),
        archive(table=TABLE),
        archive(table=TABLE, **{"__MACOSX/._table": b"\x00\x01", ".DS_Store": b"\x00"}),
        gzip.compress(b'{"id":1,"name":"Ada"}\n{"id":2,"name":"Grace"}\n'),
    ],
    ids=["gz", "gz in two parts", "bz2", "xz", "zst", "zip", "zip of a Mac", "JSON in gz"],
)
def test_a_table_is_read_from_whatever_it_was_compressed_with(data: bytes) -> None:
    assert read(data) == ROWS


def test_an_archive_whose_file_has_no_name_is_refused() -> None:
    data = archive(x=TABLE)
    for mark, offset in ((b"PK\x01\x02", 28), (b"PK\x03\x04", 26)):
        place = data.rfind(mark) + offset
        data = data[:place] + b"\0\0" + data[place + 2 :]
    with pytest.raises(UnreadableFile):
        read(data)


@pytest.mark.parametrize("suffix", ["xlsx", "xlsb", "ods"])
def test_workbooks_in_an_archive_do_not_make_it_a_workbook(suffix: str) -> None:
    inner = {
        "xlsx": archive(**{"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"}),
        "xlsb": archive(**{"[Content_Types].xml": b"x", "xl/workbook.bin": b"x"}),
        "ods": stored(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"),
    }
    packed = stored(**{f"b.{suffix}": inner[suffix], "xl/a.csv": TABLE})
    assert recognise(MemoryBlob(packed), "upload", discover()).name == "compressed"
    alone = recognise(MemoryBlob(inner[suffix]), "upload", discover())
    assert alone.name in {"xlsx", "spreadsheet"}


def test_of_several_files_in_an_archive_one_has_to_be_named() -> None:
    data = archive(one=TABLE, two=b"other\n1\n")
    with pytest.raises(UnreadableFile, match=r"2 files.*member \(one, two\)"):
        read(data)
    assert read(data, member="one") == ROWS
    with pytest.raises(InvalidOptions, match="one, two"):
        read(data, member="three")
    with pytest.raises(InvalidOptions):
        read(data, member=1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(TABLE * 1000)[:-9], "damaged"),
        (lzma.compress(TABLE * 1000)[:50], "damaged"),
        (archive(table=TABLE)[:60], "damaged"),
        (archive(), "not compressed"),
        (archive(table=b""), "empty"),
        (archive(table=gzip.compress(TABLE)), "gzip"),
        (gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(50)), "PNG image"),
        (TABLE, "not compressed"),
    ],
    # Made anew in each process, packed bytes hold the time: they cannot name a test.
    ids=["cut gz", "cut xz", "cut zip", "no file", "empty file", "twice", "PNG", "plain"],
)
def test_what_cannot_be_inflated_to_a_table_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read(data)


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda data: archive(table=data)], ids=["gz", "zip"]
)
def test_a_bomb_is_stopped_while_it_inflates(pack: object) -> None:
    assert callable(pack)
    data = pack(b"1,2\n" * 30_000_000)
    started = time.perf_counter()
    with pytest.raises(UnreadableFile, match="bomb"):
        read(data)
    assert time.perf_counter() - started < 5
