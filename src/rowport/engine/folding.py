"""Keys compared without regard to case and to the blanks around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence


def fold(text: str) -> str:
    """Give what two texts have in common that differ only by case and surrounding blanks.

    Source: Unicode 3.13, default caseless matching (full case folding).
    """
    return text.strip().casefold()


def folded(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """Give the columns of the key, text folded; other types stay as they are."""
    return pa.table({name: _folded(rows.column(name)) for name in key})


def _folded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    # Neither Arrow nor Polars knows case folding: a row at a time, for those who ask for it.
    texts = [None if text is None else fold(text) for text in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, column.type)])
