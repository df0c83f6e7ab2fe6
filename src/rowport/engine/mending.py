"""A failed-rows file that comes back: which rows it mends, and with which cells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.accounting import numbers_of
from rowport.engine.again import CELL, joined, lines_at, nothing, only
from rowport.engine.formula_guard import MARKERS, is_guarded
from rowport.model.errors import NotMendable
from rowport.model.outcomes import RowErrorCode
from rowport.ports import BrokenRow, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rowport.engine.accounting import Accounts
    from rowport.engine.again import Rows

NUMBER: Final = r"^[1-9][0-9]{0,11}(\.0)?$"
"""A row number, also as a spreadsheet may write it."""
SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The columns of the imported file, and of its failed-rows file before MARKERS."""

    header: tuple[str, ...]
    """Of the imported file, as it stood."""

    @property
    def width(self) -> int:
        """How many cells a row of the imported file has."""
        return len(self.header)

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns that a failed-rows file repeats."""
        return self.header[: -len(MARKERS)] if is_guarded(self.header) else self.header


def mended_rows(
    header: Sequence[str], chunks: Iterable[ParsedChunk], shape: Shape, *, name: str
) -> ParsedChunk:
    """Give the rows of a failed-rows file under the numbers that they have in the import.

    Raises:
        NotMendable: the file is no failed-rows file of this import, or a row of it has no number
            or the number of another.
    """
    _check_header(header, shape, name)
    parts = [_renumbered(chunk, shape, name) for chunk in chunks]
    rows = np.concatenate([numbers_of(part) for part in parts]) if parts else np.zeros(0, np.int64)
    found, count = np.unique(rows, return_counts=True)
    if not rows.size:
        raise NotMendable(f"{name} has no row.")
    if (count > 1).any():
        raise NotMendable(f"{name} has {in_words(found[count > 1])} more than once.")
    return joined(parts, shape.width)


def _check_header(header: Sequence[str], shape: Shape, name: str) -> None:
    if not is_guarded(header):
        raise NotMendable(
            f"{name} is no failed-rows file: its last columns are not {', '.join(MARKERS)}. "
            "`rowport failed-rows` writes one."
        )
    if tuple(header[: -len(MARKERS)]) != shape.shown:
        raise NotMendable(
            f"{name} has other columns than the import: {', '.join(header[: -len(MARKERS)])} "
            f"instead of {', '.join(shape.shown)}."
        )


def _renumbered(chunk: ParsedChunk, shape: Shape, name: str) -> ParsedChunk:
    for torn in chunk.broken:
        raise NotMendable(f"{name}, line {torn.line}, cannot be read: {torn.note}")
    own = len(shape.shown)
    text = pc.utf8_trim_whitespace(pc.fill_null(chunk.cells[str(own)].cast(CELL), ""))
    good = pc.match_substring_regex(text, NUMBER)
    if not pc.all(good, min_count=0).as_py():
        at = pc.index(good, value=False).as_py()
        raise NotMendable(
            f"{name}, line {chunk.line[at].as_py()}: {text[at].as_py()!r} in column {MARKERS[0]} "
            "is no row number."
        )
    row = pc.replace_substring_regex(text, r"\.0$", "").cast(pa.int64())
    return _torn_apart(chunk, _combined(row), shape, name)


def _torn_apart(chunk: ParsedChunk, row: pa.Array, shape: Shape, name: str) -> ParsedChunk:
    """Divide rows of the right width from those that still have cells beyond the last column."""
    own = len(shape.shown)
    columns = [chunk.cells[str(at)].cast(CELL) for at in range(own)]
    columns += [pa.nulls(len(row), CELL)] * (shape.width - own)
    cells = pa.table(columns, names=[str(at) for at in range(shape.width)])
    extra = pc.fill_null(chunk.cells[str(own + MARKERS.index("_extra"))].cast(CELL), "")
    longer = _combined(pc.not_equal(pc.utf8_trim_whitespace(extra), ""))
    broken = []
    for at in np.flatnonzero(longer.to_numpy(zero_copy_only=False)).tolist():
        more = _extra_cells(extra[at].as_py(), name, chunk.line[at].as_py())
        broken.append(
            BrokenRow(
                row=row[at].as_py(),
                line=chunk.line[at].as_py(),
                code=str(RowErrorCode.EXTRA_CELL),
                note=f"{len(more)} cell(s) stand beyond the last column.",
                cells=tuple(c.as_py() or "" for c in (column[at] for column in cells.columns))
                + more,
            )
        )
    order = pc.sort_indices(row.filter(pc.invert(longer)))
    keep = pa.array(np.flatnonzero(~longer.to_numpy(zero_copy_only=False))).take(order)
    return ParsedChunk(
        cells=cells.take(keep),
        row=row.take(keep),
        line=chunk.line.take(keep),
        broken=tuple(sorted(broken, key=lambda b: b.row)),
    )


def _combined(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _extra_cells(text: str, name: str, line: int) -> tuple[str, ...]:
    try:
        cells = json.loads(text)
    except ValueError:
        cells = None
    if not isinstance(cells, list) or not all(isinstance(cell, str) for cell in cells):
        raise NotMendable(
            f"{name}, line {line}: the column _extra holds a JSON list of the cells beyond the "
            "last column, or nothing to leave them out."
        )
    return tuple(cells)


def as_before_where_empty(new: ParsedChunk, old: ParsedChunk) -> ParsedChunk:
    """Give the rows with no cell instead of an empty one where there was none.

    A file cannot tell the two apart in every format; `old` holds the rows as they failed.
    """
    old = only(old, new.row.to_numpy())
    here = np.isin(new.row.to_numpy(), old.row.to_numpy())
    place = np.searchsorted(old.row.to_numpy(), new.row.to_numpy())
    at = pa.array(place, mask=~here)
    columns = {}
    for name in new.cells.column_names:
        was_none = pc.and_(pa.array(here), pc.is_null(old.cells[name].take(at)))
        empty = pc.equal(new.cells[name], "")
        columns[name] = pc.if_else(
            pc.and_(was_none, pc.fill_null(empty, fill_value=False)),
            pa.scalar(None, CELL),
            new.cells[name],
        )
    if not columns:
        return nothing(0)
    return ParsedChunk(cells=pa.table(columns), row=new.row, line=new.line, broken=new.broken)


def at_their_lines(new: ParsedChunk, known: Accounts, first_row: int) -> ParsedChunk:
    """Give rows that failed with the lines that they have in the imported file."""
    line = pa.array(lines_at(known, new.row.to_numpy() - first_row))
    torn = lines_at(known, np.array([b.row - first_row for b in new.broken], np.int64))
    broken = tuple(
        BrokenRow(row=b.row, line=int(at), code=b.code, note=b.note, cells=b.cells)
        for b, at in zip(new.broken, torn, strict=True)
    )
    return ParsedChunk(cells=new.cells, row=new.row, line=line, broken=broken)


def in_words(rows: Rows) -> str:
    """Say row numbers: all of a few, the first of many."""
    shown = ", ".join(str(row) for row in rows[:SHOWN].tolist())
    more = f" and {rows.size - SHOWN:,} more" if rows.size > SHOWN else ""
    return f"row{'s' if rows.size > 1 else ''} {shown}{more}"
