"""Two thousand damaged files a run: each is refused, or every record of it is accounted for.

The seed is new in each run and stands in the message of a failure; ROWPORT_FUZZ_SEED repeats one.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import struct
import time
import zipfile
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from rowport.formats import discover, recognise
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits, SequentialFormat, SplittableFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rowport.ports import Format, FormatLayout, ParsedChunk

SEED: Final = int(os.environ.get("ROWPORT_FUZZ_SEED", "0")) or random.SystemRandom().getrandbits(32)
IN_PROCESS: Final = 1_920
APART: Final = 80
"""Of formats that are parsed in a process of their own, which takes its time to start."""
PARTS: Final = 4
MAX_CPU_S: Final = 5.0
LIMITS: Final = ChunkLimits(chunk_bytes=600, chunk_rows=7)
FORMATS: Final = discover()
HEADER: Final = ("id", "name", "sum", "day")
ROWS: Final = [
    (
        str(n),
        ["Ada", "Grace, H.", 'say "hi"', "two\nlines", "Zoë 王"][n % 5],
        f"{n}.50",
        "2024-02-03",
    )
    for n in range(40)
]
XLS: Final = Path(__file__).parent.parent / "data" / "spreadsheets" / "kinds.xls"


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def text(delimiter: str = ",", end: str = "\r\n") -> str:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if set(cell) & set('",\n;\t') else cell

    return "".join(delimiter.join(map(quoted, row)) + end for row in [HEADER, *ROWS])


def objects() -> list[dict[str, str]]:
    return [dict(zip(HEADER, row, strict=True)) for row in ROWS]


def xlsx() -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([HEADER, *ROWS]):
            sheet.write_row(number, 0, row)
            sheet.write_number(number, 4, number * 1.1)
    return file.getvalue()


def stored(data: bytes) -> bytes:
    """Give an archive with its parts not packed, so that damage reaches what is in them."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(file, "w") as copy:
        for name in source.namelist():
            copy.writestr(name, source.read(name))
    return file.getvalue()


