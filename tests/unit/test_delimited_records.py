"""Cutting at record ends: one answer, however the bytes arrive."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rowport.engine.delimited.cutter import OVERSIZE, Cutter
from rowport.engine.delimited.encodings import Encoding
from rowport.engine.delimited.grammar import Grammar
from rowport.engine.delimited.parsing import oversize_record, parse_records
from rowport.engine.delimited.records import index_records
from rowport.engine.delimited.shape import RecordShape
from rowport.engine.delimited.tokenizer import scan
from rowport.ports import ChunkLimits

if TYPE_CHECKING:
    from rowport.ports import ChunkSpan

COMMA = Grammar(delimiter=b",")
BACKSLASH = Grammar(delimiter=b",", escape=b"\\")
WORDY = Grammar(delimiter=b"::")
PADDED = Grammar(delimiter=b",", skips_space=True)
SHORT = Grammar(delimiter=b",", max_record_bytes=12)
NASTY = st.lists(
    st.sampled_from(
        ['"', '"', ",", "\n", "\r\n", "\r", "a", " ", ", ", '""', "é", "::", "\\", "b\n"]
    ),
    max_size=40,
).map("".join)


def all_spans(
    data: bytes,
    grammar: Grammar = COMMA,
    *,
    encoding: str = "utf-8",
    limits: ChunkLimits | None = None,
    block: int = 1_000_000,
) -> list[ChunkSpan]:
    cutter = Cutter(
        grammar=grammar,
        encoding=Encoding(name=encoding),
        limits=limits or ChunkLimits(),
        begin=0,
        first_line=1,
    )
    starts = range(0, max(1, len(data)), block)
    blocks = [data[start : start + block] for start in starts]
    spans: list[ChunkSpan] = []
    for number, part in enumerate(blocks):
        spans += cutter.feed(part, is_final=number == len(blocks) - 1)
    return spans


def all_rows(
    data: bytes,
    spans: list[ChunkSpan],
    grammar: Grammar = COMMA,
    *,
    encoding: str = "utf-8",
    columns: int = 2,
) -> list[tuple[int, int, tuple[str, ...]]]:
    shape = RecordShape(grammar=grammar, encoding=Encoding(name=encoding), columns=columns)
    rows: list[tuple[int, int, tuple[str, ...]]] = []
    for span in spans:
        part = data[span.begin : span.end]
        read = oversize_record if span.hints.get(OVERSIZE) else parse_records
        chunk = read(part, shape, span)
        assert chunk.rows == span.rows
        cells = zip(*(column.to_pylist() for column in chunk.cells.columns), strict=True)
        rows += zip(chunk.row.to_pylist(), chunk.line.to_pylist(), cells, strict=True)
        rows += [(broken.row, broken.line, broken.cells) for broken in chunk.broken]
    return sorted(rows)


def one_by_one(data: bytes, grammar: Grammar) -> list[tuple[int, int, tuple[str, ...]]]:
    """The oracle: the tokenizer alone, from the first byte to the last."""
    rows: list[tuple[int, int, tuple[str, ...]]] = []
    position = 0
    line = 1
    while position < len(data):
        record = scan(data, position, grammar, is_final=True)
        assert record is not None
        assert record.end > position
        text = data[position : record.end]
        if any(record.cells):
            cells = tuple(cell.decode() for cell in record.cells)
            rows.append((len(rows) + 1, line, cells))
        line += text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")
        position = record.end
    return rows


@settings(max_examples=400, deadline=None)
@given(text=NASTY, grammar=st.sampled_from([COMMA, BACKSLASH, WORDY, PADDED]))
@example(text='a,"open\nb,c\n', grammar=COMMA)
@example(text='"a""b",c\n"",""\n', grammar=COMMA)
@example(text='""""\n', grammar=COMMA)
@example(text=",\\", grammar=BACKSLASH)
@example(text='a,"\\"\n', grammar=BACKSLASH)
def test_counting_quotes_and_scanning_give_the_same_rows(text: str, grammar: Grammar) -> None:
    data = text.encode()
    assert all_rows(data, all_spans(data, grammar), grammar) == one_by_one(data, grammar)


@settings(max_examples=200, deadline=None)
@given(
    text=NASTY,
    grammar=st.sampled_from([COMMA, BACKSLASH, WORDY, PADDED, SHORT]),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-32-be", "cp1252", "gb18030"]),
    chunk_bytes=st.sampled_from([1, 5, 20, 1000]),
    chunk_rows=st.sampled_from([1, 3, 1000]),
    block=st.sampled_from([1, 3, 8, 1000]),
)
@example(
    text='"aaaaaaaa\naaaaaaaaaaaaaaaaaaaaaaaa\nb,c',
    grammar=SHORT,
    encoding="utf-8",
    chunk_bytes=5,
    chunk_rows=3,
    block=3,
)
def test_the_rows_do_not_depend_on_chunks_or_blocks(
    text: str, grammar: Grammar, encoding: str, chunk_bytes: int, chunk_rows: int, block: int
) -> None:
    data = text.encode(encoding)
    whole = all_rows(data, all_spans(data, grammar, encoding=encoding), grammar, encoding=encoding)
    limits = ChunkLimits(chunk_bytes=chunk_bytes, chunk_rows=chunk_rows)
    spans = all_spans(data, grammar, encoding=encoding, limits=limits, block=block)
    assert all_rows(data, spans, grammar, encoding=encoding) == whole
    assert [row for row, _, _ in whole] == list(range(1, len(whole) + 1))
    assert all(0 < span.rows <= chunk_rows for span in spans)
    assert all(one.end <= two.begin for one, two in itertools.pairwise(spans))
    oversized = [s for s in spans if s.end - s.begin > chunk_bytes]
    assert all(span.rows == 1 for span in oversized)


@given(text=NASTY, cut=st.integers(0, 60))
def test_what_follows_a_buffer_never_changes_the_records_in_it(text: str, cut: int) -> None:
    data = text.encode()
    whole = index_records(data, COMMA, is_final=True).ends.tolist()
    part = index_records(data[:cut], COMMA, is_final=False).ends.tolist()
    assert part == whole[: len(part)]


def test_a_record_that_is_too_long_is_one_failed_row_and_the_rest_goes_on() -> None:
    data = b"a,b\n" + b"x" * 100 + b"\nc,d\n"
    limits = ChunkLimits(chunk_bytes=8)
    spans = all_spans(data, SHORT, limits=limits, block=7)
    rows = all_rows(data, spans, SHORT)
    assert [(row, line) for row, line, _ in rows] == [(1, 1), (2, 2), (3, 3)]
    assert [cells for _, _, cells in rows][::2] == [("a", "b"), ("c", "d")]


def test_an_endless_quote_is_a_character_and_costs_no_other_row() -> None:
    data = b'a,b\nc,"d\n' + b"e,f\n" * 20
    rows = all_rows(data, all_spans(data, SHORT, block=5), SHORT)
    assert len(rows) == 22
    assert rows[1][2] == ("c", '"d')


def test_blank_lines_are_lines_but_no_rows() -> None:
    data = b'a,b\n\n,\r\n"",""\n \n\nc,d\n\n'
    rows = all_rows(data, all_spans(data))
    assert rows == [(1, 1, ("a", "b")), (2, 5, (" ",)), (3, 7, ("c", "d"))]


def test_a_file_of_blank_lines_has_no_span() -> None:
    assert all_spans(b"\n\n,,\n\n") == []
    assert all_spans(b"") == []
