"""Rows of one batch that have the same key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def first_of_key(keys: pa.Table) -> NDArray[np.int64]:
    """Give for each row the place (0-based) of the first row with the same key.

    Real values are compared, not hashes.  A row whose key has a null is its own first.
    """
    places = np.arange(keys.num_rows, dtype=np.int64)
    frame = _frame(keys)
    if frame.n_unique() == frame.height:
        return places
    first = frame.with_row_index("place").select(pl.col("place").first().over(frame.columns))
    found = first.to_series().to_numpy().astype(np.int64)
    return np.where(lacks_key(keys), places, found)


def in_key_order(keys: pa.Table) -> NDArray[np.int64]:
    """Give the places of the rows in the order of their keys."""
    frame = _frame(keys)
    ordered = frame.select(pl.arg_sort_by(frame.columns))
    return ordered.to_series().to_numpy().astype(np.int64)


def _frame(keys: pa.Table) -> pl.DataFrame:
    numbered = keys.rename_columns([str(at) for at in range(keys.num_columns)])
    return pl.DataFrame(pl.from_arrow(numbered))


def lacks_key(keys: pa.Table) -> NDArray[np.bool_]:
    """Tell which rows have a null in their key."""
    lacking = np.zeros(keys.num_rows, np.bool_)
    for column in keys.columns:
        if column.null_count:
            lacking |= pc.is_null(column).to_numpy(zero_copy_only=False)
    return lacking
