"""The fates of a batch's rows while they are being decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.record_ids import ID_BYTES, as_uuid_array, record_id_bytes
from rowport.engine.tables import ERRORS_SCHEMA, no_errors
from rowport.model.outcomes import Outcome, RowErrorCode
from rowport.ports import LoadResult

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from rowport.destinations.postgres.target import Target
    from rowport.ports.undoing import Marks

    Places = NDArray[np.int64]
    """0-based places of rows in the batch."""


class Fates:
    """Collects what became of each row; every row has to get exactly one fate."""

    def __init__(self, import_id: UUID, row: NDArray[np.int64]) -> None:
        self.row = row
        self.outcome = np.zeros(row.size, np.uint8)
        self._import_id = import_id
        self.ids = np.zeros((row.size, ID_BYTES), np.uint8)
        self._errors: list[pa.Table] = []
        self._before: pa.Table | None = None
        self.written_by: Marks = ()

    @property
    def writing(self) -> Places:
        """Rows whose values go into a record."""
        return np.flatnonzero(np.isin(self.outcome, (Outcome.CREATED, Outcome.UPDATED)))

    def created(self, places: Places) -> None:
        """Settle rows that became new records."""
        self.outcome[places] = Outcome.CREATED
        self.ids[places] = record_id_bytes(self._import_id, self.row[places])

    def met(self, places: Places, ids: NDArray[np.uint8], outcome: Outcome) -> None:
        """Settle rows that met an existing record."""
        self.outcome[places] = outcome
        self.ids[places] = ids

    def reopen(self, places: Places) -> None:
        """Take a fate back, before another is given."""
        self.outcome[places] = Outcome.PENDING

    def failed(
        self,
        places: Places,
        code: RowErrorCode,
        *,
        messages: pa.Array,
        fields: pa.Array,
        values: pa.Array,
    ) -> None:
        """Settle rows that failed; arrays are aligned with `places`."""
        if not places.size:
            return
        self.outcome[places] = Outcome.FAILED
        codes = pa.repeat(pa.scalar(str(code)), places.size)
        columns = [pa.array(self.row[places]), fields, codes, values, messages]
        cast = [
            column.cast(field.type) for column, field in zip(columns, ERRORS_SCHEMA, strict=True)
        ]
        self._errors.append(pa.Table.from_arrays(cast, schema=ERRORS_SCHEMA))

    def keep_before(self, before: pa.Table) -> None:
        """Keep what updated records were."""
        if before.num_rows:
            self._before = before

    def result(self) -> LoadResult:
        """Close the books."""
        if not self.outcome.all():
            raise AssertionError("A row of the batch has no outcome.")
        errors = pa.concat_tables([no_errors(), *self._errors]).sort_by("row")
        return LoadResult(
            outcome=pa.array(self.outcome),
            record_id=as_uuid_array(self.ids, self.outcome != Outcome.FAILED),
            errors=errors,
            before=self._before,
            written_by=self.written_by,
        )


def key_texts(target: Target, places: Places) -> pa.Array:
    """Give the keys of rows as people read them; null where a cell is null."""
    taken = target.values.select([column.name for column in target.key]).take(pa.array(places))
    texts = [column.combine_chunks().cast(pa.large_string()) for column in taken.columns]
    return pc.binary_join_element_wise(*texts, pa.scalar(", ", pa.large_string()))


def fail_key(
    fates: Fates,
    target: Target,
    places: Places,
    code: RowErrorCode,
    *,
    why: str,
    other_row: NDArray[np.int64] | None = None,
) -> None:
    """Fail rows because of their key.

    The message reads `key 'value' why`; with `other_row` (aligned) a row number follows.
    """
    if not places.size:
        return
    texts = key_texts(target, places)
    shown = pc.if_else(pc.is_null(texts), "(empty)", texts)
    parts = [f"{target.key_words} '", shown, f"' {why}"]
    if other_row is not None:
        parts += [pa.array(other_row).cast(pa.large_string())]
    parts = [pa.scalar(p, pa.large_string()) if isinstance(p, str) else p for p in parts]
    messages = pc.binary_join_element_wise(
        *parts,
        pa.scalar("." if other_row is not None else "", pa.large_string()),
        pa.scalar("", pa.large_string()),
    )
    fields = pa.repeat(pa.scalar(target.key_field, pa.string()), places.size)
    fates.failed(places, code, messages=messages, fields=fields, values=texts)
