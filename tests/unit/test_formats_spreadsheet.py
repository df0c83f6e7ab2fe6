"""Spreadsheets of other kinds: numbers in full, and clear refusals."""

from __future__ import annotations

import io
import zipfile

import pytest

from rowport.formats.spreadsheet import SpreadsheetFormat
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits

FORMAT = SpreadsheetFormat()
TYPE = "application/vnd.oasis.opendocument.spreadsheet"
NAMES = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "manifest")
)


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def ods(*rows: list[str | float | None]) -> bytes:
    def cell(value: str | float | None) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, float):
            return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'
        kind = "date" if value[:2] == "20" else "string"
        date = f' office:date-value="{value}"' if kind == "date" else ""
        text = f"<text:p>{value}</text:p>"
        return f'<table:table-cell office:value-type="{kind}"{date}>{text}</table:table-cell>'

    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", TYPE)
        archive.writestr(
            "content.xml",
            f"<office:document-content{NAMES}><office:body><office:spreadsheet>"
            f'<table:table table:name="S">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest{NAMES}/>")
    return file.getvalue()


def read(data: bytes, **options: object) -> dict[int, tuple[str | None, ...]]:
    blob = MemoryBlob(data)
    layout = FORMAT.detect(blob, options)
    rows: dict[int, tuple[str | None, ...]] = {}
    for chunk in FORMAT.batches(blob, layout, ChunkLimits(chunk_rows=2)):
        cells = zip(*(column.to_pylist() for column in chunk.cells.columns), strict=True)
        rows.update(zip(chunk.line.to_pylist(), cells, strict=True))
    return rows


def test_numbers_are_in_full_and_days_have_no_time() -> None:
    data = ods(
        ["id", "ratio", "day"],
        ["a", 1.123456789012, "2024-02-03"],
        [None, None, None],
        ["b", 2.0, "2024-02-03T04:05:06"],
        ["c", 1e-12, None],
    )
    assert read(data) == {
        2: ("a", "1.123456789012", "2024-02-03"),
        4: ("b", "2", "2024-02-03T04:05:06"),
        5: ("c", "0.000000000001", None),
    }


def test_a_sheet_is_chosen_by_name_or_number() -> None:
    data = ods(["id"], ["a"])
    assert read(data, sheet="S") == read(data, sheet=1) == {2: ("a",)}
    with pytest.raises(InvalidOptions, match="there are: S"):
        read(data, sheet="T")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "no readable"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "remove its password",
        ),
        (ods(["id"], ["a" * 100_000_000]), "bomb"),
        (ods(), "No sheet"),
    ],
    ids=["damaged", "encrypted", "bomb", "empty"],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read(data)
