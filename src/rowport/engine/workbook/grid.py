"""Cells to columns, a bounded number of rows at a time."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rowport.engine.workbook.sheet import Cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Rows of a sheet that hold anything, column by column."""

    lines: NDArray[np.int64]
    """Sheet row of each."""
    columns: Sequence[pa.Array]
    """Texts from column A on; null where the cell is empty."""


def grids(cells: Iterable[Cells], *, rows: int, first_line: int) -> Iterator[Grid]:
    """Give the rows from `first_line` on in runs of up to `rows`; blank rows are left out."""
    pending: list[Cells] = []
    count = 0
    for part in cells:
        pending.append(part)
        count += len(np.unique(part.rows))
        if count > rows:
            lines, numbers, texts = _gathered(pending, first_line)
            edges = np.unique(lines)
            whole = len(edges) // rows * rows
            for start in range(0, whole, rows):
                yield _grid(lines, numbers, texts, edges[start], edges[start + rows - 1])
            keep = lines > (edges[whole - 1] if whole else 0)
            pending = [Cells(rows=lines[keep], columns=numbers[keep], texts=texts[keep])]
            count = len(edges) - whole
    lines, numbers, texts = _gathered(pending, first_line)
    edges = np.unique(lines)
    for start in range(0, len(edges), rows):
        last = min(start + rows, len(edges)) - 1
        yield _grid(lines, numbers, texts, edges[start], edges[last])


def _gathered(
    parts: Sequence[Cells], first_line: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """Give rows, columns and texts of all cells from `first_line` on that hold something."""
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, object)
    lines = np.concatenate([part.rows for part in parts])
    numbers = np.concatenate([part.columns for part in parts])
    texts = np.concatenate([part.texts for part in parts])
    keep = (lines >= first_line) & (texts != "")
    return lines[keep], numbers[keep], texts[keep]


def _grid(
    lines: NDArray[np.int64],
    numbers: NDArray[np.int64],
    texts: NDArray[Any],
    first: int,
    last: int,
) -> Grid:
    """Give the rows `first` to `last` as columns."""
    begin, end = np.searchsorted(lines, [first, last + 1]).tolist()
    lines, numbers, texts = lines[begin:end], numbers[begin:end], texts[begin:end]
    found, places = np.unique(lines, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(int(numbers.max()) + 2))
    columns = []
    for low, high in itertools.pairwise(bounds):
        column = np.full(len(found), None, object)
        here = order[low:high]
        column[places[here]] = texts[here]
        columns.append(pa.array(column, pa.string()))
    return Grid(lines=found, columns=columns)
