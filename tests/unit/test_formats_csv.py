"""Nasty delimited files and exactly what is read from each."""

# ruff: noqa: RUF001  foreign letters are among the subjects

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from rowport.formats.csv import CsvFormat
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits

if TYPE_CHECKING:
    from rowport.ports import BrokenRow, FormatLayout

FORMAT = CsvFormat()


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@dataclass
class Read:
    """Everything that was read from a file."""

    layout: FormatLayout
    rows: dict[int, tuple[str, ...]] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    broken: dict[int, BrokenRow] = field(default_factory=dict)


def read(data: bytes, limits: ChunkLimits | None = None, **options: object) -> Read:
    blob = MemoryBlob(data)
    result = Read(FORMAT.detect(blob, options))
    for span in FORMAT.spans(blob, result.layout, limits or ChunkLimits()):
        chunk = FORMAT.read_span(blob, result.layout, span)
        numbers = chunk.row.to_pylist()
        cells = zip(*(column.to_pylist() for column in chunk.cells.columns), strict=True)
        result.rows.update(zip(numbers, cells, strict=True))
        result.lines.update(zip(numbers, chunk.line.to_pylist(), strict=True))
        for broken in chunk.broken:
            result.broken[broken.row] = broken
            result.lines[broken.row] = broken.line
    total = len(result.rows) + len(result.broken)
    assert sorted([*result.rows, *result.broken]) == list(range(1, total + 1))
    return result


def rows(low: int, high: int) -> str:
    return "".join(f"{n},name {n},{n * 2}\r\n" for n in range(low, high))


HEADER = "id,name,val\r\n"
PLAIN = HEADER + rows(1, 101)


def around(record: str) -> str:
    """Data row 50 is `record`, the others are plain."""
    return HEADER + rows(1, 50) + record + "\r\n" + rows(51, 101)