def ods() -> bytes:
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "manifest")
    )
    rows = "".join(
        "<table:table-row>"
        + "".join(
            '<table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell>'
            for _ in row
        )
        + "</table:table-row>"
        for row in ROWS
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content{names}><office:body><office:spreadsheet>"
            f'<table:table table:name="S">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest{names}/>")
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    columns = [list(column) for column in zip(*ROWS, strict=True)]
    pq.write_table(pa.table(columns, names=list(HEADER)), file, row_group_size=15)
    return file.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def zst(data: bytes) -> bytes:
    packed: bytes = pa.compress(data, codec="zstd", asbytes=True)
    return packed


def in_process() -> dict[str, bytes]:
    csv, lines = text().encode(), "\n".join(json.dumps(o) for o in objects()).encode()
    document = json.dumps(objects(), indent=1).encode()
    return {
        "a.csv": csv,
        "bom.csv": b"\xef\xbb\xbf" + csv,
        "utf16.csv": text().encode("utf-16"),
        "utf32.csv": text(";").encode("utf-32"),
        "latin.csv": text(";", "\n").encode("cp1252", "replace"),
        "sjis.csv": text().replace("ë", "e").encode("shift_jis", "replace"),
        "gb.csv": text("\t", "\r").encode("gb18030"),
        "a.tsv": text("\t", "\n").encode(),
        "a.json": document,
        "a.jsonl": lines,
        "a.xlsx": xlsx(),
        "stored.xlsx": stored(xlsx()),
        "a.csv.gz": gzip.compress(csv),
        "a.csv.zst": zst(csv),
        "a.zip": zipped("a.csv", csv),
        "j.jsonl.gz": gzip.compress(lines),
        "j.json.zst": zst(document),
        "x.zip": zipped("a.xlsx", xlsx()),
    }


def apart() -> dict[str, bytes]:
    return {
        "a.xls": XLS.read_bytes(),
        "a.ods": ods(),
        "a.parquet": parquet(),
        "a.parquet.gz": gzip.compress(parquet()),
        "o.zip": zipped("a.ods", ods()),
        "x.xls.zst": zst(XLS.read_bytes()),
    }


def flipped(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data


def cut_off(data: bytearray, chance: random.Random) -> bytearray:
    return data[: chance.randrange(len(data))]


def spliced(data: bytearray, chance: random.Random) -> bytearray:
    begin, end = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[:begin] + data[end:]


def doubled(data: bytearray, chance: random.Random) -> bytearray:
    begin = chance.randrange(len(data))
    piece = data[begin : begin + chance.randint(1, 300)]
    return data[:begin] + piece * chance.randint(2, 4) + data[begin:]


def peppered(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data))
        data[place:place] = chance.choice(
            [b'"', b"\0", b",", b"\r", b"\n", b"{", b"]", b"\\", b"\xff"]
        )
    return data


def overstated(data: bytearray, chance: random.Random) -> bytearray:
    place = chance.randrange(max(1, len(data) - 4))
    number = chance.choice([0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0, 1 << 24])
    data[place : place + 4] = struct.pack("<I", number)
    return data


MUTATIONS: Final[tuple[Callable[[bytearray, random.Random], bytearray], ...]] = (
    flipped,
    cut_off,
    spliced,
    doubled,
    peppered,
    overstated,
)


def mutated(files: dict[str, bytes], count: int, seed: str) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(seed)  # noqa: S311  no secret: it has to come again
    for name, data in islice(cycle(files.items()), count):
        found = bytearray(data)
        for _ in range(chance.choice([1, 1, 2])):
            found = chance.choice(MUTATIONS)(found or bytearray(b"x"), chance)
        yield name, bytes(found)


def chunks_of(form: Format, blob: MemoryBlob, layout: FormatLayout) -> Iterator[ParsedChunk]:
    if isinstance(form, SplittableFormat):
        for span in form.spans(blob, layout, LIMITS):
            chunk = form.read_span(blob, layout, span)
            assert chunk.rows == span.rows
            yield chunk
        return
    assert isinstance(form, SequentialFormat)
    yield from form.batches(blob, layout, LIMITS)


def check(name: str, data: bytes) -> bool:
    """Read a file; say whether it could be read.  Every record must have a number of its own."""
    blob = MemoryBlob(data)
    try:
        form = recognise(blob, name, FORMATS)
        layout = form.detect(blob, {})
        json.dumps([dict(layout.options), dict(layout.evidence)])
        row = 0
        for chunk in chunks_of(form, blob, layout):
            assert chunk.cells.num_columns == len(layout.header)
            assert chunk.cells.num_rows == len(chunk.row) == len(chunk.line)
            numbers = sorted([*chunk.row.to_pylist(), *(b.row for b in chunk.broken)])
            assert numbers == list(range(row + 1, row + 1 + chunk.rows))
            chunk.cells.validate(full=True)
            row += chunk.rows
    except (UnreadableFile, InvalidOptions):
        return False
    return True


def run(files: dict[str, bytes], count: int, seed: str) -> None:
    read = 0
    for number, (name, data) in enumerate(mutated(files, count, seed)):
        begun = time.process_time()
        try:
            read += check(name, data)
        except Exception as error:
            error.add_note(f"ROWPORT_FUZZ_SEED={SEED}, {name}, number {number} of {seed}")
            raise
        assert time.process_time() - begun < MAX_CPU_S, (SEED, name, number)
    assert 0 < read < count


@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_file_is_refused_or_accounted_for(part: int) -> None:
    run(in_process(), IN_PROCESS // PARTS, f"{SEED}/{part}")


def test_a_damaged_file_of_other_parsers_is_refused_or_accounted_for() -> None:
    run(apart(), APART, f"{SEED}/apart")


def test_the_files_are_read_when_they_are_whole() -> None:
    for name, data in {**in_process(), **apart()}.items():
        assert check(name, data), name
