"""Follow the references of a chunk's rows to records of other types."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.record_ids import ID_BYTES
from rowport.engine.references import id_texts, reference_errors, replaced
from rowport.model.table_schema import Missing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rowport.engine.references import Referral, Wanted
    from rowport.ports import Destination, Transaction
    from rowport.service.chunk_reading import Checked
    from rowport.service.recipes import Recipe

NIL: Final = bytes(ID_BYTES)
"""The id of a record that a dry run would make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referring:
    """Follows references; each is asked once a chunk, over the distinct values."""

    destination: Destination

    def follow(
        self, tx: Transaction, recipe: Recipe, checked: Checked, referrals: Iterable[Referral]
    ) -> Checked:
        """Put ids into lookups, and turn rows into errors whose references lead nowhere."""
        rows, row = checked.valid.rows, checked.valid.row
        bad = np.zeros(rows.num_rows, np.bool_)
        errors = []
        filled = rows
        for referral in referrals if rows.num_rows else ():
            reference = referral.reference
            wanted = referral.wanted(rows)
            ids = self._ids(tx, recipe, referral, wanted, row)
            if reference.lookup is not None:
                texts = id_texts(ids)
                filled = replaced(filled, reference.fields[0], wanted.group, texts)
            if reference.lookup is None or reference.lookup.missing is not Missing.NULL:
                lost = wanted.refers & ~wanted.at(_is_there(ids))
                rows_lost = row.filter(pa.array(lost))
                raw = checked.raw(rows_lost, reference.fields, recipe.mapping)
                errors.append(reference_errors(reference, rows_lost, _cells(raw)))
                bad |= lost
        changed = replace(checked, valid=replace(checked.valid, rows=filled))
        return changed.without(bad, errors)

    def _ids(
        self, tx: Transaction, recipe: Recipe, referral: Referral, wanted: Wanted, row: pa.Array
    ) -> pa.Array:
        """Give the ids of the records wanted; null where there is none and none is made."""
        target = referral.reference.target
        ids = self.destination.find(tx, target, wanted.keys)
        missing = pc.is_null(ids)
        if not referral.reference.creates or not pc.any(missing).as_py():
            return ids
        if recipe.is_dry:
            return pc.fill_null(ids, NIL)
        self.destination.ensure(
            tx,
            target,
            wanted.keys.filter(missing),
            import_id=recipe.job.id,
            row=row.take(pa.array(wanted.first)).filter(missing),
        )
        return self.destination.find(tx, target, wanted.keys)


def _is_there(ids: pa.Array) -> np.ndarray:
    there: np.ndarray = pc.is_valid(ids).to_numpy(zero_copy_only=False)
    return there


def _cells(raw: pa.Table) -> dict[str, pa.Array]:
    return {name: raw.column(name) for name in raw.column_names}
