"""Load one chunk: read, validate, dedupe, load and account in one transaction.

The chunk's row lock is the lease.  Rows, outcomes, counters and the chunk's mark commit together,
so a chunk is either done whole or not at all, whoever dies when.

In a file, the first valid row of a key wins, whatever the order in which chunks are loaded: see
`rowport.service.first_wins`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from rowport.engine import accounting, again
from rowport.engine.key_runs import KeyRuns
from rowport.engine.met import MetRecords
from rowport.model.errors import RowportError
from rowport.model.imports import Mode
from rowport.model.states import ImportState, Phase
from rowport.ports import LoadBatch
from rowport.ports.ledger import ChunkRef, ClaimedChunk, ImportRef, PlannedChunk
from rowport.ports.told import ChunkResult
from rowport.service.chunk_reading import ChunkReading
from rowport.service.deduping import load_first
from rowport.service.own_referring import OwnReferring
from rowport.service.recipes import ImportEnded, Recipe, write_recipe
from rowport.service.referring import Referring
from rowport.service.watching import compared, referred, taken_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from rowport.engine.accounting import Accounts
    from rowport.engine.key_runs import Pair
    from rowport.ports import BlobStore, Destination, Format, LoadResult, Transaction
    from rowport.ports.ledger import LeasedChunk, Ledger
    from rowport.service.chunk_reading import Checked
    from rowport.service.first_wins import FirstWins
    from rowport.service.kept_keys import KeptKeys

RECIPES: Final = 16
"""Imports that one worker serves at once without asking for them again."""
OPEN: Final = frozenset({ImportState.RUNNING, ImportState.PAUSING, ImportState.CANCELING})
"""States in which a chunk in flight may still commit."""


class OthersRun(RowportError):
    """As many imports of its organization run as may at once."""

    code = "others_run"
    transient = True


@dataclass(slots=True, kw_only=True)
class Loading:
    """Loads chunks; one instance a thread."""

    ledger: Ledger
    formats: Mapping[str, Format]
    blobs: BlobStore
    destination: Destination
    first_wins: FirstWins
    kept_keys: KeptKeys
    _recipes: OrderedDict[ImportRef, Recipe] = field(default_factory=OrderedDict)

    @property
    def _reading(self) -> ChunkReading:
        return ChunkReading(ledger=self.ledger, formats=self.formats, blobs=self.blobs)

    @property
    def _referring(self) -> Referring:
        return Referring(destination=self.destination)

    @property
    def _own_referring(self) -> OwnReferring:
        return OwnReferring(destination=self.destination)

    def load(self, claimed: ClaimedChunk) -> None:
        """Load a chunk, or find that there is nothing to do.

        Nothing is written either when the import was to stop meanwhile: the chunk is given back,
        and settling the import decides on it.

        Raises:
            Unavailable: the database or the blob store went away; nothing was written.
            EarlierChunkPending: its turn has not come; nothing was written.
        """
        try:
            self._load(claimed.ref)
        except ImportEnded:
            with self.ledger.database.transaction() as tx:
                self.ledger.chunks.put_back(tx, claimed.ref, delay=timedelta(0), fault=None)

    def _load(self, ref: ChunkRef) -> None:
        # The lease comes first: whatever takes long happens while no other worker can claim it.
        with self.ledger.database.transaction() as tx:
            leased = self.ledger.chunks.lock(tx, ref)
            if leased is None or leased.planned.is_undone:
                return
            recipe = self._recipe(ref.whole, leased)
            if recipe.job.options.policy.all_or_nothing:
                self._load_whole(tx, ref.whole, recipe)
                return
            result = self._load_one(tx, ref, recipe, leased.planned)
            self._still_open(tx, ref.whole, recipe)
            self.ledger.chunks.finish(tx, ref, result)

    def _begin(self, ref: ImportRef) -> Recipe:
        """Let the first chunk of an import take it from queued to running.

        A transaction of its own, so that the others need not wait for a whole chunk.
        """
        with self.ledger.database.transaction() as tx:
            state = self.ledger.imports.lock(tx, ref)
            if state is ImportState.QUEUED:
                if not self.ledger.turns.may_run(tx, ref.organization_id):
                    raise OthersRun
                self._run(tx, ref)
            elif state is not ImportState.RUNNING:
                raise ImportEnded
            # Behind the lock: an import began on one day, whoever asks.
            recipe = write_recipe(self.ledger, tx, ref)
            if state is ImportState.QUEUED:
                self.destination.prepare(tx, recipe.record_type)
            return recipe

    def _run(self, tx: Transaction, ref: ImportRef) -> None:
        """Take an import from queued to running."""
        job = self.ledger.imports.get(tx, ref)
        if job is None:
            raise ImportEnded
        dry = job.options.mode is Mode.VALIDATE
        self.ledger.imports.move(
            tx,
            ref,
            ImportState.QUEUED,
            ImportState.RUNNING,
            phase=Phase.VALIDATING if dry else Phase.LOADING,
        )

    def _still_open(self, tx: Transaction, ref: ImportRef, recipe: Recipe) -> None:
        """Hold the import's state to the end of the transaction, or give the chunk up.

        Asked last, so that whoever wants to stop it waits for a commit, never for a chunk.  Of an
        import that was stopped and started again meanwhile, the options may be others now.
        """
        now = self.ledger.imports.share(tx, ref)
        if now is None or now.state not in OPEN or now.starts != recipe.starts:
            self._recipes.pop(ref, None)
            raise ImportEnded

    # ----------------------------------------------------------------------------- the recipe

    def _recipe(self, ref: ImportRef, leased: LeasedChunk) -> Recipe:
        known = self._recipes.get(ref)
        if known is None or known.starts != leased.starts:
            self._recipes[ref] = self._begin(ref)
            while len(self._recipes) > RECIPES:
                self._recipes.popitem(last=False)
        self._recipes.move_to_end(ref)
        return self._recipes[ref]

    # -------------------------------------------------------------------------------- a chunk

    def _load_one(
        self, tx: Transaction, ref: ChunkRef, recipe: Recipe, planned: PlannedChunk
    ) -> ChunkResult:
        checked = self._reading.check(tx, recipe, planned)
        checked = self._referring.follow(tx, recipe, checked, recipe.referrals_at_once)
        if recipe.is_dry or recipe.dedupe:
            loaded, checked = self._load_in_turn(tx, ref, recipe, checked)
            return _encode(_account(planned, checked, loaded))
        met = None
        if recipe.watched:
            mine = recipe.watched.digests(compared(recipe, checked))
            self.first_wins.await_earlier(ref, mine, referred(recipe, checked))
        if recipe.key:
            met = self.first_wins.met_before(ref, any_number=checked.is_again)
        # Records are made last: whoever wants the same one waits for the end of this transaction.
        checked = self._referring.follow(tx, recipe, checked, recipe.referrals_that_write)
        # In a later round any row of the import may have the key, not only earlier ones.
        asks_all = not recipe.key or checked.is_again

        def batch_of(kept: Checked) -> LoadBatch:
            may_repeat = None if asks_all else self._may_repeat(ref, recipe, kept)
            return self._batch(recipe, met, kept, may_repeat)

        loaded, checked = self._own_referring.load(tx, recipe, checked, batch_of)
        return _encode(_account(planned, checked, loaded))

    def _may_repeat(
        self, ref: ChunkRef, recipe: Recipe, checked: Checked
    ) -> Callable[[], npt.NDArray[np.bool_] | None]:
        keys = compared(recipe, checked).select(list(recipe.key))
        mine = recipe.watched.digest(keys, recipe.key)
        rows = recipe.job.counts.total * len(recipe.watched.keys)
        return partial(self.first_wins.may_repeat, ref, mine, rows=rows)

    def _load_in_turn(
        self, tx: Transaction, ref: ChunkRef, recipe: Recipe, checked: Checked
    ) -> tuple[LoadResult, Checked]:
        """Load a chunk, or say what would become of it, once all earlier chunks are done with."""
        met, taken = None, KeyRuns()
        if recipe.watched and checked.is_again:
            self.first_wins.await_done(ref)
            keys_of = partial(self._keys_again, recipe)
            taken = self.kept_keys.of_import(ref.whole, keys_of, starts=recipe.starts)
        elif recipe.watched:
            lost = partial(self._lost_keys, recipe)
            taken = self.first_wins.taken_before(ref, lost, are_committed=not recipe.is_dry)
        if recipe.key and not recipe.is_dry:
            met = self.first_wins.met_before(ref, any_number=checked.is_again)
        checked = self._referring.follow(tx, recipe, checked, recipe.referrals_that_write)
        loaded, checked = self._load_after(tx, recipe, checked, met, taken)
        if recipe.watched and not checked.is_again:
            self.first_wins.publish_taken(ref, taken_by(recipe, checked, loaded))
        return loaded, checked

    def _load_after(
        self,
        tx: Transaction,
        recipe: Recipe,
        checked: Checked,
        met: MetRecords | None,
        taken: KeyRuns,
    ) -> tuple[LoadResult, Checked]:
        """Load rows after others that met these records and took these keys."""

        def load(kept: Checked) -> tuple[LoadResult, Checked]:
            batch_of = partial(self._batch, recipe, met)
            # What is loaded is known to the destination.
            others = taken if recipe.is_dry else None
            return self._own_referring.load(tx, recipe, kept, batch_of, others)

        return load_first(tx, recipe, checked, taken, load)

    def _lost_keys(self, recipe: Recipe, ref: ChunkRef) -> Pair:
        """Read the keys that the rows of a chunk took once more, since a crash lost them."""
        with self.ledger.database.transaction() as side:
            planned = {c.number: c for c in self.ledger.chunks.of_import(side, ref.whole)}
        return self._keys_again(recipe, planned[ref.number])

    def _keys_again(self, recipe: Recipe, planned: PlannedChunk) -> Pair:
        """Read the keys that the rows of a chunk took, as they stand now."""
        checked = self._reading.check_whole(recipe, planned)
        with self.ledger.database.transaction() as side:
            outcomes = self.ledger.chunks.outcomes(side, recipe.ref, [planned.number])
            kept = accounting.kept_rows(outcomes[planned.number], planned.span.first_row)
            checked = checked.without(~np.isin(checked.valid.row.to_numpy(), kept), [])
            checked = self._referring.follow(side, recipe, checked, recipe.referrals)
        return recipe.watched.pairs(checked.valid.rows)

    def _batch(
        self,
        recipe: Recipe,
        met: MetRecords | None,
        checked: Checked,
        may_repeat: Callable[[], npt.NDArray[np.bool_] | None] | None = None,
    ) -> LoadBatch:
        return LoadBatch(
            import_id=recipe.job.id,
            rows=checked.valid.rows,
            row=checked.valid.row,
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
        results: list[Accounts] = []
        met, taken = MetRecords(), KeyRuns()
        savepoint = tx.savepoint()
        savepoint.__enter__()
        try:
            for planned in chunks:
                self._not_stopped(ref)
                results.append(self._load_next(tx, recipe, planned, met, taken))
        except BaseException as error:
            savepoint.__exit__(type(error), error, error.__traceback__)
            raise
        good = not any(r.counts.failed for r in results)
        rollback = None if good else Rejected()
        savepoint.__exit__(type(rollback) if rollback else None, rollback, None)
        self._still_open(tx, ref, recipe)
        self._write_whole(tx, ref, chunks, results, good=good)

    def _not_stopped(self, ref: ImportRef) -> None:
        """Give up between two chunks when somebody wants the import to stop."""
        with self.ledger.database.transaction() as side:
            now = self.ledger.imports.share(side, ref)
        if now is None or now.state is not ImportState.RUNNING:
            raise ImportEnded

    def _load_next(
        self,
        tx: Transaction,
        recipe: Recipe,
        planned: PlannedChunk,
        met: MetRecords,
        taken: KeyRuns,
    ) -> Accounts:
        """Load a chunk after those that met and took these records and keys."""
        checked = self._reading.check(tx, recipe, planned)
        for referrals in (recipe.referrals_at_once, recipe.referrals_that_write):
            checked = self._referring.follow(tx, recipe, checked, referrals)
        earlier = None if recipe.is_dry else met
        loaded, checked = self._load_after(tx, recipe, checked, earlier, taken)
        if recipe.watched and (recipe.is_dry or recipe.dedupe):
            taken.add(taken_by(recipe, checked, loaded))
        accounts = _account(planned, checked, loaded)
        met.add(accounting.left_alone(accounts.outcomes))
        return accounts

    def _write_whole(
        self,
        tx: Transaction,
        ref: ImportRef,
        chunks: Sequence[PlannedChunk],
        results: Sequence[Accounts],
        *,
        good: bool,
    ) -> None:
        for planned, accounts in zip(chunks, results, strict=True):
            kept = accounts if good else accounting.only_failed(accounts)
            done = kept.counts.pending == 0
            self.ledger.chunks.finish(tx, _chunk(ref, planned), _encode(kept), done=done)


class Rejected(Exception):
    """A row failed, so none is kept."""


def _chunk(ref: ImportRef, planned: PlannedChunk) -> ChunkRef:
    return ChunkRef(
        organization_id=ref.organization_id, import_id=ref.import_id, number=planned.number
    )


def _account(planned: PlannedChunk, checked: Checked, loaded: LoadResult) -> Accounts:
    fresh = accounting.account(
        checked.parsed,
        invalid=checked.valid.errors,
        loaded=loaded,
        row=checked.valid.row,
        skipped=checked.skipped,
    )
    if checked.earlier is None:
        return fresh
    tried = accounting.numbers_of(checked.parsed)
    return again.merged(checked.earlier, fresh, tried, first_row=planned.span.first_row)


def _encode(accounts: Accounts) -> ChunkResult:
    return ChunkResult(
        counts=accounts.counts,
        outcomes=accounting.encode_outcomes(accounts.outcomes),
        errors=accounting.encode(accounts.errors),
        raw=accounting.encode(accounts.raw),
        before=accounting.encode(accounts.before, keeps_types=True),
        written_by=accounts.written_by,
    )
