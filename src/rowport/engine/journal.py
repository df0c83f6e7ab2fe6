"""The journal of a chunk: which of its rows wrote records, and what these were before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.record_ids import ID_BYTES, as_uuid_array, record_id_bytes
from rowport.model.outcomes import Outcome
from rowport.model.undo import UndoCounts, UndoFate

if TYPE_CHECKING:
    from uuid import UUID

    import numpy.typing as npt

AUTHOR: Final = "rowport_import"
"""Of a before-image: the import that had written the record (text)."""
AUTHOR_ROW: Final = "rowport_row"
"""Likewise: its row (int64)."""
MARK: Final = "rowport_mark"
"""Likewise: the mark on the record (int64), see `rowport.ports.undoing`."""
LACKS: Final = "rowport_lacks"
"""Likewise: names of fields of other images that were not loaded with this one (list of string)."""
ABOUT: Final = ("row", "record_id", AUTHOR, AUTHOR_ROW, MARK)
"""The first columns of before-images; the fields come after them, and LACKS may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Rows that made or changed records; arrays are aligned."""

    row: npt.NDArray[np.int64]
    is_new: npt.NDArray[np.bool_]
    record_id: pa.Array
    """fixed_size_binary[16]."""


def written_rows(import_id: UUID, outcomes: pa.Table, *, first_row: int) -> Written:
    """Give the rows of a chunk that made or changed records."""
    kind = outcomes["outcome"].to_numpy()
    place = np.flatnonzero((kind == Outcome.CREATED) | (kind == Outcome.UPDATED))
    row = first_row + place
    is_new = kind[place] == Outcome.CREATED
    met = outcomes["record_id"].take(pa.array(place)).combine_chunks()
    made = as_uuid_array(record_id_bytes(import_id, row))
    ids = pc.if_else(pa.array(is_new), made, met.cast(pa.binary(ID_BYTES)))
    return Written(row=row, is_new=is_new, record_id=ids)


def undone_table(row: npt.NDArray[np.int64], fate: pa.Array, why: pa.Array) -> pa.Table:
    """Give what undoing made of rows as the ledger keeps it."""
    return pa.table({"row": pa.array(row), "fate": fate, "why": why})


def undo_counts(fate: pa.Array) -> UndoCounts:
    """Count rows by what undoing made of them."""
    seen = np.bincount(np.asarray(fate, np.uint8), minlength=len(UndoFate) + 1)
    return UndoCounts(**{one.word: int(seen[one]) for one in UndoFate})
