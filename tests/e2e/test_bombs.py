"""Files that mean harm: each is refused, or read in bounded memory and time, by the command.

Memory is that of all processes of the command together; time is that of the processor, for the
machine may be busy with other things.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

MIB: Final = 1024 * 1024
MAX_MIB: Final = 300
MAX_CPU_S: Final = 3.0
"""Two to find out what the file is, and one to start."""
HONEST_CPU_S: Final = 6.0
"""A file that is read to its end takes as long as it is large; where others work too a second of
the processor does less."""
UNIT: Final = b"1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 30_000


def zipped(*entries: tuple[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.csv", "w") as member,
    ):
        member.write(b"id,name\n")
        for _ in range(200):
            member.write(UNIT)
    return file.getvalue()


def lying(data: bytes, size_bytes: int = 3000) -> bytes:
    """Change the size that an archive tells of its last entry."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", changed, changed.rfind(mark) + offset, size_bytes)
    return bytes(changed)


def encrypted(data: bytes) -> bytes:
    """Say of the last entry of an archive that it is encrypted."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        struct.pack_into("<H", changed, changed.rfind(mark) + offset, 1)
    return bytes(changed)


def zst_bomb() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        for _ in range(300):
            stream.write(UNIT)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def nested_zips() -> bytes:
    data = zipped(("a.csv", b"id\n" + b"1\n" * 1000))
    for _ in range(6):
        data = zipped(("a.zip", data))
    return data


LAUGHS: Final = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lolololololol">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]>"
)
BOOK: Final = (
    '<workbook xmlns:r="r"><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
RELATIONS: Final = (
    '<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="rId2" Type="x/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    "</Relationships>"
)
HEADER: Final = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
ROW: Final = '<row r="2"><c r="A2" t="s"><v>0</v></c></row>'


def xlsx(rows: str, strings: str = "<sst/>", prolog: str = "") -> bytes:
    return zipped(
        ("xl/workbook.xml", BOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/sharedStrings.xml", strings),
        (
            "xl/worksheets/sheet1.xml",
            f"{prolog}<worksheet><sheetData>{rows}</sheetData></worksheet>",
        ),
    )


def cell(row: int, text: str) -> str:
    return f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>{text}</t></is></c></row>'


def shared_cells(rows: int) -> str:
    return HEADER + "".join(
        f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(2, rows + 2)
    )


ODS_TYPE: Final = "application/vnd.oasis.opendocument.spreadsheet"
NAMES: Final = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "manifest")
)
ODS_HEADER: Final = (
    '<table:table-row><table:table-cell office:value-type="string"><text:p>a</text:p>'
    "</table:table-cell></table:table-row>"
)


def ods(cells: str, row: str = "", prolog: str = "") -> bytes:
    body = (
        f"{prolog}<office:document-content{NAMES}><office:body><office:spreadsheet>"
        f'<table:table table:name="S">{ODS_HEADER}<table:table-row {row}>{cells}'
        "</table:table-row></table:table></office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    return zipped(
        ("mimetype", ODS_TYPE),
        ("content.xml", body),
        ("META-INF/manifest.xml", f"<manifest:manifest{NAMES}/>"),
    )


def ods_cell(text: str, more: str = "") -> str:
    return (
        f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p>'
        "</table:table-cell>"
    )


def parquet(column: pa.Array, **options: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": column}), file, compression="zstd", **options)
    return file.getvalue()


def parquet_of_one_word() -> bytes:
    zeros = pa.array([0], pa.int32()).take(pa.array([0] * 1_000_000))
    return parquet(pa.DictionaryArray.from_arrays(zeros, pa.array(["x" * 1000])))


def parquet_with_a_lying_footer() -> bytes:
    data = parquet(pa.array(range(1000)))
    return data[:-8] + struct.pack("<I", 0x7FFFFFFF) + data[-4:]


REPEATED: Final = "table:number-columns-repeated='16384'"
BOMBS: Final[dict[str, Callable[[], bytes]]] = {
    "zip.zip": zip_bomb,
    "lying.zip": lambda: lying(zip_bomb()),
    "nested.zip": nested_zips,
    "encrypted.zip": lambda: encrypted(zipped(("a.csv", "id\n1\n"))),
    "entries.zip": lambda: zipped(*[(f"{n}.csv", "id\n1\n") for n in range(2000)]),
    "gz.csv.gz": lambda: gzip.compress(b"id,name\n" + UNIT * 200),
    "gz-in-gz.csv.gz": lambda: gzip.compress(gzip.compress(UNIT * 200)),
    "zst.csv.zst": zst_bomb,
    "laughs-in-sheet.xlsx": lambda: xlsx(HEADER + cell(2, "&j;"), prolog=LAUGHS),
    "laughs-in-strings.xlsx": lambda: xlsx(HEADER + ROW, f"{LAUGHS}<sst><si><t>&j;</t></si></sst>"),
    "rows.xlsx": lambda: xlsx(HEADER + ROW * 3_000_000),
    "lying.xlsx": lambda: lying(xlsx(HEADER + ROW * 1_000_000)),
    "long-cell.xlsx": lambda: xlsx(HEADER + cell(2, "a" * 60_000_000)),
    "deep.xlsx": lambda: xlsx(HEADER + f'<row r="2"><c r="A2">{"<x>" * 300_000}'),
    "laughs.ods": lambda: ods(ods_cell("&j;"), prolog=LAUGHS),
    "all-cells.ods": lambda: ods(
        ods_cell("b" * 100, REPEATED), 'table:number-rows-repeated="1048570"'
    ),
    "all-rows.ods": lambda: ods(ods_cell("b" * 1000), 'table:number-rows-repeated="1048570"'),
    "spaces.ods": lambda: ods(ods_cell("<text:s text:c='2000000000'/>")),
    "columns.ods": lambda: ods(ods_cell("a") * 300_000),
    "columns.csv": lambda: b",".join(b"c%d" % n for n in range(150_000)) + b"\n1\n",
    "keys.json": lambda: b"[" + b",".join(b'{"k%d":1}' % n for n in range(200_000)) + b"]",
    "keys.jsonl": lambda: b"\n".join(b'{"k%d":1}' % n for n in range(200_000)),
    "string.json": lambda: b'[{"a":"' + b"x" * 150_000_000 + b'"}]',
    "nested.json": lambda: b'[{"a":' * 6_000_000,
    "word.parquet": parquet_of_one_word,
    "long-cell.parquet": lambda: parquet(pa.array(["y" * 200_000_000]), use_dictionary=False),
    "list.parquet": lambda: parquet(pa.array([[0] * 20_000_000])),
    "footer.parquet": parquet_with_a_lying_footer,
    "garbage.parquet": lambda: b"PAR1\x15" + bytes(20_000) + b"PAR1",
}
"""What is refused, with the reason."""
CONTAINED: Final[dict[str, Callable[[], bytes]]] = {
    "traversal.zip": lambda: zipped(("../../../../tmp/evil.csv", "id,name\n1,a\n2,b\n")),
    "corner.xlsx": lambda: xlsx(
        HEADER + cell(2, "b") + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    ),
    "shared.xlsx": lambda: xlsx(shared_cells(200_000), f"<sst><si><t>{'b' * 99}</t></si></sst>"),
    "strings.xlsx": lambda: xlsx(HEADER + ROW, f"<sst>{'<si/>' * 10_000_000}</sst>"),
    "quote.csv": lambda: b'id,name\n1,"' + b"a" * 50_000_000,
    "deep.jsonl": lambda: b'{"a":1}\n{"a":' + b"[" * 400_000 + b"]" * 400_000 + b'}\n{"a":2}\n',
    "deep-one.json": lambda: b'[{"a":1},{"a":' + b"[" * 400_000 + b"]" * 400_000 + b'},{"a":2}]',
}
"""What is read, in bounded memory: there may be files of the kind that mean no harm."""


class Run:
    """A run of the command, and what it took."""

    def __init__(self, *arguments: str) -> None:
        self.peak_bytes = 0
        with tempfile.TemporaryFile() as told:
            process = subprocess.Popen(
                [sys.executable, "-m", "rowport.cli", *arguments],
                stdout=told,
                stderr=subprocess.STDOUT,
            )
            while True:
                self.peak_bytes = max(self.peak_bytes, _resident(process.pid))
                time.sleep(0.005)  # between two looks at its memory
                ended, status, used = os.wait4(process.pid, os.WNOHANG)
                if ended:
                    break
            process.returncode = self.exit = os.waitstatus_to_exitcode(status)
            told.seek(0)
            self.said = told.read().decode()
        self.cpu_s = used.ru_utime + used.ru_stime


def _resident(pid: int) -> int:
    """Give the memory of a process and of those that it started; what they share counts once."""
    about = Path(f"/proc/{pid}")
    try:
        memory = (about / "smaps_rollup").read_text()
        children = (about / "task" / str(pid) / "children").read_text().split()
    except OSError:
        return 0
    own = re.search(r"^Pss: +(\d+) kB", memory, re.MULTILINE)
    return (int(own[1]) * 1024 if own else 0) + sum(_resident(int(child)) for child in children)


def run_on(tmp_path: Path, name: str, data: bytes, *, cpu_s: float) -> Run:
    path = tmp_path / name
    path.write_bytes(data)
    ran = Run("read", str(path), "--out", str(tmp_path / "out.csv"))
    assert ran.peak_bytes < MAX_MIB * MIB, (name, ran.peak_bytes // MIB)
    assert ran.cpu_s < cpu_s, (name, ran.cpu_s)
    return ran


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    ran = run_on(tmp_path, name, BOMBS[name](), cpu_s=MAX_CPU_S)
    assert ran.exit == 4, ran.said
    assert ran.said.startswith("rowport: ")
    assert "unforeseen" not in ran.said
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", CONTAINED)
def test_what_may_be_honest_is_read_in_bounded_memory(tmp_path: Path, name: str) -> None:
    ran = run_on(tmp_path, name, CONTAINED[name](), cpu_s=HONEST_CPU_S)
    assert ran.exit == 0, ran.said
    assert (tmp_path / "out.csv").stat().st_size > 0


def test_a_limit_can_be_raised_for_a_file_that_means_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_MAX_RATIO", "100000")
    path = tmp_path / "long.csv.gz"
    path.write_bytes(gzip.compress(b"id,name\n" + UNIT * 70))
    ran = Run("read", str(path), "--out", str(tmp_path / "out.csv"))
    assert (ran.exit, (tmp_path / "out.csv").stat().st_size) == (0, 9 + 70 * (len(UNIT) + 30_000))
