"""The Arrow schemas that layers hand each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    import numpy as np
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


def no_errors() -> pa.Table:
    """Give an empty table of errors."""
    return ERRORS_SCHEMA.empty_table()


def left_out(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Leave out rows, ascending; few of them cost less than a filter would."""
    if not len(rows):
        return table
    begins = [0, *(rows + 1).tolist()]
    ends = [*rows.tolist(), table.num_rows]
    parts = [table.slice(a, b - a) for a, b in zip(begins, ends, strict=True) if b > a]
    return pa.concat_tables(parts).combine_chunks() if parts else table[:0]
