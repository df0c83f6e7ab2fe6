"""A chunk's bytes become typed rows and row errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine import accounting, again
from rowport.engine.staging import thaw
from rowport.engine.validation import Validated
from rowport.ports import SplittableFormat
from rowport.ports.ledger import ChunkRef
from rowport.ports.rounds import Again
from rowport.service.layouts import ordered_as, unguarded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from rowport.engine.accounting import Accounts
    from rowport.engine.key_runs import KeyRuns
    from rowport.engine.mapping import ColumnMapping
    from rowport.model.imports import Import
    from rowport.ports import BlobStore, Format, ParsedChunk, Transaction
    from rowport.ports.ledger import Ledger, PlannedChunk
    from rowport.service.recipes import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A chunk, read and validated."""

    parsed: ParsedChunk
    valid: Validated
    skipped: pa.Array | None = None
    """int64, the numbers of valid rows that are left out because they repeat others."""
    earlier: Accounts | None = None
    """In a later round: what became of the whole chunk before; the others tell of some rows."""

    @property
    def is_again(self) -> bool:
        """Whether its rows are tried in a later round."""
        return self.earlier is not None

    def skipping(self, repeats: npt.NDArray[np.bool_]) -> Checked:
        """Leave out the valid rows that are marked, without any error."""
        left_out = self.valid.row.filter(pa.array(repeats))
        return replace(self.without(repeats, []), skipped=left_out)

    def without(self, bad: npt.NDArray[np.bool_], errors: Sequence[pa.Table]) -> Checked:
        """Leave out the valid rows that are marked, for these errors."""
        if not bad.any():
            return self
        kept = pa.array(~bad)
        valid = Validated(
            rows=self.valid.rows.filter(kept),
            row=self.valid.row.filter(kept),
            errors=pa.concat_tables([self.valid.errors, *errors]),
        )
        return replace(self, valid=valid)

    def raw(self, row: pa.Array, fields: Sequence[str], mapping: ColumnMapping) -> pa.Table:
        """Give the cells of rows of `valid` as they stood, named by field."""
        column_of = {name: str(index) for index, name in mapping.columns.items()}
        at = self.parsed.row.to_numpy().searchsorted(row.to_numpy())
        names = list(dict.fromkeys(fields))
        cells = self.parsed.cells.select([column_of[name] for name in names]).take(pa.array(at))
        return cells.rename_columns(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkReading:
    """Reads and validates chunks."""

    ledger: Ledger
    formats: Mapping[str, Format]
    blobs: BlobStore

    def check(self, tx: Transaction, recipe: Recipe, planned: PlannedChunk) -> Checked:
        """Read and validate a chunk; in a later round, the rows of it that are tried again.

        Raises:
            Unavailable: the blob store does not answer.
        """
        if planned.again is None:
            return self.check_whole(recipe, planned)
        earlier = earlier_accounts(self.ledger, tx, recipe.job, planned)
        parsed = again.tried_again(
            earlier,
            first_row=planned.span.first_row,
            width=len(recipe.layout.header),
            mended=[self._thaw(name) for name in planned.mended],
            takes_failed=planned.again is Again.ALL,
            read=partial(self._newest, recipe, planned),
        )
        return replace(_validated(recipe, parsed), earlier=earlier)

    def check_whole(self, recipe: Recipe, planned: PlannedChunk) -> Checked:
        """Read and validate all rows of a chunk, each as it was tried last.

        Raises:
            Unavailable: the blob store does not answer.
        """
        return _validated(recipe, self._newest(recipe, planned))

    def _newest(self, recipe: Recipe, planned: PlannedChunk) -> ParsedChunk:
        """Give all rows of a chunk; of mended rows, those that were tried take their place."""
        parsed = self._parse(recipe, planned)
        mended = [self._thaw(name) for name in planned.tried]
        return (
            again.newest([parsed, *mended], width=len(recipe.layout.header)) if mended else parsed
        )

    def _parse(self, recipe: Recipe, planned: PlannedChunk) -> ParsedChunk:
        if planned.staged is not None:
            return self._thaw(planned.staged)
        layout = recipe.layouts[str(planned.file_id)]
        form = self.formats[layout.format]
        if not isinstance(form, SplittableFormat):
            raise TypeError(f"{form.name} cannot be split, yet its chunk is not staged")
        (file,) = (f for f in recipe.job.files if f.id == planned.file_id)
        blob = self.blobs.open(file.blob)
        parsed = unguarded(form.read_span(blob, layout, planned.span), layout)
        return ordered_as(parsed, layout, recipe.layout)

    def _thaw(self, name: str) -> ParsedChunk:
        blob = self.blobs.open(name)
        return thaw(blob.read_at(0, blob.size_bytes))


def earlier_accounts(
    ledger: Ledger, tx: Transaction, job: Import, planned: PlannedChunk
) -> Accounts:
    """Give what became of a chunk's rows so far."""
    ref = ChunkRef(organization_id=job.organization_id, import_id=job.id, number=planned.number)
    known = ledger.chunks.result(tx, ref)
    if known is None:
        return again.untouched(planned.span.rows)
    return again.accounts_of(
        known.outcomes, errors=known.errors, raw=known.raw, before=known.before
    )


def _validated(recipe: Recipe, parsed: ParsedChunk) -> Checked:
    columns = {name: parsed.cells[str(i)] for i, name in recipe.mapping.columns.items()}
    valid = recipe.validator.run(pa.table(columns), parsed.row)
    return Checked(parsed=parsed, valid=valid)


def without_taken(checked: Checked, recipe: Recipe, taken: KeyRuns) -> Checked:
    """Turn the valid rows into errors of which a key was taken by an earlier chunk."""
    row = checked.valid.row
    told = recipe.watched.taken(checked.valid.rows, taken)
    errors = []
    for place, key in enumerate(recipe.watched.keys):
        repeats = row.filter(pa.array(told[:, place]))
        if len(repeats):
            raw = checked.raw(repeats, key, recipe.mapping)
            texts = pa.table({name: pc.fill_null(raw[name], "") for name in key})
            errors.append(accounting.repeat_errors(texts, repeats, key))
    return checked.without(np.asarray(told.any(axis=1)), errors)
