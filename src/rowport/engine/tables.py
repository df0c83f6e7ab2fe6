"""The Arrow schemas that layers hand each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

ERRORS_SCHEMA: Final = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("field", pa.string()),
        pa.field("code", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("message", pa.string(), nullable=False),
    ]
)
"""One row for each `RowError`, ordered by row, then by the field's place in the record type."""


_FEW: Final = 50
"""So many rows are left out at less cost by joining what stands between them than by a filter."""


def no_errors() -> pa.Table:
    """Give an empty table of errors."""
    return ERRORS_SCHEMA.empty_table()


def left_out(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Leave out rows, ascending."""
    if not len(rows):
        return table
    if len(rows) > _FEW:
        kept = np.ones(table.num_rows, bool)
        kept[rows] = False
        return table.filter(pa.array(kept))
    begins = [0, *(rows + 1).tolist()]
    ends = [*rows.tolist(), table.num_rows]
    parts = [table.slice(a, b - a) for a, b in zip(begins, ends, strict=True) if b > a]
    return pa.concat_tables(parts).combine_chunks() if parts else table[:0]
