"""One sheet in four formats, and what a person sees in each of its cells.

`kinds.xls` was written with xlwt 1.3; the others are written here.
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from rowport.formats import discover, recognise
from rowport.ports import ChunkLimits, SequentialFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

XLS = Path(__file__).parent.parent / "data" / "spreadsheets" / "kinds.xls"
FORMATS = discover()
HEADER = ("text", "number", "mixed", "day", "moment", "clock", "span", "flag", "fault")
TRUTH = {
    3: (
        " 007 ",
        "1.10000000000004",
        "1.123456789012",
        "2024-02-03",
        "2024-02-03T04:05:06",
        "09:30:00",
        "36:00:00",
        "true",
        "#DIV/0!",
    ),
    5: (
        "2024-02-03 00:00:00",
        "0.3",
        "n/a",
        "soon",
        "2024-02-03",
        "09:30",
        "30:00:00",
        "false",
        "#N/A",
    ),
    6: ("1.50", "0.000000000001", "12345678.123456789", "1900-01-01", *[None] * 4, "#REF!"),
    7: ("merged", None, "12345678901", *[None] * 6),
}
"""By sheet row.  Row 1 is empty and row 4 has a colour and no text."""


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


FORMS = ("dd/mm/yyyy", "yyyy-mm-dd hh:mm", "hh:mm:ss", "[h]:mm:ss")
Value = str | float | bool | tuple[float, int] | None
STORED: dict[int, dict[int, Value]] = {
    1: dict(enumerate(HEADER)),
    2: {
        0: " 007 ",
        1: 1.10000000000004,
        2: 1.123456789012,
        3: (45325, 1),
        4: (45325.170208333333, 2),
        5: (0.395833333333333, 3),
        6: (1.5, 4),
        7: True,
        8: "=#DIV/0!",
    },
    3: dict.fromkeys(range(9)),
    4: {
        0: "2024-02-03 00:00:00",
        1: 0.1 + 0.2,
        2: "n/a",
        3: "soon",
        4: (45325, 1),
        5: "09:30",
        6: (1.25, 4),
        7: False,
        8: "=#N/A",
    },
    5: {0: "1.50", 1: 1e-12, 2: "12345678.123456789", 3: (1, 1), 8: "=#REF!"},
    6: {0: "merged", 2: 12345678901},
}
"""What XLSX and XLSB store, by 0-based row and column: a number may have one of FORMS (1-based),
an error value begins with =, and None is a cell with a colour alone."""


def written_xlsx() -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.add_worksheet("empty")
        sheet = book.add_worksheet("kinds")
        forms = [book.add_format({"num_format": form}) for form in FORMS]
        colour = book.add_format({"bg_color": "yellow"})
        for row, cells in STORED.items():
            for column, value in cells.items():
                if value is None:
                    sheet.write_blank(row, column, None, colour)
                elif isinstance(value, tuple):
                    sheet.write_number(row, column, value[0], forms[value[1] - 1])
                elif isinstance(value, str) and value.startswith("="):
                    sheet.write_formula(row, column, "=1/0", None, value[1:])
                else:
                    sheet.write(row, column, value)
        sheet.merge_range(6, 0, 6, 1, "merged")
    return file.getvalue()


ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
NAMES = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "manifest", "calcext")
)


def ods_of(body: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", ODS_TYPE, zipfile.ZIP_STORED)
        archive.writestr(
            "content.xml",
            f"<office:document-content{NAMES}><office:body><office:spreadsheet>"
            f'<table:table table:name="empty"/><table:table table:name="kinds">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest{NAMES}/>")
    return file.getvalue()


def written_ods() -> bytes:
    def cell(kind: str, value: str = "", text: str = "") -> str:
        name = {"float": "value", "error": "string-value"}.get(kind, f"{kind}-value")
        said = "" if kind == "string" else f' office:{name}="{value}"'
        known = "string" if kind == "error" else kind
        return (
            f'<table:table-cell office:value-type="{known}"{said} calcext:value-type="{kind}">'
            f"<text:p>{text or value}</text:p></table:table-cell>"
        )

    none = "<table:table-cell/>"
    styled = '<table:table-cell table:style-name="c1" table:number-columns-repeated="9"/>'
    rows = [
        none,
        "".join(cell("string", text=name) for name in HEADER),
        cell("string", text="<text:s/>007<text:s/>")
        + cell("float", "1.10000000000004", "1.10")
        + cell("float", "1.123456789012", "1.12")
        + cell("date", "2024-02-03", "03/02/2024")
        + cell("date", "2024-02-03T04:05:06", "3 February, 4 o'clock")
        + cell("time", "PT09H30M00S", "9:30")
        + cell("time", "PT36H00M00S", "36:00:00")
        + cell("boolean", "true", "TRUE")
        + cell("error", "", "#DIV/0!"),
        styled,
        cell("string", text="2024-02-03 00:00:00")
        + cell("float", "0.3", "0.3")
        + cell("string", text="n/a")
        + cell("string", text="soon")
        + cell("date", "2024-02-03T00:00:00", "3 February")
        + cell("string", text="09:30")
        + cell("time", "PT30H00M00S", "30:00:00")
        + cell("boolean", "false", "FALSE")
        + cell("error", "", "#N/A"),
        cell("string", text="1.50")
        + cell("float", "1E-12", "0.00")
        + cell("string", text="12345678.123456789")
        + cell("date", "1900-01-01", "01/01/1900")
        + none * 4
        + cell("error", "", "#REF!"),
        '<table:table-cell office:value-type="string" table:number-columns-spanned="2">'
        "<text:p>merged</text:p></table:table-cell><table:covered-table-cell/>"
        + cell("float", "12345678901", "1.2E10"),
    ]
    return ods_of("".join(f"<table:table-row>{row}</table:table-row>" for row in rows))


def record(number: int, data: bytes = b"") -> bytes:
    """Give a record of an XLSB part: its number and size are written seven bits a byte."""

    def seven_bits(value: int) -> Iterator[int]:
        while value > 0x7F:
            yield value & 0x7F | 0x80
            value >>= 7
        yield value

    return bytes([*seven_bits(number), *seven_bits(len(data))]) + data


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb_cell(column: int, value: Value) -> bytes:
    kind, data, style = 1, b"", 0
    if isinstance(value, str):
        kind, data = (3, ERRORS[value]) if value.startswith("=") else (6, wide(value))
    elif isinstance(value, bool):
        kind, data = 4, bytes([value])
    elif value is not None:
        number, style = value if isinstance(value, tuple) else (value, 0)
        kind, data = 5, struct.pack("<d", number)
    return record(kind, struct.pack("<II", column, style) + data)


ERRORS = {"=#DIV/0!": b"\x07", "=#N/A": b"\x2a", "=#REF!": b"\x17"}


def written_xlsb() -> bytes:
    sheet = record(129) + record(148, struct.pack("<4I", 1, 6, 0, 8)) + record(145)
    for row, cells in STORED.items():
        sheet += record(0, struct.pack("<I", row) + bytes(21))
        sheet += b"".join(xlsb_cell(column, value) for column, value in cells.items())
    styles = record(278) + record(615, struct.pack("<I", len(FORMS)))
    for number, form in enumerate(FORMS, 164):
        styles += record(44, struct.pack("<H", number) + wide(form))
    styles += record(616) + record(617, struct.pack("<I", len(FORMS) + 1))
    for number in (0, *range(164, 164 + len(FORMS))):
        styles += record(47, struct.pack("<HH", 0, number) + bytes(12))
    book = record(131) + record(153, bytes(12)) + record(143)
    book += record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("kinds"))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            '<Relationships><Relationship Id="rId1" Type="x/worksheet"'
            ' Target="worksheets/sheet1.bin"/></Relationships>',
        )
        archive.writestr("xl/styles.bin", styles + record(618) + record(279))
        archive.writestr("xl/worksheets/sheet1.bin", sheet + record(146) + record(130))
        archive.writestr("xl/workbook.bin", book + record(144) + record(132))
    return file.getvalue()


WRITERS: dict[str, Callable[[], bytes]] = {
    "xls": XLS.read_bytes,
    "xlsb": written_xlsb,
    "ods": written_ods,
    "xlsx": written_xlsx,
}


def read(data: bytes, name: str) -> tuple[tuple[str, ...], dict[int, tuple[str | None, ...]]]:
    blob = MemoryBlob(data)
    form = recognise(blob, name, FORMATS)
    assert isinstance(form, SequentialFormat)
    layout = form.detect(blob, {})
    rows: dict[int, tuple[str | None, ...]] = {}
    for chunk in form.batches(blob, layout, ChunkLimits()):
        assert not chunk.broken
        cells = zip(*(column.to_pylist() for column in chunk.cells.columns), strict=True)
        rows.update(zip(chunk.line.to_pylist(), cells, strict=True))
    return layout.header, rows


@pytest.mark.parametrize("kind", WRITERS)
def test_every_cell_is_what_a_person_sees(kind: str) -> None:
    header, rows = read(WRITERS[kind](), f"kinds.{kind}")
    assert header == HEADER
    assert rows == TRUTH


@pytest.mark.parametrize("kind", WRITERS)
def test_the_content_tells_them_apart(kind: str) -> None:
    assert read(WRITERS[kind](), "upload") == (HEADER, TRUTH)


def test_lines_and_tabs_in_a_cell_are_kept() -> None:
    texts = ["a<text:line-break/>b", "c<text:tab/>d</text:p><text:p>e", "<text:span>f</text:span>g"]
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
        for text in texts
    )
    head = cells.replace("<text:line-break/>", "").replace("<text:tab/>", "")
    data = ods_of(
        f"<table:table-row>{head}</table:table-row><table:table-row>{cells}</table:table-row>"
    )
    assert read(data, "x.ods")[1] == {2: ("a\nb", "c\td\ne", "fg")}


def test_a_cell_beyond_the_header_fails_its_row_alone() -> None:
    cell = '<table:table-cell office:value-type="float" office:value="{}"/>'
    named = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = [named.format("a") + named.format("b"), *[cell.format(1) + cell.format(2)] * 20]
    rows.append(cell.format(1) + cell.format(2) + cell.format(3))
    blob = MemoryBlob(ods_of("".join(f"<table:table-row>{r}</table:table-row>" for r in rows)))
    form = FORMATS["spreadsheet"]
    assert isinstance(form, SequentialFormat)
    layout = form.detect(blob, {})
    (chunk,) = form.batches(blob, layout, ChunkLimits())
    assert layout.header == ("a", "b")
    assert [(b.row, b.line, b.code, b.cells) for b in chunk.broken] == [
        (21, 22, "extra-cell", ("1", "2", "3"))
    ]
    assert chunk.cells.num_rows == 20
