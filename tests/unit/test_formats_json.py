"""JSON, as lines and as one document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.json_text.arrays import array_begin, elements
from rowport.formats import discover, recognise
from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits, SplittableFormat

if TYPE_CHECKING:
    from rowport.ports import BrokenRow

FORMATS = discover()


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


Row = tuple[int, int, tuple[str | None, ...]]


def read(
    data: bytes, name: str, chunk_bytes: int = 8_000_000
) -> tuple[tuple[str, ...], list[Row], list[BrokenRow]]:
    blob = MemoryBlob(data)
    kind = recognise(blob, "upload", FORMATS)
    assert kind.name == name
    assert isinstance(kind, SplittableFormat)
    layout = kind.detect(blob, {})
    rows: list[Row] = []
    broken: list[BrokenRow] = []
    for span in kind.spans(blob, layout, ChunkLimits(chunk_bytes=chunk_bytes)):
        chunk = kind.read_span(blob, layout, span)
        cells = zip(*(column.to_pylist() for column in chunk.cells.columns), strict=True)
        rows += zip(chunk.row.to_pylist(), chunk.line.to_pylist(), cells, strict=True)
        broken += chunk.broken
    return layout.header, rows, broken


LINES = (
    b'{"a":1,"b":"x\\ny","c":[1, 2]}\n\n{"b":"\xc3\xa9","d":1.50}\nbad\n[1]\n'
    b'{"a":null,"b":true,"z":1e400}\r\n{"a":"\xff"}\n{"a":"last"}'
)


@pytest.mark.parametrize("chunk_bytes", [1, 40, 10_000])
def test_json_lines_keep_numbers_and_line_numbers(chunk_bytes: int) -> None:
    header, rows, broken = read(LINES, "jsonl", chunk_bytes)
    assert header == ("a", "b", "c", "d", "z")
    assert rows == [
        (1, 1, ("1", "x\ny", "[1, 2]", None, None)),
        (2, 3, (None, "é", None, "1.50", None)),
        (5, 6, (None, "true", None, None, "1e400")),
        (7, 8, ("last", None, None, None, None)),
    ]
    assert [(b.row, b.line, b.code, b.cells) for b in broken] == [
        (3, 4, "source-error", ("bad",)),
        (4, 5, "source-error", ("[1]",)),
        (6, 7, "encoding-error", ('{"a":"\\xff"}',)),
    ]


DOCUMENT = b"""{"made": "2024", "sizes": [1, 2], "rows": [
  {"a": 1, "b": "}],{["},
  {"a": 2.50, "b": "q\\"\\\\"}, {"a": [1, {"x": 2}]},
  {"a" 4},
  {"b": null}
], "next": [{"a": 9}]}"""


@pytest.mark.parametrize("chunk_bytes", [1, 30, 10_000])
def test_an_array_of_objects_is_found_in_a_document(chunk_bytes: int) -> None:
    header, rows, broken = read(DOCUMENT, "json", chunk_bytes)
    assert header == ("a", "b")
    assert rows == [
        (1, 2, ("1", "}],{[")),
        (2, 3, ("2.50", 'q"\\')),
        (3, 3, ('[1, {"x": 2}]', None)),
        (5, 5, (None, None)),
    ]
    assert [(b.row, b.line, b.code, b.cells) for b in broken] == [
        (4, 4, "source-error", ('{"a" 4}',))
    ]


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (b'{"a":1,"a":2}', "a"),
        (b'{"b":"x:y","a":{"q":1},"\\u0061":"z"}', "a"),
        (b'{"a:":1,"a:":' + b"9" * 5000 + b"}", "a:"),
    ],
)
def test_a_key_that_stands_twice_loses_none_of_its_values(row: bytes, key: str) -> None:
    _, rows, broken = read(b'{"a":0}\n' + row + b"\n", "jsonl")
    assert [cells[0] for _, _, cells in rows] == ["0"]
    assert [(b.row, b.note) for b in broken] == [
        (2, f"The row has the key {key!r} more than once.")
    ]
    assert broken[0].cells == (row.decode(),)


@given(
    st.dictionaries(
        st.text(st.sampled_from('a:"\\'), min_size=1, max_size=4),
        st.recursive(
            st.text(st.sampled_from('b:,"{')), lambda inner: st.dictionaries(st.text("c:"), inner)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_keys_that_differ_are_never_taken_for_one(row: dict[str, object]) -> None:
    _, rows, broken = read(json.dumps(row).encode() + b"\n{}\n", "jsonl")
    assert (len(rows), broken) == (2, [])


def test_a_document_on_one_line_is_a_document() -> None:
    assert read(b'{"rows": [{"a": 1}, {"a": 2}]}', "json")[1] == [(1, 1, ("1",)), (2, 1, ("2",))]


def test_a_document_that_is_cut_off_loses_no_row_in_silence() -> None:
    _, rows, broken = read(b'[{"a": 1}, {"a": 2}, {"a": "thr', "json")
    assert [row for row, _, _ in rows] == [1, 2]
    assert [b.row for b in broken] == [3]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("json", b"[]"),
        ("json", b"[1, 2]"),
        ("json", b'{"a": [1]}'),
        ("json", b"id,name\n1,2\n"),
        ("jsonl", b"{}\n{}"),
        ("jsonl", b"[1, 2]"),
        ("jsonl", b"id,name\n1,2\n"),
    ],
)
def test_what_holds_no_object_with_a_key_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        FORMATS[name].detect(MemoryBlob(data), {})


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_json_has_no_options(name: str) -> None:
    with pytest.raises(InvalidOptions, match="delimiter"):
        FORMATS[name].detect(MemoryBlob(b'[{"a": 1}]'), {"delimiter": ","})


VALUES = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('a"\\[]{},:\n'), max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)


@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["k", 'q"', "["]), VALUES, min_size=1)),
    indent=st.sampled_from([None, 1]),
    cut=st.integers(0, 200),
)
def test_elements_are_what_a_parser_sees(
    rows: list[dict[str, object]], indent: int | None, cut: int
) -> None:
    data = json.dumps(rows, indent=indent).encode()
    begin = array_begin(data)
    assert begin is not None
    body = data[begin:]
    found = elements(body, is_final=True)
    texts = [body[a:b] for a, b in zip(found.begins, found.ends, strict=True)]
    assert [json.loads(text) for text in texts] == rows
    assert found.is_closed
    part = elements(body[:cut], is_final=False)
    assert part.ends.tolist() == found.ends.tolist()[: len(part.ends)]
