"""Load one chunk: read, validate, dedupe, load and account in one transaction.

The chunk's row lock is the lease.  Rows, outcomes, counters and the chunk's mark commit together,
so a chunk is either done whole or not at all, whoever dies when.

In a file, the first valid row of a key wins, whatever the order in which chunks are loaded: see
`rowport.service.first_wins`.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine import accounting, dedupe
from rowport.engine.folding import folded
from rowport.engine.met import MetRecords
from rowport.engine.staging import thaw
from rowport.engine.validation import Validated, Validator
from rowport.model.errors import RowportError
from rowport.model.imports import Import, Mode
from rowport.model.states import ImportState, Phase
from rowport.ports import FormatLayout, LoadBatch, SplittableFormat
from rowport.ports.ledger import ChunkRef, ChunkResult, ClaimedChunk, ImportRef, PlannedChunk
from rowport.service.keys import key_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import polars as pl

    from rowport.engine.mapping import ColumnMapping
    from rowport.model.record_types import RecordType
    from rowport.ports import BlobStore, Destination, Format, LoadResult, ParsedChunk, Transaction
    from rowport.ports.ledger import Ledger
    from rowport.service.first_wins import FirstWins
from rowport.service.layouts import column_mapping, to_layout, unguarded

RECIPES: Final = 16
"""Imports that one worker serves at once without asking for them again."""
OPEN: Final = frozenset({ImportState.RUNNING, ImportState.PAUSING, ImportState.CANCELING})
"""States in which a chunk in flight may still commit."""


class ImportEnded(RowportError):
    """The import ended while the chunk was in flight."""

    code = "import_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that is the same for each chunk of an import."""

    job: Import
    record_type: RecordType
    key: tuple[str, ...]
    layouts: Mapping[str, FormatLayout]
    mapping: ColumnMapping
    validator: Validator


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A chunk, read and validated."""

    parsed: ParsedChunk
    valid: Validated


@dataclass(slots=True, kw_only=True)
class Loading:
    """Loads chunks; one instance a thread."""

    ledger: Ledger
    formats: Mapping[str, Format]
    blobs: BlobStore
    destination: Destination
    first_wins: FirstWins
    _recipes: OrderedDict[ImportRef, Recipe] = field(default_factory=OrderedDict)

    def load(self, claimed: ClaimedChunk) -> None:
        """Load a chunk, or find that there is nothing to do.

        Nothing is written either when the import ended meanwhile; settling it voids the chunk.

        Raises:
            Unavailable: the database or the blob store went away; nothing was written.
            EarlierChunkPending: its turn has not come; nothing was written.
        """
        with suppress(ImportEnded):
            self._load(claimed)

    def _load(self, claimed: ClaimedChunk) -> None:
        ref = claimed.ref
        # The lease comes first: whatever takes long happens while no other worker can claim it.
        with self.ledger.database.transaction() as tx:
            if not self.ledger.chunks.lock(tx, ref):
                return
            recipe = self._recipe(ref.whole)
            if recipe.job.options.policy.all_or_nothing:
                self._load_whole(tx, ref.whole, recipe)
                return
            result = self._load_one(tx, ref, recipe, claimed.planned)
            self._still_open(tx, ref.whole)
            self.ledger.chunks.finish(tx, ref, result)

    def _begin(self, ref: ImportRef) -> Recipe:
        """Let the first chunk of an import take it from queued to running.

        A transaction of its own, so that the others need not wait for a whole chunk.
        """
        with self.ledger.database.transaction() as tx:
            state = self.ledger.imports.lock(tx, ref)
            if state is ImportState.QUEUED:
                self._run(tx, ref)
            elif state not in OPEN:
                raise ImportEnded
            return self._write_recipe(tx, ref)  # behind the lock: it began on one day for all

    def _run(self, tx: Transaction, ref: ImportRef) -> None:
        """Take an import from queued to running."""
        recipe = self._write_recipe(tx, ref)
        self.destination.prepare(tx, recipe.record_type)
        dry = recipe.job.options.mode is Mode.VALIDATE
        self.ledger.imports.move(
            tx,
            ref,
            ImportState.QUEUED,
            ImportState.RUNNING,
            phase=Phase.VALIDATING if dry else Phase.LOADING,
        )

    def _still_open(self, tx: Transaction, ref: ImportRef) -> None:
        """Hold the import's state to the end of the transaction, or give the chunk up.

        Asked last, so that whoever wants to cancel waits for a commit, never for a chunk.
        """
        if self.ledger.imports.share(tx, ref) not in OPEN:
            self._recipes.pop(ref, None)
            raise ImportEnded

    # ----------------------------------------------------------------------------- the recipe

    def _recipe(self, ref: ImportRef) -> Recipe:
        if ref not in self._recipes:
            self._recipes[ref] = self._begin(ref)
            while len(self._recipes) > RECIPES:
                self._recipes.popitem(last=False)
        self._recipes.move_to_end(ref)
        return self._recipes[ref]

    def _write_recipe(self, tx: Transaction, ref: ImportRef) -> Recipe:
        job = self.ledger.imports.get(tx, ref)
        if job is None:
            raise ImportEnded
        record_type = self.ledger.record_types.of_import(tx, ref)
        layouts = {str(f.id): to_layout(f.layout or {}) for f in job.files}
        layout = next(iter(layouts.values()))
        options = job.options
        mapping = column_mapping(
            layout, record_type, options.mapping, by_name=options.matches_by_name
        )
        key = key_for(record_type, job.options)
        must = () if job.options.key_rules.creates_keyless else key
        began = (job.started_at or job.created_at).astimezone(UTC).date()
        validator = Validator(record_type.schema, mapping.mapped, key=must, today=began)
        return Recipe(
            job=job,
            record_type=record_type,
            key=key,
            layouts=layouts,
            mapping=mapping,
            validator=validator,
        )

    # -------------------------------------------------------------------------------- a chunk

    def _load_one(
        self, tx: Transaction, ref: ChunkRef, recipe: Recipe, planned: PlannedChunk
    ) -> ChunkResult:
        checked = self._check(recipe, planned)
        met = may_repeat = None
        if recipe.key and recipe.job.options.mode is Mode.VALIDATE:
            checked = self._without_repeats(ref, recipe, checked)
        elif recipe.key:
            folds = recipe.job.options.key_rules.folds_case
            rows = checked.valid.rows
            keys = folded(rows, recipe.key) if folds else rows
            mine = dedupe.digests(keys, recipe.key)
            self.first_wins.await_earlier(ref, mine)
            met = self.first_wins.met_before(ref)
            may_repeat = partial(
                self.first_wins.may_repeat, ref, mine, rows=recipe.job.counts.total
            )
        batch = self._batch(ref.whole, recipe, checked.valid, met, may_repeat)
        loaded = self.destination.load(tx, recipe.record_type, batch)
        return _encode(_account(planned, checked, loaded))

    def _without_repeats(self, ref: ChunkRef, recipe: Recipe, checked: Checked) -> Checked:
        """Turn rows of a dry run whose key an earlier chunk has into errors."""
        mine = dedupe.wide_digests(checked.valid.rows, recipe.key)
        return _without(checked, self.first_wins.repeats(ref, mine), recipe.key)

    def _check(self, recipe: Recipe, planned: PlannedChunk) -> Checked:
        parsed = self._parse(recipe, planned)
        columns = {name: parsed.cells[str(i)] for i, name in recipe.mapping.columns.items()}
        valid = recipe.validator.run(pa.table(columns), parsed.row)
        return Checked(parsed=parsed, valid=valid)

    def _parse(self, recipe: Recipe, planned: PlannedChunk) -> ParsedChunk:
        if planned.staged is not None:
            blob = self.blobs.open(planned.staged)
            return thaw(blob.read_at(0, blob.size_bytes))
        layout = recipe.layouts[str(planned.file_id)]
        form = self.formats[layout.format]
        if not isinstance(form, SplittableFormat):
            raise TypeError(f"{form.name} cannot be split, yet its chunk is not staged")
        (file,) = (f for f in recipe.job.files if f.id == planned.file_id)
        blob = self.blobs.open(file.blob)
        return unguarded(form.read_span(blob, layout, planned.span), layout)

    def _batch(
        self,
        ref: ImportRef,
        recipe: Recipe,
        valid: Validated,
        met: MetRecords | None,
        may_repeat: Callable[[], npt.NDArray[np.bool_] | None] | None = None,
    ) -> LoadBatch:
        return LoadBatch(
            import_id=ref.import_id,
            rows=valid.rows,
            row=valid.row,
            key=recipe.key,
            mode=recipe.job.options.mode,
            on_match=recipe.job.options.on_match,
            met=met,
            may_repeat=may_repeat,
            key_rules=recipe.job.options.key_rules,
        )

    # -------------------------------------------------------------------------- all or nothing

    def _load_whole(self, tx: Transaction, ref: ImportRef, recipe: Recipe) -> None:
        """Load every chunk in this one transaction; keep the rows only if all are good."""
        chunks = self.ledger.chunks.of_import(tx, ref)
        results: list[accounting.Accounts] = []
        seen: list[pl.DataFrame] = []
        met = MetRecords()
        savepoint = tx.savepoint()
        savepoint.__enter__()
        try:
            for planned in chunks:
                self._not_canceled(ref)
                checked = self._check_next(recipe, planned, seen)
                batch = self._batch(ref, recipe, checked.valid, met)
                loaded = self.destination.load(tx, recipe.record_type, batch)
                results.append(_account(planned, checked, loaded))
                met.add(accounting.left_alone(results[-1].outcomes))
        except BaseException as error:
            savepoint.__exit__(type(error), error, error.__traceback__)
            raise
        good = not any(r.counts.failed for r in results)
        rollback = None if good else Rejected()
        savepoint.__exit__(type(rollback) if rollback else None, rollback, None)
        self._still_open(tx, ref)
        self._write_whole(tx, ref, chunks, results, good=good)

    def _not_canceled(self, ref: ImportRef) -> None:
        """Give up between two chunks when somebody wants the import to end."""
        with self.ledger.database.transaction() as side:
            if self.ledger.imports.share(side, ref) is ImportState.CANCELING:
                raise ImportEnded

    def _check_next(
        self, recipe: Recipe, planned: PlannedChunk, seen: list[pl.DataFrame]
    ) -> Checked:
        """Check a chunk; in a dry run also against the keys of those before it, in `seen`."""
        checked = self._check(recipe, planned)
        if recipe.job.options.mode is not Mode.VALIDATE or not recipe.key:
            return checked
        mine = dedupe.wide_digests(checked.valid.rows, recipe.key)
        fresh = _without(checked, dedupe.repeated(mine, seen), recipe.key)
        seen.append(mine)
        return fresh

    def _write_whole(
        self,
        tx: Transaction,
        ref: ImportRef,
        chunks: Sequence[PlannedChunk],
        results: Sequence[accounting.Accounts],
        *,
        good: bool,
    ) -> None:
        for planned, accounts in zip(chunks, results, strict=True):
            kept = accounts if good else accounting.only_failed(accounts)
            name = ChunkRef(
                organization_id=ref.organization_id,
                import_id=ref.import_id,
                number=planned.number,
            )
            self.ledger.chunks.finish(tx, name, _encode(kept), done=kept.counts.pending == 0)


class Rejected(Exception):
    """A row failed, so none is kept."""


def _without(checked: Checked, again: npt.NDArray[np.bool_], key: Sequence[str]) -> Checked:
    """Turn the valid rows that are marked into errors: their key stands in an earlier chunk."""
    valid, repeated = checked.valid, pa.array(again)
    errors = accounting.repeat_errors(valid.rows.filter(repeated), valid.row.filter(repeated), key)
    fresh = pc.invert(repeated)
    return Checked(
        parsed=checked.parsed,
        valid=Validated(
            rows=valid.rows.filter(fresh),
            row=valid.row.filter(fresh),
            errors=pa.concat_tables([valid.errors, errors]),
        ),
    )


def _account(planned: PlannedChunk, checked: Checked, loaded: LoadResult) -> accounting.Accounts:
    return accounting.account(
        checked.parsed,
        first_row=planned.span.first_row,
        invalid=checked.valid.errors,
        loaded=loaded,
        row=checked.valid.row,
    )


def _encode(accounts: accounting.Accounts) -> ChunkResult:
    return ChunkResult(
        counts=accounts.counts,
        outcomes=accounting.encode_outcomes(accounts.outcomes),
        errors=accounting.encode(accounts.errors),
        raw=accounting.encode(accounts.raw),
        before=accounting.encode(accounts.before, keeps_types=True),
    )
