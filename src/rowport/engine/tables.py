"""The Arrow schemas that layers hand each other."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

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