@dataclass(frozen=True, kw_only=True)
class Torture:
    """One nasty file: what it holds and what has to be read."""

    data: bytes
    header: tuple[str, ...] = ("id", "name", "val")
    total: int = 100
    rows: dict[int, tuple[str, ...]] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    broken: dict[int, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """Row: error code and cells."""


def torture(text: str | bytes, encoding: str = "utf-8", **wanted: object) -> Torture:
    data = text if isinstance(text, bytes) else text.encode(encoding)
    return Torture(data=data, **wanted)  # type: ignore[arg-type]  # a table of expectations


LAST = {100: ("100", "name 100", "200")}
LATIN = "1,Zoë Café Müller naïve,2\r\n" + rows(2, 101)
JAPANESE = "id,名前,値\r\n" + "".join(
    f"{n},株式会社田中表商店能,{n * 2}\r\n" for n in range(1, 101)
)
RUSSIAN = "id,имя,знач\r\n" + "".join(
    f"{n},Анастасия Иванова улица,{n * 2}\r\n" for n in range(1, 101)
)
CHINESE = "id,名字,值\r\n" + "".join(f"{n},北京有限公司,{n * 2}\r\n" for n in range(1, 101))
MIXED = HEADER + rows(1, 30) + rows(30, 60).replace("\r\n", "\n") + rows(60, 101).replace("\n", "")

FILES = {
    "plain": torture(PLAIN, rows=LAST, lines={1: 2, 100: 101}),
    "no line end at the end": torture(PLAIN[:-2], rows=LAST),
    "short and long rows": torture(
        HEADER + rows(1, 50) + "50,short\r\n51,long,x,y,z\r\n" + rows(52, 101),
        rows=LAST,
        broken={
            50: ("missing-cell", ("50", "short")),
            51: ("extra-cell", ("51", "long", "x", "y", "z")),
        },
    ),
    "unterminated quote": torture(
        around('50,"open quote,100'), rows={50: ("50", '"open quote', "100"), **LAST}
    ),
    "stray quote": torture(around('50,6" pipe,100'), rows={50: ("50", '6" pipe', "100"), **LAST}),
    "text behind a closing quote": torture(
        around('50,"abc"def,100'), rows={50: ("50", '"abc"def', "100"), **LAST}
    ),
    "quote inside quotes, not doubled": torture(
        around('50,"he said "hi" to me",100'),
        rows={50: ("50", 'he said "hi" to me', "100"), **LAST},
    ),
    "some bad bytes among much UTF-8": torture(
        (HEADER + "".join(f"{n},Zoë 王,2\r\n" for n in range(1, 50))).encode()
        + b"50,caf\xe9 \xff,100\r\n"
        + rows(51, 101).encode(),
        rows=LAST,
        broken={50: ("encoding-error", ("50", "caf\\xe9 \\xff", "100"))},
    ),
    "UTF-8 with a mark": torture(PLAIN, "utf-8-sig", rows=LAST),
    "UTF-16 little": torture("\ufeff" + HEADER + LATIN, "utf-16-le", rows=LAST),
    "UTF-16 big": torture("\ufeff" + HEADER + LATIN, "utf-16-be", rows=LAST),
    "UTF-16 without a mark": torture(HEADER + LATIN, "utf-16-le", rows=LAST),
    "UTF-32": torture("\ufeff" + HEADER + LATIN, "utf-32-le", rows=LAST),
    "Latin-1": torture(
        HEADER + LATIN, "latin-1", rows={1: ("1", "Zoë Café Müller naïve", "2"), **LAST}
    ),
    "cp1252": torture(
        HEADER + "1,“smart” – Zoë €,2\r\n" + rows(2, 101),
        "cp1252",
        rows={1: ("1", "“smart” – Zoë €", "2"), **LAST},
    ),
    "Shift-JIS": torture(
        JAPANESE,
        "shift_jis",
        header=("id", "名前", "値"),
        rows={100: ("100", "株式会社田中表商店能", "200")},
    ),
    "Shift-JIS with a delimiter that is half of a character": torture(
        JAPANESE.replace(",", "|"),
        "shift_jis",
        header=("id", "名前", "値"),
        rows={100: ("100", "株式会社田中表商店能", "200")},
    ),
    "GB18030": torture(
        CHINESE,
        "gb18030",
        header=("id", "名字", "值"),
        rows={100: ("100", "北京有限公司", "200")},
    ),
    "cp1251": torture(
        RUSSIAN,
        "cp1251",
        header=("id", "имя", "знач"),
        rows={100: ("100", "Анастасия Иванова улица", "200")},
    ),
    "line ends inside quotes": torture(
        around('50,"line1\nline2\r\nline3\rline4",100'),
        rows={50: ("50", "line1\nline2\r\nline3\rline4", "100"), **LAST},
        lines={50: 51, 51: 55, 100: 104},
    ),
    "a cell of 1 MB": torture(
        around('50,"' + "x" * 1_000_000 + '",100'), rows={50: ("50", "x" * 1_000_000, "100")}
    ),
    "a cell of 10 MB": torture(
        around('50,"' + "x" * 10_000_000 + '",100'),
        rows={50: ("50", "x" * 10_000_000, "100"), **LAST},
    ),
    "a NUL": torture(around("50,na\x00me,100"), rows={50: ("50", "na\x00me", "100"), **LAST}),
    "the same name twice": torture(
        "id,name,name,val\r\n" + "".join(f"{n},a{n},b{n},{n}\r\n" for n in range(1, 101)),
        header=("id", "name", "name", "val"),
        rows={1: ("1", "a1", "b1", "1")},
    ),
    "columns without a name": torture(
        "id,,val,\r\n" + "".join(f"{n},a{n},{n},\r\n" for n in range(1, 101)),
        header=("id", "", "val", ""),
        rows={1: ("1", "a1", "1", "")},
    ),
    "blank lines and rows of empty cells": torture(
        HEADER + rows(1, 50) + "\r\n\r\n" + rows(50, 101) + ",,\r\n",
        rows=LAST,
        lines={49: 50, 50: 53},
    ),
    "a header alone": torture(HEADER, total=0),
    "one column": torture(
        "id\r\n" + "".join(f"{n}\r\n" for n in range(1, 101)), header=("id",), rows={1: ("1",)}
    ),
    "CR alone": torture(PLAIN.replace("\r\n", "\r"), rows=LAST, lines={100: 101}),
    "LF alone": torture(PLAIN.replace("\r\n", "\n"), rows=LAST, lines={100: 101}),
    "all line ends mixed": torture(MIXED, rows=LAST, lines={100: 101}),
    "semicolons": torture(PLAIN.replace(",", ";"), rows=LAST),
    "tabs": torture(PLAIN.replace(",", "\t"), rows=LAST),
    "bars": torture(PLAIN.replace(",", "|"), rows=LAST),
    "a delimiter of two characters": torture(PLAIN.replace(",", "||"), rows=LAST),
    "a space behind every delimiter": torture(
        PLAIN.replace(",", ", ").replace("name 1,", '"name, 1",'),
        rows={1: ("1", "name, 1", "2"), **LAST},
    ),
    "two rows of names": torture(
        "id,Person,,Money\r\n,First,Last,Sum\r\n"
        + "".join(f"{n},A{n},B{n},{n}.50\r\n" for n in range(1, 101)),
        header=("id", "Person First", "Person Last", "Money Sum"),
        rows={1: ("1", "A1", "B1", "1.50")},
        lines={1: 3},
    ),
    "no names at all": torture(
        rows(1, 101),
        header=("column_1", "column_2", "column_3"),
        rows=LAST,
        lines={1: 1},
    ),
    "semicolons and decimal commas": torture(
        "id;name;val\r\n" + "".join(f"{n};name {n};{n},5\r\n" for n in range(1, 101)),
        rows={1: ("1", "name 1", "1,5")},
    ),
    "a title above the header": torture(
        "Report of outlets\r\nGenerated 2024-01-01\r\n\r\n" + PLAIN, rows=LAST, lines={1: 5}
    ),
    "a total at the end": torture(
        PLAIN + "Total,,10100\r\n", total=101, rows={101: ("Total", "", "10100")}
    ),
    "a line that names the delimiter": torture(
        "sep=;\r\n" + PLAIN.replace(",", ";"), rows=LAST, lines={1: 3}
    ),
    "backslash escapes": torture(
        around('50,"a \\"quoted\\" word",100'), rows={50: ("50", 'a "quoted" word', "100"), **LAST}
    ),
    "backslashes that escape nothing, among some that do": torture(
        around('50,"C:\\temp \\"x\\" \\\\",100'),
        rows={50: ("50", 'C:\\temp "x" \\', "100"), **LAST},
    ),
    "apostrophes as quotes": torture(around("50,'a, b',100"), rows={50: ("50", "a, b", "100")}),
    "a delimiter at the end of every data row": torture(
        HEADER + "".join(f"{n},n{n},{n},\r\n" for n in range(1, 101)), rows={1: ("1", "n1", "1")}
    ),
    "2,000 columns": torture(
        ",".join(f"c{n}" for n in range(2000))
        + "\r\n"
        + "".join(",".join([str(n)] * 2000) + "\r\n" for n in range(20)),
        header=tuple(f"c{n}" for n in range(2000)),
        total=20,
        rows={20: ("19",) * 2000},
    ),
    "a header of more than a megabyte": torture(
        ",".join(f"column number {n}" for n in range(60_000))
        + "\n"
        + ",".join("1" * 60_000)
        + "\n",
        header=tuple(f"column number {n}" for n in range(60_000)),
        total=1,
        rows={1: ("1",) * 60_000},
    ),
    "one Latin-1 row far behind UTF-8": torture(
        (HEADER + rows(1, 200_000)).encode()
        + "200000,Zoë,1\r\n".encode("latin-1")
        + rows(200_001, 200_101).encode(),
        total=200_100,
        rows={200_100: ("200100", "name 200100", "400200")},
        broken={200_000: ("encoding-error", ("200000", "Zo\\xeb", "1"))},
        lines={200_000: 200_001},
    ),
    "Ctrl-Z at the end": torture(PLAIN + "\x1a", rows=LAST),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "limits", [ChunkLimits(), ChunkLimits(chunk_bytes=200_000, chunk_rows=1000)], ids=["8M", "200k"]
)
def test_a_nasty_file_is_read_to_the_last_row(name: str, limits: ChunkLimits) -> None:
    wanted = FILES[name]
    found = read(wanted.data, limits)
    assert found.layout.header == wanted.header
    assert len(found.rows) + len(found.broken) == wanted.total
    assert {row: (b.code, b.cells) for row, b in found.broken.items()} == wanted.broken
    assert {row: found.rows[row] for row in wanted.rows} == wanted.rows
    assert {row: found.lines[row] for row in wanted.lines} == wanted.lines


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b" \r\n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "PNG image"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF document"),
        (b"\x7fELF\x02\x01\x01" + bytes(64), "program"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64), "Office document"),
        (b"PK\x03\x04" + bytes(64), "ZIP archive"),
        (bytes(range(256)) * 40, "binary data"),
        (b"<html><body><table>", "HTML page"),
        (b'<?xml version="1.0"?><a>', "XML document"),
        (b'{\n  "name": "x",\n  "size": 2\n}\n', "JSON document"),
    ],
)
def test_what_is_no_text_is_refused_by_what_it_seems_to_be(data: bytes, what: str) -> None:
    with pytest.raises(UnreadableFile, match=what):
        read(data)


