"""What the rows of a chunk refer to: each distinct value once, and the errors of those not found.

Foreign keys compare the typed values of the row's fields.  As in SQL's MATCH FULL a row whose
fields have no value refers to nothing, and one that has only some of them refers to no record.
A lookup's text is read as the field reads it that it is looked up by, transforms and constraints
included, so that both sides are written alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.dedupe import comparable
from rowport.engine.record_ids import ID_BYTES
from rowport.engine.tables import ERRORS_SCHEMA
from rowport.engine.validation import Validator
from rowport.engine.validation.cells import shown
from rowport.model.outcomes import RowErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rowport.model.references import Reference

    Places = NDArray[np.int64]
    Booleans = NDArray[np.bool_]

NOTHING: Final = -1
"""The group of a row that refers to nothing."""
NO_RECORD: Final = -2
"""The group of a row whose values can be those of no record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The values that rows refer to."""

    keys: pa.Table
    """Each distinct value once: typed columns, named by the fields that are referred to."""
    group: Places
    """For each row the place of its value in `keys`; else NOTHING or NO_RECORD."""
    first: Places
    """For each of `keys` the place of the first row that refers to it."""

    def at(self, found: Booleans) -> Booleans:
        """Tell for each row whether its value was found; `found` is aligned with `keys`."""
        told = np.zeros(self.group.size, np.bool_)
        has = self.group >= 0
        told[has] = found[self.group[has]]
        return told

    @property
    def refers(self) -> Booleans:
        """Which rows refer to anything."""
        return np.asarray(self.group != NOTHING, np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """A reference, compiled."""

    reference: Reference
    reader: Validator | None
    """Reads the texts of a lookup; None for a foreign key."""

    def wanted(self, rows: pa.Table) -> Wanted:
        """Give what these typed rows refer to."""
        fields, by = self.reference.fields, self.reference.by
        first, group = _groups(rows.select(list(fields)))
        keys = rows.select(list(fields)).take(pa.array(first)).rename_columns(list(by))
        if self.reader is None:
            return Wanted(keys=keys, group=group, first=first)
        texts = keys.column(by[0]).combine_chunks().cast(pa.string())
        read = self.reader.run(pa.table({by[0]: texts}), pa.array(np.arange(first.size)))
        places, values = np.asarray(read.row, np.int64), read.rows
        has = pc.is_valid(values.column(by[0])).to_numpy(zero_copy_only=False)
        places, values = places[has], values.filter(pa.array(has))
        moved = np.full(first.size, NO_RECORD, np.int64)
        moved[places] = np.arange(places.size)
        has_text = group >= 0
        group[has_text] = moved[group[has_text]]
        return Wanted(keys=values, group=group, first=first[places])


def referral(reference: Reference) -> Referral:
    """Compile a reference."""
    reader = Validator(reference.target.schema, reference.by) if reference.lookup else None
    return Referral(reference=reference, reader=reader)


def _groups(values: pa.Table) -> tuple[Places, Places]:
    """Give the place of the first row of each distinct whole value, and each row's group."""
    lacks = [pc.is_null(column).to_numpy(zero_copy_only=False) for column in values.columns]
    none, some = np.logical_and.reduce(lacks), np.logical_or.reduce(lacks)
    frame = comparable(values, values.column_names)
    frame = frame.rename({name: str(at) for at, name in enumerate(frame.columns)})
    first = frame.with_row_index("place").select(pl.col("place").first().over(frame.columns))
    of_row = first.to_series().to_numpy().astype(np.int64)
    firsts, group = np.unique(of_row[~some], return_inverse=True)
    groups = np.full(of_row.size, NO_RECORD, np.int64)
    groups[~some] = group
    groups[none] = NOTHING
    return firsts, groups


def id_texts(ids: pa.Array) -> pa.Array:
    """Give 16-byte ids as people write UUIDs; null stays null."""
    width = 2 * ID_BYTES
    raw = pc.fill_null(ids, bytes(ID_BYTES))
    start = raw.offset * ID_BYTES
    data = np.frombuffer(raw.buffers()[1] or b"", np.uint8)[start : start + len(raw) * ID_BYTES]
    digits = np.frombuffer(data.tobytes().hex().encode(), np.uint8).reshape(-1, width)
    dashed = np.insert(digits, (8, 12, 16, 20), ord("-"), axis=1)
    texts = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(dashed.shape[1]), len(raw), [None, pa.py_buffer(np.ascontiguousarray(dashed))]
    )
    return pc.if_else(pc.is_valid(ids), texts.cast(pa.binary()).cast(pa.string()), None)


def replaced(rows: pa.Table, name: str, group: Places, texts: pa.Array) -> pa.Table:
    """Put ids into a lookup's column: those of each row's group, else no value."""
    places = pa.array(np.where(group >= 0, group, 0), mask=group < 0)
    return rows.set_column(rows.column_names.index(name), name, texts.take(places))


def reference_errors(
    reference: Reference, row: pa.Array, raw: Mapping[str, pa.Array], *, earlier: bool = False
) -> pa.Table:
    """Give the errors of rows whose values no record has.

    `raw` has the cells of these rows as they stood, by field.  `earlier`: rows before them would
    have done as well.
    """
    # The cells of a workbook have offsets of 64 bits, those of a text file of 32.
    cells = [pc.fill_null(raw[name], "").cast(pa.large_string()) for name in reference.fields]
    joined = pc.binary_join_element_wise(*cells, pa.scalar(", ", pa.large_string()))
    whole = len(reference.fields) == 1
    by = " + ".join(reference.by)
    or_row = " and of no earlier row" if earlier else ""
    ending = f"is the {by} of no record of {reference.target.name}{or_row}"
    named = "" if whole else f"{', '.join(reference.fields)}: "
    texts: Sequence[str] = joined.to_pylist()
    return pa.table(
        {
            "row": row,
            "field": pa.array([reference.fields[0] if whole else None] * len(texts), pa.string()),
            "code": [RowErrorCode.FOREIGN_KEY.value] * len(texts),
            "value": joined.cast(pa.string()),
            "message": [f"{named}{shown(text)} {ending}" for text in texts],
        },
        schema=ERRORS_SCHEMA,
    )
