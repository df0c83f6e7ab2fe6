"""Records as RFC 4180 text: UTF-8, commas, CRLF, quotes where they are needed and nowhere else."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rowport.ports import ParsedChunk

Record = tuple[str | None, ...]


def csv_line(cells: Sequence[str | None]) -> bytes:
    """Write one record; a cell that does not exist is written as an empty one."""
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode("utf-8", "backslashreplace")


def csv_text(chunk: ParsedChunk) -> Iterator[bytes]:
    """Write the records of a chunk in their order.

    Broken ones stand in their place with the cells that could be told apart, however many.
    """
    frame = _frame(chunk)
    done = 0
    for broken, place in zip(chunk.broken, _places(chunk), strict=True):
        if place > done:
            yield _written(frame[done:place])
            done = place
        yield csv_line(broken.cells)
    if done < frame.height:
        yield _written(frame[done:])


def records(chunk: ParsedChunk, *, limit: int) -> list[Record]:
    """Give the cells of the first `limit` records of a chunk, broken ones in their place."""
    found: list[Record] = list(_frame(chunk).head(limit).iter_rows())
    for broken, place in reversed(list(zip(chunk.broken, _places(chunk), strict=True))):
        found.insert(place, broken.cells)
    return found[:limit]


def _frame(chunk: ParsedChunk) -> pl.DataFrame:
    frame = pl.from_arrow(chunk.cells)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("an Arrow table becomes a data frame")
    return frame


def _places(chunk: ParsedChunk) -> list[int]:
    """Give for each broken record how many readable ones stand before it."""
    rows = chunk.row.to_numpy()
    return [int(place) for place in rows.searchsorted([broken.row for broken in chunk.broken])]


def _written(frame: pl.DataFrame) -> bytes:
    """Write readable records.

    Polars quotes empty texts, but not nulls.  In a table of one column an empty cell has to be
    quoted: without quotes it would be a blank line, which is no record.
    """
    if frame.width == 1:
        told = frame.select(pl.all().fill_null(""))
    else:
        told = frame.select(pl.when(pl.all() != "").then(pl.all()))
    return told.write_csv(include_header=False, line_terminator="\r\n").encode()
