"""In a file, the first valid row of a key wins, whatever the order in which chunks are loaded.

A chunk publishes the digests of its valid keys before it loads.  Then it waits for each earlier
chunk that is not committed and has not published, or shares a digest with it.  Of committed
chunks the destination itself knows the keys that they wrote, so only the few chunks in flight are
ever compared.  Chunks are claimed in order, so the wait is short.

Records that a committed chunk met and left as they are bear no mark of the import: their ids are
taken from its outcomes, eight bytes a record, by whoever loads a later chunk.

A destination that hopes for new records alone can be told which rows may repeat a key of an
earlier chunk, so that it need not look up the others.

A dry run commits nothing to the destination; there the chunks are judged in their order, and each
publishes the keys that its rows took.  So it is where the schema says which rows repeat others.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from rowport.engine import dedupe
from rowport.engine.accounting import met_ids
from rowport.engine.key_runs import KeyRuns
from rowport.engine.met import MetRecords
from rowport.engine.seen_keys import SeenKeys
from rowport.model.errors import RowportError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import numpy.typing as npt

    from rowport.engine.key_runs import Pair
    from rowport.ports.ledger import ChunkRef, ImportRef, Ledger

PATIENCE_S: Final = 2.0
"""How long a chunk waits for an earlier one before its worker takes another chunk."""
GLANCE_S: Final = 0.005
IMPORTS_REMEMBERED: Final = 4
CAUGHT_UP: Final = 64
"""Chunks whose keys a worker reads at once, when it comes to an import late."""


class EarlierChunkPending(RowportError):
    """An earlier chunk that may share a key is not done yet."""

    code = "earlier_chunk_pending"
    transient = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWins:
    """Keeps the chunks of an import in order where their keys meet."""

    ledger: Ledger
    _taken: OrderedDict[ImportRef, tuple[set[int], KeyRuns]] = field(default_factory=OrderedDict)
    _met: OrderedDict[ImportRef, tuple[set[tuple[int, datetime]], MetRecords]] = field(
        default_factory=OrderedDict
    )
    _seen: OrderedDict[ImportRef, tuple[set[int], SeenKeys]] = field(default_factory=OrderedDict)

    def await_earlier(
        self, ref: ChunkRef, mine: dedupe.Digests, wanted: dedupe.Digests | None = None
    ) -> None:
        """Publish this chunk's digests and wait for every earlier chunk that may share a key.

        `mine`: those of all keys that its rows have; `wanted`: those that they refer to.

        Raises:
            EarlierChunkPending: it took longer than PATIENCE_S.
        """
        with self.ledger.database.transaction() as side:
            self.ledger.chunks.publish_keys(side, ref, dedupe.pack(mine))
        if wanted is not None:
            mine = np.concatenate([mine, wanted])
        harmless: set[int] = set()
        deadline = time.monotonic() + PATIENCE_S
        while self._has_rival(ref, mine, harmless):
            _glance(deadline)

    def await_done(self, ref: ChunkRef) -> None:
        """Wait for every earlier chunk that is still to come.

        Raises:
            EarlierChunkPending: it took longer than PATIENCE_S.
        """
        deadline = time.monotonic() + PATIENCE_S
        while self._has_earlier(ref):
            _glance(deadline)

    def _has_earlier(self, ref: ChunkRef) -> bool:
        with self.ledger.database.transaction() as side:
            return bool(self.ledger.chunks.earlier(side, ref, dry_run=False))

    def _has_rival(self, ref: ChunkRef, mine: dedupe.Digests, harmless: set[int]) -> bool:
        """Tell whether an uncommitted earlier chunk shares a key, or has not said its keys."""
        with self.ledger.database.transaction() as side:
            earlier = self.ledger.chunks.earlier(side, ref, dry_run=False)
            unseen = [n for n, published in earlier if published and n not in harmless]
            packed = self.ledger.chunks.digests(side, ref.whole, unseen) if unseen else {}
        harmless |= {n for n, keys in packed.items() if not dedupe.overlaps(keys, mine)}
        return any(n not in harmless for n, _ in earlier)

    def met_before(self, ref: ChunkRef, *, any_number: bool = False) -> MetRecords:
        """Give the records that committed earlier chunks met and left as they are.

        To be asked after `await_earlier`.  It may hold records of later chunks too: those share no
        key with this one.  In a later round `any_number` is right: a row that is tried again comes
        after all rows that have a record, its own chunk's too.
        """
        seen, met = self._met.setdefault(ref.whole, (set(), MetRecords()))
        self._met.move_to_end(ref.whole)
        while len(self._met) > IMPORTS_REMEMBERED:
            self._met.popitem(last=False)
        with self.ledger.database.transaction() as side:
            known = self.ledger.chunks.with_met_records(side, ref, any_number=any_number)
            fresh = {n: (n, when) for n, when in known if (n, when) not in seen}
            outcomes = self.ledger.chunks.outcomes(side, ref.whole, [*fresh]) if fresh else {}
        for number, encoded in outcomes.items():
            met.add(met_ids(encoded))
            seen.add(fresh[number])
        return met

    def may_repeat(
        self, ref: ChunkRef, mine: dedupe.Digests, *, rows: int
    ) -> npt.NDArray[np.bool_] | None:
        """Tell for each row whether an earlier chunk may have its key; None if it is not known.

        To be asked after `await_earlier`.  `rows`: how many keys the import has at most.  Not
        known are keys that a crash of the database lost, or that are still to be read by a worker
        that came late.
        """
        numbers, seen = self._seen.setdefault(ref.whole, (set(), SeenKeys(rows)))
        self._seen.move_to_end(ref.whole)
        while len(self._seen) > IMPORTS_REMEMBERED:
            self._seen.popitem(last=False)
        with self.ledger.database.transaction() as side:
            earlier = self.ledger.chunks.earlier(side, ref, dry_run=True)
            fresh = [n for n, published in earlier if published and n not in numbers][:CAUGHT_UP]
            packed = self.ledger.chunks.digests(side, ref.whole, fresh) if fresh else {}
        for number, keys in packed.items():
            seen.add(dedupe.unpack(keys))
            numbers.add(number)
        return seen(mine) if all(n in numbers for n, _ in earlier) else None

    def taken_before(
        self, ref: ChunkRef, again: Callable[[ChunkRef], Pair], *, are_committed: bool
    ) -> KeyRuns:
        """Give the keys that the rows of earlier chunks took.

        `again` finds the keys of a chunk that is done, where a crash of the database lost them;
        `are_committed`: the chunks have to be done, and not only to have told their keys.

        Raises:
            EarlierChunkPending: an earlier chunk was not ready within PATIENCE_S.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with self.ledger.database.transaction() as side:
                lost = self.ledger.chunks.without_keys(side, ref)
            for number in lost:
                name = replace(ref, number=number)
                self.publish_taken(name, again(name))
            with self.ledger.database.transaction() as side:
                earlier = self.ledger.chunks.earlier(side, ref, dry_run=True)
                waits = are_committed and self.ledger.chunks.earlier(side, ref, dry_run=False)
            if not waits and all(published for _, published in earlier):
                return self._taken_by(ref, [n for n, _ in earlier])
            _glance(deadline)

    def _taken_by(self, ref: ChunkRef, numbers: Sequence[int]) -> KeyRuns:
        known, taken = self._taken.pop(ref.whole, (set(), KeyRuns()))
        if not known <= set(numbers):  # this chunk, or a later one, was judged here before
            known, taken = set(), KeyRuns()
        self._taken[ref.whole] = known, taken
        while len(self._taken) > IMPORTS_REMEMBERED:
            self._taken.popitem(last=False)
        fresh = [number for number in numbers if number not in known]
        for begin in range(0, len(fresh), CAUGHT_UP):
            with self.ledger.database.transaction() as side:
                some = fresh[begin : begin + CAUGHT_UP]
                packed = self.ledger.chunks.digests(side, ref.whole, some)
            for number, keys in packed.items():
                taken.add(dedupe.unpack_wide(keys))
                known.add(number)
        return taken

    def publish_taken(self, ref: ChunkRef, pair: Pair) -> None:
        """Let later chunks know which keys this chunk's rows took."""
        with self.ledger.database.transaction() as side:
            self.ledger.chunks.publish_keys(side, ref, dedupe.pack_wide(pair))


def _glance(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise EarlierChunkPending
    time.sleep(GLANCE_S)
