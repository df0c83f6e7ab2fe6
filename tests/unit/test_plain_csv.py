"""Records are written as RFC 4180 text that reads back as the same cells."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.plain_csv import csv_line, csv_text, records
from rowport.model.outcomes import RowErrorCode
from rowport.ports import BrokenRow, ParsedChunk

texts = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(
    ['"', ",", "\r", "\n", "\r\n", " ", "=1", "'", ""]
)
cells = st.none() | texts


def chunk(rows: list[tuple[str | None, ...]], columns: int) -> ParsedChunk:
    """Make a chunk of which the rows of other lengths are broken."""
    whole = [number for number, row in enumerate(rows, start=1) if len(row) == columns]
    arrays = [
        pa.array([rows[number - 1][place] for number in whole], pa.string())
        for place in range(columns)
    ]
    return ParsedChunk(
        cells=pa.table(arrays, names=[str(place) for place in range(columns)]),
        row=pa.array(whole, pa.int64()),
        line=pa.array([number + 1 for number in whole], pa.int64()),
        broken=tuple(
            BrokenRow(
                row=number,
                line=number + 1,
                code=RowErrorCode.MISSING_CELL,
                note="",
                cells=tuple(cell or "" for cell in row),
            )
            for number, row in enumerate(rows, start=1)
            if len(row) != columns
        ),
    )


tables = st.integers(1, 4).flatmap(
    lambda columns: st.tuples(
        st.just(columns),
        st.lists(
            st.tuples(*[cells] * columns) | st.lists(texts, min_size=1, max_size=6).map(tuple),
            max_size=8,
        ),
    )
)


@given(table=tables)
def test_every_record_reads_back_in_its_place(
    table: tuple[int, list[tuple[str | None, ...]]],
) -> None:
    columns, rows = table
    text = b"".join(csv_text(chunk(rows, columns))).decode()
    wanted = [[cell or "" for cell in row] for row in rows]
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == wanted


@given(table=tables, limit=st.integers(0, 9))
def test_the_first_records_stand_in_their_order(
    table: tuple[int, list[tuple[str | None, ...]]], limit: int
) -> None:
    columns, rows = table
    found = records(chunk(rows, columns), limit=limit)
    wanted = [row if len(row) == columns else tuple(cell or "" for cell in row) for row in rows]
    assert found == wanted[:limit]


def test_lines_end_with_carriage_return_and_line_feed_and_quotes_are_rare() -> None:
    rows: list[tuple[str | None, ...]] = [("a", None), ("", 'say "b"'), ("c", "1,5"), ("x",)]
    text = b"".join(csv_text(chunk(rows, 2)))
    assert text == b'a,\r\n,"say ""b"""\r\nc,"1,5"\r\nx\r\n'


def test_an_empty_cell_alone_is_no_blank_line() -> None:
    assert b"".join(csv_text(chunk([(None,), ("",)], 1))) == b'""\r\n""\r\n'
    assert csv_line([""]) == b'""\r\n'
