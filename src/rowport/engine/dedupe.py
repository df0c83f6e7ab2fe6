"""Tell whether two chunks can hold the same key, without comparing their rows.

A digest is a 64-bit hash of a row's typed key.  Two chunks without a common digest have no key in
common and may be loaded side by side; a common digest only says that the later chunk has to wait
and let the destination compare the real keys.  A dry run, in which the destination knows
nothing, uses two hashes of a row (128 bits): wide digests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence


SEEDS: Final = (0x526F77, 0x706F7274)
Digests = npt.NDArray[np.uint64]


def digests(rows: pa.Table, key: Sequence[str], *, seed: int = 0) -> Digests:
    """Hash the key of each row; one uint64 a row, in row order."""
    return comparable(rows, key).hash_rows(seed=SEEDS[seed]).to_numpy()


def wide_digests(rows: pa.Table, key: Sequence[str]) -> tuple[Digests, Digests]:
    """Hash the key of each row twice; the two halves of its 128 bits, in row order."""
    compared = comparable(rows, key)
    first, second = (compared.hash_rows(seed=seed).to_numpy() for seed in SEEDS)
    return first, second


def comparable(rows: pa.Table, key: Sequence[str]) -> pl.DataFrame:
    """Give the key's columns so that equal values are alike in every chunk."""
    frame = pl.from_arrow(pa.table({name: _alike(rows.column(name)) for name in key}))
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("an Arrow table becomes a data frame")
    return frame


def _alike(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write decimals without the zeros at their end: each chunk has a scale of its own."""
    if pa.types.is_decimal256(column.type):  # Polars has none so wide
        texts = [
            None if value is None else format(value.normalize(), "f")
            for value in column.to_pylist()
        ]
        return pa.chunked_array([pa.array(texts, pa.large_string())])
    if not pa.types.is_decimal(column.type):
        return column
    text = pl.Series(values=pl.from_arrow(column)).cast(pl.String)
    plain = pl.when(text.str.contains(".", literal=True)).then(
        text.str.strip_chars_end("0").str.strip_chars_end(".")
    )
    return pa.chunked_array([pl.select(plain.otherwise(text)).to_series().to_arrow()])


def pack_wide(pair: tuple[Digests, Digests]) -> bytes:
    """Give the two halves of wide digests as bytes."""
    return np.column_stack(pair).astype("<u8").tobytes()


def unpack_wide(packed: bytes) -> tuple[Digests, Digests]:
    """Give the two halves of wide digests back from their bytes."""
    both = np.frombuffer(packed, dtype="<u8").reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()


def pack(values: Digests) -> bytes:
    """Give digests as bytes: sorted, little-endian, each once."""
    return np.unique(values).astype("<u8").tobytes()


def unpack(packed: bytes) -> Digests:
    """Give digests back from their bytes."""
    return np.frombuffer(packed, dtype="<u8")


def overlaps(packed: bytes, values: Digests) -> bool:
    """Tell whether any of `values` is among the packed ones."""
    known = unpack(packed)
    if len(known) == 0 or len(values) == 0:
        return False
    found = np.searchsorted(known, values)
    found[found == len(known)] = len(known) - 1
    return bool((known[found] == values).any())
