"""What every Format has to keep, over all that are found."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from rowport.formats import discover, recognise
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits, ParsedChunk, SequentialFormat, SplittableFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rowport.ports import Format, FormatLayout

    Rows = list[list[str]]

FORMATS = discover()
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def written_csv(header: list[str], rows: Rows) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def written_gzip(header: list[str], rows: Rows) -> bytes:
    return gzip.compress(written_csv(header, rows))


def written_jsonl(header: list[str], rows: Rows) -> bytes:
    lines = [json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows]
    return "".join(lines).encode()


def written_json(header: list[str], rows: Rows) -> bytes:
    objects = [json.dumps(dict(zip(header, row, strict=True))) for row in rows]
    return ("[\n" + ",\n".join(objects) + "\n]\n").encode()


ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
ODS_NAMES = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "manifest")
)


def written_ods(header: list[str], rows: Rows) -> bytes:
    def cell(text: str) -> str:
        lines = escape(text).replace(" ", "<text:s/>").split("\n")
        paragraphs = "".join(f"<text:p>{line}</text:p>" for line in lines)
        return f'<table:table-cell office:value-type="string">{paragraphs}</table:table-cell>'

    body = "".join(
        f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in [header, *rows]
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", ODS_TYPE)
        archive.writestr(
            "content.xml",
            f"<office:document-content{ODS_NAMES}><office:body><office:spreadsheet>"
            f'<table:table table:name="S">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            f"<manifest:manifest{ODS_NAMES}><manifest:file-entry"
            f' manifest:full-path="/" manifest:media-type="{ODS_TYPE}"/></manifest:manifest>',
        )
    return file.getvalue()


def written_xlsx(header: list[str], rows: Rows) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([header, *rows]):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell)
    return file.getvalue()


def written_parquet(header: list[str], rows: Rows) -> bytes:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    file = io.BytesIO()
    pq.write_table(pa.table(columns, names=header), file, row_group_size=7)
    return file.getvalue()


@dataclass(frozen=True)
class Case:
    """How a test writes files of one format, and the line on which data row 1 then stands."""

    write: Callable[[list[str], Rows], bytes]
    first_line: int
    options: Mapping[str, object]


CASES = {
    "csv": Case(
        written_csv,
        2,
        {"delimiter": ",", "quote": '"', "escape": "", "encoding": "utf-8", "header_row": 1},
    ),
    "compressed": Case(
        written_gzip,
        2,
        {"delimiter": ",", "quote": '"', "escape": "", "encoding": "utf-8", "header_row": 1},
    ),
    "json": Case(written_json, 2, {}),
    "jsonl": Case(written_jsonl, 1, {}),
    "spreadsheet": Case(written_ods, 2, {"header_row": 1}),
    "xlsx": Case(written_xlsx, 2, {"header_row": 1}),
    "parquet": Case(written_parquet, 1, {}),
}


def chunks_of(
    kind: Format, blob: MemoryBlob, layout: FormatLayout, limits: ChunkLimits
) -> Iterator[ParsedChunk]:
    if isinstance(kind, SplittableFormat):
        for span in kind.spans(blob, layout, limits):
            chunk = kind.read_span(blob, layout, span)
            assert chunk.rows == span.rows
            numbers = chunk.row.to_pylist() + [broken.row for broken in chunk.broken]
            assert min(numbers) == span.first_row
            lines = chunk.line.to_pylist() + [broken.line for broken in chunk.broken]
            assert min(lines) == span.first_line
            yield chunk
        return
    assert isinstance(kind, SequentialFormat)
    yield from kind.batches(blob, layout, limits)


def cells_of(chunk: ParsedChunk) -> Rows:
    assert chunk.cells.column_names == [str(n) for n in range(chunk.cells.num_columns)]
    assert all(field.type == pa.string() for field in chunk.cells.schema)
    columns = [column.to_pylist() for column in chunk.cells.columns]
    return [[cell or "" for cell in row] for row in zip(*columns, strict=True)]


WORDS = st.text(st.characters(min_codepoint=0x61, max_codepoint=0x7A), min_size=1, max_size=6)
CELLS = st.one_of(
    st.sampled_from(["", "a", "1", "x,y", 'say "hi"', "two\nlines", "a;b", "é", "王", " padded "]),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], Rows]:
    header = draw(st.lists(WORDS, min_size=1, max_size=4, unique=True))
    row = st.lists(CELLS, min_size=len(header), max_size=len(header))
    rows = draw(st.lists(row, min_size=1, max_size=12))
    return header, [[f"r{number}", *row[1:]] for number, row in enumerate(rows)]


LIMITS = st.builds(
    ChunkLimits,
    chunk_bytes=st.sampled_from([1, 7, 30, 100, 10_000]),
    chunk_rows=st.sampled_from([1, 2, 5, 1000]),
)
PLAIN = (["id", "name"], [["1", "Ada"], ["2", "Grace"], ["3", "Edsger"]])


@pytest.fixture(params=sorted(FORMATS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_format_that_is_found_has_a_case_here() -> None:
    assert set(FORMATS) == set(CASES)


def test_a_format_is_found_by_the_name_of_its_module(name: str) -> None:
    kind = FORMATS[name]
    assert kind.name == name
    assert type(kind).__module__ == f"rowport.formats.{name}"
    assert isinstance(kind, SplittableFormat) != isinstance(kind, SequentialFormat)


@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(max_examples=40, deadline=None)
@given(table=tables(), limits=LIMITS)
def test_what_was_written_is_read_whatever_the_size_of_the_chunks(
    name: str, table: tuple[list[str], Rows], limits: ChunkLimits
) -> None:
    header, rows = table
    blob = MemoryBlob(CASES[name].write(header, rows))
    kind = FORMATS[name]
    layout = kind.detect(blob, CASES[name].options)
    chunks = list(chunks_of(kind, blob, layout, limits))
    assert list(layout.header) == header
    assert [row for chunk in chunks for row in cells_of(chunk)] == rows
    assert [n for chunk in chunks for n in chunk.row.to_pylist()] == list(range(1, len(rows) + 1))
    assert all(chunk.rows <= limits.chunk_rows for chunk in chunks)


def test_lines_are_where_a_person_sees_the_rows(name: str) -> None:
    case = CASES[name]
    blob = MemoryBlob(case.write(*PLAIN))
    layout = FORMATS[name].detect(blob, {})
    chunks = list(chunks_of(FORMATS[name], blob, layout, ChunkLimits(chunk_rows=2)))
    lines = [line for chunk in chunks for line in chunk.line.to_pylist()]
    assert lines == list(range(case.first_line, case.first_line + 3))


def test_the_header_is_found_without_a_hint(name: str) -> None:
    layout = FORMATS[name].detect(MemoryBlob(CASES[name].write(*PLAIN)), {})
    assert layout.format == name
    assert layout.header == ("id", "name")
    assert 0 < layout.confidence <= 1
    json.dumps([dict(layout.options), dict(layout.evidence)])


def test_the_content_tells_the_format_whatever_the_name_says(name: str) -> None:
    blob = MemoryBlob(CASES[name].write(*PLAIN))
    assert recognise(blob, "upload", FORMATS).name == name
    assert recognise(blob, "misnamed.csv", FORMATS).name == name


def test_an_unknown_option_is_refused(name: str) -> None:
    blob = MemoryBlob(CASES[name].write(*PLAIN))
    with pytest.raises(InvalidOptions, match="colour"):
        FORMATS[name].detect(blob, {"colour": "red"})


@pytest.mark.parametrize("data", [b"", b"\n\n  \n", PNG])
def test_what_is_no_table_is_refused_by_every_format(name: str, data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        FORMATS[name].detect(MemoryBlob(data), {})
    assert FORMATS[name].recognise(data, "table") == 0


def test_an_empty_file_is_refused_clearly() -> None:
    with pytest.raises(UnreadableFile, match=r"people\.csv is empty"):
        recognise(MemoryBlob(b""), "people.csv", FORMATS)


def test_an_image_is_refused_by_what_it_is() -> None:
    with pytest.raises(UnreadableFile, match="PNG image"):
        recognise(MemoryBlob(PNG), "people.csv", FORMATS)
