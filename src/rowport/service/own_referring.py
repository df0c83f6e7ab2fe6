"""Load rows that refer to records of their own type.

Such a record is there, or an earlier row makes it.  Rows of earlier chunks are waited for where
they may have what is wanted; rows of the same chunk count if they are loaded, so a chunk in which
a row is refused that others relied on is loaded once more without those.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.own_references import own_reference, settle
from rowport.engine.record_ids import ID_BYTES, as_uuid_array, record_id_bytes
from rowport.engine.references import id_texts, reference_errors
from rowport.model.ids import record_id_prefix
from rowport.model.outcomes import Outcome
from rowport.model.table_schema import Missing
from rowport.service.chunk_reading import without_taken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    import numpy.typing as npt

    from rowport.engine.key_runs import KeyRuns
    from rowport.engine.own_references import OwnReference, Settled
    from rowport.engine.references import Referral, Wanted
    from rowport.ports import Destination, LoadBatch, LoadResult, Transaction
    from rowport.service.chunk_reading import Checked
    from rowport.service.recipes import Recipe

    Booleans = npt.NDArray[np.bool_]


class MakerRefused(Exception):
    """A row was refused that others of its chunk relied on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A reference, as far as the destination knows its records."""

    referral: Referral
    own: OwnReference
    ids: npt.NDArray[np.uint8]
    """For each row the id of the record that is there already: n x 16 bytes."""
    known: Booleans


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReferring:
    """Loads the rows of a chunk so that each reference to its own type leads somewhere."""

    destination: Destination

    def load(
        self,
        tx: Transaction,
        recipe: Recipe,
        checked: Checked,
        batch_of: Callable[[Checked], LoadBatch],
        taken: KeyRuns | None = None,
    ) -> tuple[LoadResult, Checked]:
        """Load the valid rows; gives also the chunk without those that failed before that.

        `taken`: in a dry run, the keys that rows of earlier chunks took.
        """
        if not recipe.own_referrals or not checked.valid.rows.num_rows:
            kept = _without_taken(checked, recipe, taken)
            return self.destination.load(tx, recipe.record_type, batch_of(kept)), kept
        referrals = recipe.own_referrals
        asked = [self._ask(tx, recipe, referral, checked, taken) for referral in referrals]
        refused = _repeats(checked, recipe, taken)
        while True:
            settled = settle([one.own for one in asked], refused)
            kept = _without_lost(recipe, checked, asked, settled)
            kept = _without_taken(kept, recipe, taken)
            with suppress(MakerRefused), tx.savepoint():
                loaded = self.destination.load(tx, recipe.record_type, batch_of(kept))
                refused = refused | _refused(loaded, kept, checked)
                _check_same(settled, settle([one.own for one in asked], refused), refused)
                return loaded, kept

    def _ask(
        self,
        tx: Transaction,
        recipe: Recipe,
        referral: Referral,
        checked: Checked,
        taken: KeyRuns | None,
    ) -> _Asked:
        reference, rows = referral.reference, checked.valid.rows
        wanted = referral.wanted(rows)
        found = self.destination.find(tx, recipe.record_type, wanted.keys)
        there = np.asarray(pc.is_valid(found).to_numpy(zero_copy_only=False))
        ids = np.frombuffer(
            b"".join(value or bytes(ID_BYTES) for value in found.to_pylist()), np.uint8
        ).reshape(-1, ID_BYTES)
        since = _made_by_row(recipe.job.id, ids)
        if taken is not None:
            there = there | taken.contains(recipe.watched.pair(wanted.keys, reference.by))
        place = np.where(wanted.group >= 0, wanted.group, 0)
        known = wanted.at(there)
        if since.size and not checked.is_again:  # what a later round tries stands behind all
            known &= since[place] <= checked.valid.row.to_numpy()
        lookup = reference.lookup
        return _Asked(
            referral=referral,
            own=own_reference(
                wanted,
                rows,
                by=reference.by,
                known=known,
                bears_missing=lookup is not None and lookup.missing is Missing.NULL,
            ),
            ids=_of_rows(ids, wanted),
            known=known,
        )


def _of_rows(ids: npt.NDArray[np.uint8], wanted: Wanted) -> npt.NDArray[np.uint8]:
    of_rows = np.zeros((wanted.group.size, ID_BYTES), np.uint8)
    has = wanted.group >= 0
    of_rows[has] = ids[wanted.group[has]]
    return of_rows


def _made_by_row(import_id: UUID, ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Give the row of this import that made each record; 0 for those of before."""
    prefix = np.frombuffer(record_id_prefix(import_id), np.uint8)
    ours = (ids[:, : prefix.size] == prefix).all(axis=1)
    rows = np.zeros(len(ids), np.int64)
    for column in range(prefix.size, ID_BYTES):
        rows = (rows << 8) | ids[:, column]
    return np.where(ours, rows, 0)


def _refused(loaded: LoadResult, kept: Checked, checked: Checked) -> Booleans:
    """Give the rows that the destination refused of those that it was asked for."""
    failed = loaded.outcome.to_numpy() == Outcome.FAILED
    row = checked.valid.row.to_numpy()
    return np.isin(row, kept.valid.row.to_numpy()[failed], assume_unique=True)


def _repeats(checked: Checked, recipe: Recipe, taken: KeyRuns | None) -> Booleans:
    """Give the rows of which a key was taken by an earlier chunk of a dry run."""
    if taken is None:
        return np.zeros(checked.valid.rows.num_rows, np.bool_)
    return np.asarray(recipe.watched.taken(checked.valid.rows, taken).any(axis=1))


def _without_taken(checked: Checked, recipe: Recipe, taken: KeyRuns | None) -> Checked:
    return checked if taken is None else without_taken(checked, recipe, taken)


def _check_same(before: Settled, after: Settled, refused: Booleans) -> None:
    """Let what was loaded stand if no row relied on one that was refused.

    Raises:
        MakerRefused: one did.
    """
    good = ~(before.bad | refused)
    if after.bad[good].any() or (before.maker[good] != after.maker[good]).any():
        raise MakerRefused


def _without_lost(
    recipe: Recipe, checked: Checked, asked: Sequence[_Asked], settled: Settled
) -> Checked:
    """Put ids into lookups, and turn rows into errors whose references lead nowhere."""
    filled, errors = checked.valid.rows, []
    for at, one in enumerate(asked):
        reference = one.referral.reference
        if reference.lookup is not None:
            name = reference.fields[0]
            place = filled.column_names.index(name)
            filled = filled.set_column(
                place, name, _ids(recipe, checked, one, settled.maker[:, at])
            )
        if not one.own.bears_missing:
            row = checked.valid.row.filter(pa.array(settled.lost[:, at]))
            raw = checked.raw(row, reference.fields, recipe.mapping)
            cells = {name: raw.column(name) for name in raw.column_names}
            errors.append(reference_errors(reference, row, cells, earlier=True))
    changed = replace(checked, valid=replace(checked.valid, rows=filled))
    return changed.without(settled.bad, errors)


def _ids(recipe: Recipe, checked: Checked, one: _Asked, maker: npt.NDArray[np.int64]) -> pa.Array:
    """Give the ids that a lookup's rows refer to: of records that are there, or will be made."""
    made = maker >= 0
    ids = one.ids.copy()
    ids[made] = record_id_bytes(recipe.job.id, checked.valid.row.to_numpy()[maker[made]])
    return id_texts(as_uuid_array(ids, one.known | made))
