"""The bytes of a text column, where Arrow keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBytes:
    """UTF-8 bytes of the cells of a column, without a copy."""

    offsets: NDArray[np.integer]
    """Where each cell begins in `data`, and where the last one ends: one more than cells."""
    data: NDArray[np.uint8]

    @property
    def held(self) -> NDArray[np.uint8]:
        """The bytes of all cells."""
        return self.data[self.offsets[0] : self.offsets[-1]]


def text_bytes(cells: pa.Array) -> TextBytes:
    """Give the bytes of a string or large_string array."""
    width = np.dtype(np.int64 if pa.types.is_large_string(cells.type) else np.int32)
    _, offsets, data = cells.buffers()
    if offsets is None or not len(cells):
        return TextBytes(offsets=np.zeros(1, width), data=np.zeros(0, np.uint8))
    return TextBytes(
        offsets=np.frombuffer(
            offsets, width, count=len(cells) + 1, offset=cells.offset * width.itemsize
        ),
        data=np.frombuffer(data if data is not None else b"", np.uint8),
    )


def whole(column: pa.ChunkedArray) -> pa.Array:
    """Give a column as one array, without a copy if it is one."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