@pytest.mark.parametrize(
    "options",
    [
        {"delimiter": ""},
        {"delimiter": 7},
        {"delimiter": "\n"},
        {"delimiter": ",", "quote": ","},
        {"quote": "ab"},
        {"escape": "é"},
        {"encoding": "klingon"},
        {"encoding": 8},
        {"header_row": 0},
        {"header_row": True},
        {"header_row": 1, "has_header": False},
        {"header_row": 4000},
        {"has_header": "yes"},
        {"colour": "red"},
    ],
)
def test_an_option_that_cannot_be_right_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidOptions):
        read(PLAIN.encode(), None, **options)


def test_options_override_what_would_be_found() -> None:
    found = read("a;b,c\n1;2,3\n".encode("cp1251"), delimiter=";", encoding="cp1251")
    assert found.layout.header == ("a", "b,c")
    assert found.rows == {1: ("1", "2,3")}
    assert found.layout.options["encoding"] == "cp1251"


def test_without_a_header_columns_get_names_and_every_record_is_a_row() -> None:
    found = read(b"1,2\n3,4\n", has_header=False)
    assert found.layout.header == ("column_1", "column_2")
    assert found.rows == {1: ("1", "2"), 2: ("3", "4")}
    assert found.lines == {1: 1, 2: 2}


