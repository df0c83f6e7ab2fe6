"""Rows of a sheet as columns, a bounded number of rows at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.width import rows_within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Rows of a sheet, column by column."""

    lines: NDArray[np.int64]
    """Sheet row of each, ascending."""
    columns: Sequence[pa.Array]
    """Texts (large_string) from column A on; null or empty where the cell is."""

    def between(self, begin: int, end: int) -> Grid:
        """Give the rows from place `begin` to `end`."""
        columns = [column.slice(begin, end - begin) for column in self.columns]
        return Grid(lines=self.lines[begin:end], columns=columns)

    def where(self, mask: NDArray[np.bool_]) -> Grid:
        """Give the rows where the mask holds."""
        if mask.all():
            return self
        chosen = pa.array(mask)
        return Grid(lines=self.lines[mask], columns=[c.filter(chosen) for c in self.columns])


def filled(column: pa.Array) -> NDArray[np.bool_]:
    """Say which cells hold anything."""
    holds = pc.fill_null(pc.greater(pc.binary_length(column), 0), fill_value=False)
    flags: NDArray[np.bool_] = holds.to_numpy(zero_copy_only=False)
    return flags


def grids(parts: Iterable[Grid], *, rows: int, first_line: int) -> Iterator[Grid]:
    """Give the rows from `first_line` on in runs of up to `rows`; blank rows are left out.

    A run of a very wide sheet is shorter, for its empty cells take room too.
    """
    pending: list[Grid] = []
    count = width = 0
    for part in parts:
        found = _filled_rows(part, first_line)
        width = max(width, len(found.columns))
        pending.append(found)
        count += len(found.lines)
        most = rows_within(rows, width)
        while count > most:
            whole = _joined(pending)
            yield whole.between(0, most)
            count -= most
            pending = [whole.between(most, most + count)]
    whole = _joined(pending)
    most = rows_within(rows, width)
    for begin in range(0, count, most):
        yield whole.between(begin, min(begin + most, count))


def _filled_rows(part: Grid, first_line: int) -> Grid:
    holds = np.zeros(len(part.lines), bool)
    for column in part.columns:
        if holds.all():
            break
        holds |= filled(column)
    return part.where(holds & (part.lines >= first_line))


def _joined(parts: Sequence[Grid]) -> Grid:
    """Give the rows of all parts; a part may have fewer columns than another."""
    if len(parts) == 1:
        return parts[0]
    width = max((len(part.columns) for part in parts), default=0)
    columns = [
        pa.concat_arrays(
            [
                part.columns[n]
                if n < len(part.columns)
                else pa.nulls(len(part.lines), pa.large_string())
                for part in parts
            ]
        )
        for n in range(width)
    ]
    lines = np.concatenate([part.lines for part in parts]) if parts else np.zeros(0, np.int64)
    return Grid(lines=lines, columns=columns)
