"""What stands in the cells of a workbook, and workbooks that mean harm."""

from __future__ import annotations

import datetime as dt
import io
import struct
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.workbook.sheet import sheet_grids
from rowport.engine.workbook.strings import SharedStrings
from rowport.engine.workbook.styles import Kind, date_text, kind_of_format, number_text
from rowport.engine.workbook.texts import Meaning
from rowport.formats.xlsx import XlsxFormat
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.ports import FormatLayout, ParsedChunk

FORMAT = XlsxFormat()


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def read(
    data: bytes, limits: ChunkLimits | None = None, **options: object
) -> tuple[FormatLayout, list[ParsedChunk]]:
    blob = MemoryBlob(data)
    layout = FORMAT.detect(blob, options)
    return layout, list(FORMAT.batches(blob, layout, limits or ChunkLimits()))


def rows_of(chunks: list[ParsedChunk]) -> dict[int, tuple[str | None, ...]]:
    """Cells by sheet row."""
    rows: dict[int, tuple[str | None, ...]] = {}
    for chunk in chunks:
        cells = zip(*(column.to_pylist() for column in chunk.cells.columns), strict=True)
        rows.update(zip(chunk.line.to_pylist(), cells, strict=True))
    return rows


def written(fill: Callable[..., None]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        fill(book)
    return file.getvalue()


BOOK = (
    '<workbook xmlns:r="r"><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
RELATIONS = (
    '<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="rId2" Type="x/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    "</Relationships>"
)


def raw(sheet: str, strings: str = "<sst/>") -> bytes:
    """A workbook made by hand."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr("xl/sharedStrings.xml", strings)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return file.getvalue()


def sheet_of(rows: str, prefix: str = "") -> str:
    return f"<{prefix}worksheet><{prefix}sheetData>{rows}</{prefix}sheetData></{prefix}worksheet>"


HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
)


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("-0", "0"),
        ("0.30000000000000004", "0.3"),
        ("1.1000000000000001", "1.1"),
        ("-33.86882012345678", "-33.86882012345678"),
        ("1.123456789012", "1.123456789012"),
        ("1234567890123456", "1234567890123456"),
        ("1.2345678901234567E+19", "12345678901234567000"),
        ("1E-7", "0.0000001"),
        ("1.5e-12", "0.0000000000015"),
        ("1e400", "1e400"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_number_is_written_as_it_was_typed(stored: str, text: str) -> None:
    assert number_text(stored) == text


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("General", Kind.NUMBER),
        ("0.00", Kind.NUMBER),
        ('#,##0.00 "days"', Kind.NUMBER),
        ("[Red]0.00", Kind.NUMBER),
        ("dd/mm/yyyy", Kind.DATE),
        ("[$-409]d-mmm-yy;@", Kind.DATE),
        ("mmm yyyy", Kind.DATE),
        ("hh:mm:ss", Kind.TIME),
        ("h:mm AM/PM", Kind.TIME),
        ("yyyy-mm-dd hh:mm", Kind.MOMENT),
        ("[h]:mm:ss", Kind.DURATION),
    ],
)
def test_the_number_format_tells_what_a_number_is(code: str, kind: Kind) -> None:
    assert kind_of_format(code) is kind


@pytest.mark.parametrize(
    ("serial", "kind", "text"),
    [
        ("45325", Kind.DATE, "2024-02-03"),
        ("45325.5", Kind.DATE, "2024-02-03T12:00:00"),
        ("45325.170208333333", Kind.MOMENT, "2024-02-03T04:05:06"),
        ("0.395833333333333", Kind.TIME, "09:30:00"),
        ("1", Kind.DATE, "1900-01-01"),
        ("59", Kind.DATE, "1900-02-28"),
        ("60", Kind.DATE, "60"),
        ("61", Kind.DATE, "1900-03-01"),
        ("-1", Kind.DATE, "-1"),
        ("2958466", Kind.DATE, "2958466"),
        ("1.5", Kind.DURATION, "36:00:00"),
    ],
)
def test_a_serial_day_is_written_as_iso_8601(serial: str, kind: Kind, text: str) -> None:
    assert date_text(serial, kind, is_1904=False) == text


@pytest.mark.parametrize(
    ("serial", "text"),
    [("0", "1904-01-01"), ("2957003", "9999-12-31"), ("2957004", "2957004"), ("1e9", "1000000000")],
)
def test_the_calendar_of_1904_ends_where_days_end(serial: str, text: str) -> None:
    assert date_text(serial, Kind.DATE, is_1904=True) == text


def test_cells_keep_what_was_typed() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("empty")
        sheet = book.add_worksheet("data")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, ["id", "ratio", "day", "flag", "error", "text"])
        sheet.write_number(1, 0, 12345678901)
        sheet.write_number(1, 1, 1.123456789012)
        sheet.write_datetime(1, 2, dt.datetime(2024, 2, 3), day)  # noqa: DTZ001  no zone in sheets
        sheet.write_boolean(1, 3, True)  # noqa: FBT003  that API is positional
        sheet.write_formula(1, 4, "=1/0", None, "#DIV/0!")
        sheet.write_string(1, 5, " 007 <&> \n")
        sheet.write_string(3, 0, "after a blank row")
        sheet.write_blank(4, 0, None, day)

    layout, chunks = read(written(fill))
    assert layout.options["sheet"] == "data"
    assert layout.header == ("id", "ratio", "day", "flag", "error", "text")
    assert rows_of(chunks) == {
        2: ("12345678901", "1.123456789012", "2024-02-03", "true", "#DIV/0!", " 007 <&> \n"),
        4: ("after a blank row", None, None, None, None, None),
    }


def test_a_sheet_is_chosen_by_name_or_number() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        for name in ("first", "second"):
            sheet = book.add_worksheet(name)
            sheet.write_column(0, 0, ["id", name])

    data = written(fill)
    for wanted in ("second", 2):
        assert rows_of(read(data, sheet=wanted)[1]) == {2: ("second",)}
    for wrong in ("third", 3, 0, True):
        with pytest.raises(InvalidOptions, match="first, second"):
            read(data, sheet=wrong)


def test_a_title_above_the_header_is_no_row() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "Outlets of the north")
        sheet.write_row(2, 0, ["id", "name", "sum"])
        sheet.write_row(3, 0, ["1", "Ada", 12])
        sheet.write_row(4, 0, ["2", "Grace", 13])

    layout, chunks = read(written(fill))
    assert layout.header == ("id", "name", "sum")
    assert layout.evidence["preamble"] == ["Outlets of the north"]
    assert rows_of(chunks) == {4: ("1", "Ada", "12"), 5: ("2", "Grace", "13")}


def test_chunks_are_no_larger_than_asked_for() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["id", *range(1, 2001)])

    _, chunks = read(written(fill), ChunkLimits(chunk_rows=300))
    assert [chunk.rows for chunk in chunks] == [300] * 6 + [200]
    assert [n for chunk in chunks for n in chunk.row.to_pylist()] == list(range(1, 2001))


def test_a_stray_cell_far_to_the_right_fails_its_row_alone() -> None:
    rows = (
        HEADER
        + '<row r="2"><c r="A2"><v>1</v></c><c r="XFD2"><v>9</v></c></row>'
        + '<row r="3"><c r="A3"><v>2</v></c></row>'
    )
    _, chunks = read(raw(sheet_of(rows)))
    (chunk,) = chunks
    assert rows_of(chunks) == {3: ("2", None)}
    assert [(b.row, b.line, b.code) for b in chunk.broken] == [(1, 2, "extra-cell")]


def test_a_cell_in_the_far_corner_costs_no_memory() -> None:
    rows = HEADER + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'
    data = raw(sheet_of(rows))
    tracemalloc.start()
    _, chunks = read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows_of(chunks) == {1048576: ("1", None)}
    assert peak < 30_000_000


STRINGS = (
    "<sst><si><t>a</t></si><si><t>b</t></si>"
    '<si><r><t>ri</t></r><r><rPr/><t xml:space="preserve">ch </t></r><rPh><t>no</t></rPh></si>'
    "<si/><si><t>x&#233;_x000D_&amp;amp;</t></si></sst>"
)


@pytest.mark.parametrize(
    ("rows", "prefix"),
    [
        (
            (
                '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
                '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="s"><v>4</v></c></row>'
            ),
            "",
        ),
        (
            (
                '<x:row r="1"><x:c t="s" r="A1"><x:v>0</x:v></x:c>'
                '<x:c r="B1" t="s"><x:v>1</x:v></x:c></x:row>'
                '<x:row r="2"><x:c r="A2" t="s"><x:v>2</x:v></x:c>'
                '<x:c r="B2" t="s"><x:v>4</x:v></x:c></x:row>'
            ),
            "x:",
        ),
        (
            (
                '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
                '<row><c t="s"><v><![CDATA[2]]></v></c>'
                '<!-- x --><c t="s"><f>A1</f><v>4</v></c></row>'
            ),
            "",
        ),
    ],
    ids=["as written by all", "with prefixes", "without references"],
)
def test_every_way_to_write_cells_is_read(rows: str, prefix: str) -> None:
    sheet = sheet_of(rows, prefix).replace("<x:worksheet>", '<x:worksheet xmlns:x="m">')
    layout, chunks = read(raw(sheet, STRINGS))
    assert layout.header == ("a", "b")
    assert rows_of(chunks) == {2: ("rich ", "xé\r&amp;")}


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    rows = HEADER + '<row r="2"><c r="A2"><v>1</v></c></row>' * 3_000_000
    with pytest.raises(UnreadableFile, match="bomb"):
        read(raw(sheet_of(rows)))


def test_a_part_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(raw(sheet_of(HEADER + '<row r="2"><c r="A2"><v>1</v></c></row>' * 50_000)))
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.rfind(mark)
        struct.pack_into("<I", data, place + offset, 3000)
    with pytest.raises(UnreadableFile, match=r"damaged|cut off"):
        read(bytes(data))


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>'
    shared = HEADER + '<row r="2"><c r="A2" t="s"><v>0</v></c></row>'
    for data in (raw(bomb + sheet_of(HEADER)), raw(sheet_of(shared), bomb + STRINGS)):
        with pytest.raises(UnreadableFile):
            read(data)


@pytest.mark.parametrize(
    "rows",
    [
        HEADER + '<row r="2"><c r="A2" t="s"><v>7</v></c></row>',
        HEADER + '<row r="1048577"><c r="A1048577"><v>1</v></c></row>',
        HEADER + '<row r="2"><c r="ZZZ2"><v>1</v></c></row>',
        '<row r="5"><c r="A5"><v>1</v></c></row>' + HEADER,
    ],
    ids=["no such string", "too many rows", "too many columns", "rows out of order"],
)
def test_a_damaged_sheet_is_refused(rows: str) -> None:
    with pytest.raises(UnreadableFile):
        read(raw(sheet_of(rows)))


@pytest.mark.parametrize("data", [b"PK\x03\x04" + bytes(100), raw("<worksheet>")])
def test_a_damaged_archive_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"damaged|cut off"):
        read(data)


def test_a_workbook_without_data_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="No sheet"):
        read(written(lambda book: book.add_worksheet()))


VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: ("", repr(value))),
    st.integers(-(10**17), 10**17).map(lambda value: ("n", str(value))),
    st.sampled_from(
        ["0.30000000000000004", "1E-7", "45325.5", "60", "1e400", "8.3333333333333339", "-0"]
    ).map(lambda value: ("", value)),
    st.integers(0, 4).map(lambda value: ("s", str(value))),
    st.sampled_from(
        ["007", "5000.00", "1000000", "123456789012000.5", "nan", "12 a", "0.00001234567890123"]
    ).map(lambda value: ("", value)),
    st.one_of(
        st.integers(-1, 2_958_467),
        st.floats(-1, 2_958_467),
        st.floats(0, 70).map(lambda days: round(days * 86_400) / 86_400),
        st.integers(0, 10**9).map(lambda seconds: seconds / 86_400),
    ).map(lambda days: ("", repr(days))),
    st.booleans().map(lambda value: ("b", str(int(value)))),
    st.sampled_from([("e", "#N/A"), ("str", "a &lt; b"), ("str", "_x0041_"), ("d", "2024-02-03")]),
    st.sampled_from(
        [
            "<t>a</t>",
            '<t xml:space="preserve"> &lt;/t&gt;_x0041_ </t>',
            "<t></t>",
            "<t/>",
            "<r><t>rich</t></r><r><t> text</t></r>",
        ]
    ).map(lambda texts: ("inlineStr", texts)),
)
KINDS = (Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.MOMENT, Kind.DURATION)


@given(
    rows=st.lists(st.lists(st.tuples(VALUES, st.integers(0, 6)), max_size=4), max_size=6),
    is_1904=st.booleans(),
)
def test_scanning_and_parsing_a_sheet_give_the_same_cells(
    rows: list[list[tuple[tuple[str, str], int]]], *, is_1904: bool
) -> None:
    text = ""
    for number, row in enumerate(rows, 1):
        cells = "".join(
            f'<c r="{"ABCD"[place]}{number}"'
            + (f' s="{style}"' if style else "")
            + (f' t="{kind}"' if kind else "")
            + (f"><is>{value}</is></c>" if kind == "inlineStr" else f"><v>{value}</v></c>")
            for place, ((kind, value), style) in enumerate(row)
        )
        text += f'<row r="{number}">{cells}</row>'
    strings = "<sst><si/><si><t>a</t></si><si><t>é</t></si><si><t>x\ny</t></si><si><t>&lt;</t></si>"

    def read_cells(rows: str) -> list[tuple[int, list[str]]]:
        shared = SharedStrings([strings.encode()])
        meaning = Meaning(strings=shared, kinds=KINDS, is_1904=is_1904)
        found = sheet_grids([sheet_of(rows).encode()], meaning)
        cells = [
            (line, [column[place].as_py() or "" for column in grid.columns])
            for grid in found
            for place, line in enumerate(grid.lines.tolist())
        ]
        return [(line, texts) for line, texts in cells if any(texts)]

    assert read_cells(text) == read_cells(text.replace("<row", "<!-- --><row"))
