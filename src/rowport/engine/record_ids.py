"""The ids of the records that an import creates, for a whole batch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from rowport.model.ids import record_id_prefix

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

ID_BYTES: Final = 16
_ROW_BYTES: Final = 5


def record_id_bytes(import_id: UUID, row: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Give `model.ids.record_id` of each row number as a matrix of n x 16 bytes.

    Raises:
        OverflowError: a row number is negative or does not fit into five bytes.
    """
    if row.size and (row.min() < 0 or int(row.max()) >> (8 * _ROW_BYTES)):
        raise OverflowError(f"Row numbers must lie between 0 and {2 ** (8 * _ROW_BYTES) - 1}.")
    ids = np.empty((row.size, ID_BYTES), np.uint8)
    prefix = record_id_prefix(import_id)
    ids[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
    ids[:, len(prefix) :] = row.astype(">i8").view(np.uint8).reshape(-1, 8)[:, -_ROW_BYTES:]
    return ids


def as_uuid_array(ids: NDArray[np.uint8], valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Give n x 16 bytes as a fixed_size_binary[16] array, null where `valid` is false."""
    data = pa.py_buffer(np.ascontiguousarray(ids))
    mask = None if valid is None else pa.array(valid).buffers()[1]
    return pa.Array.from_buffers(pa.binary(ID_BYTES), len(ids), [mask, data])


def record_ids(import_id: UUID, row: pa.Array) -> pa.Array:
    """Give `model.ids.record_id` of each row number as fixed_size_binary[16]."""
    return as_uuid_array(record_id_bytes(import_id, np.asarray(row, np.int64)))