@pytest.mark.parametrize("gap", ["", "\n", ",,\n"])
def test_labelled_remarks_above_a_table_are_no_header(gap: str) -> None:
    remarks = "Report:,Sales,\nFrom:,2026-01-01,\nTo:,2026-01-31,\n"
    found = read(f"{remarks}{gap}id,name,amount\n1,Ann,3.5\n2,Bob,4.5\n3,Cy,1.5\n".encode())
    assert found.layout.header == ("id", "name", "amount")
    assert found.rows[1] == ("1", "Ann", "3.5")
    assert found.layout.evidence["preamble"] == [
        "Report: Sales",
        "From: 2026-01-01",
        "To: 2026-01-31",
    ]


def test_a_header_whose_names_end_with_colons_is_one() -> None:
    found = read(b"Name:,Age:,City:\nAnn,1,Rome\nBob,2,Bonn\nCy,3,Oslo\n")
    assert found.layout.header == ("Name:", "Age:", "City:")


def test_a_header_may_stand_on_any_line() -> None:
    found = read(b"x,y\n1,2\nid,name\n3,4\n", header_row=3)
    assert found.layout.header == ("id", "name")
    assert found.rows == {1: ("3", "4")}
    assert found.lines == {1: 4}


def test_nothing_is_quoted_if_the_quote_is_empty() -> None:
    found = read(b'a,b\n"1,2"\n', delimiter=",", quote="")
    assert found.rows == {1: ('"1', '2"')}


def test_a_row_too_long_is_one_failed_row_that_tells_how_it_begins() -> None:
    long = b"50," + b"x" * 17_000_000 + b",1\r\n"
    data = (HEADER + rows(1, 50)).encode() + long + rows(51, 101).encode()
    found = read(data)
    assert found.broken[50].code == "source-error"
    assert found.broken[50].cells[0].startswith("50,xxx")
    assert found.rows[100] == ("100", "name 100", "200")
    assert found.lines[51] == 52


def test_a_quote_that_never_closes_in_a_large_file_costs_no_other_row() -> None:
    data = (HEADER + '1,"open,2\r\n' + rows(2, 1_100_000)).encode()
    found = read(data)
    assert len(data) > 20_000_000
    assert found.rows[1] == ("1", '"open', "2")
    assert len(found.rows) == 1_099_999
    assert not found.broken


def test_text_in_a_wide_encoding_that_was_named_is_no_binary_data() -> None:
    text = "h0,h1,h2\nv,,Ā\n"
    layout = FORMAT.detect(MemoryBlob(text.encode("utf-16-le")), {"encoding": "utf-16-le"})
    assert layout.header == ("h0", "h1", "h2")
