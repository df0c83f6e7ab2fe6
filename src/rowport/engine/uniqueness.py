"""In a file read from its start, the first valid row of each unique key wins.

A key is remembered as 128 bits of hash, so a file with a million rows takes 16 MB for each key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rowport.engine import dedupe
from rowport.engine.key_runs import KeyRuns
from rowport.engine.watched_keys import is_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pyarrow as pa

    Booleans = npt.NDArray[np.bool_]
    from rowport.engine.key_runs import Pair


class Uniqueness:
    """Watches the keys of rows that are fed in the order of the file."""

    def __init__(self, keys: Sequence[tuple[str, ...]]) -> None:
        """Watch these keys; a row in which a part of a key has no value does not have that key."""
        self._keys = tuple(keys)
        self._seen = [KeyRuns() for _ in self._keys]

    def repeats(self, rows: pa.Table) -> Booleans:
        """Tell which keys of which rows stand in an earlier row that has won.

        `rows` are the valid rows of the next chunk, typed.  The answer has a line for each row
        and a column for each key.  A row that loses by one key takes none of its other keys.
        """
        shape = (rows.num_rows, len(self._keys))
        known, ids = np.zeros(shape, bool), np.zeros(shape, np.int64)
        twice, has = np.zeros(shape, bool), np.zeros(shape, bool)
        digests: list[Pair] = []
        for place, (key, seen) in enumerate(zip(self._keys, self._seen, strict=True)):
            pair = dedupe.wide_digests(rows, key)
            digests.append(pair)
            has[:, place] = is_whole(rows.select(list(key)))
            known[:, place] = seen.contains(pair) & has[:, place]
            ids[:, place] = groups_of(pair)
            twice[:, place] = (np.bincount(ids[:, place])[ids[:, place]] > 1) & has[:, place]
        lost = _losses(known, twice, ids)
        wins = ~lost.any(axis=1)
        for place, (seen, (a, b)) in enumerate(zip(self._seen, digests, strict=True)):
            fresh = wins & has[:, place]
            seen.add((a[fresh], b[fresh]))
        return lost


def _losses(known: Booleans, twice: Booleans, ids: npt.NDArray[np.int64]) -> Booleans:
    """Let the rows that share a key decide in their order; the others win at once."""
    lost = known.copy()
    taken: list[set[int]] = [set() for _ in range(known.shape[1])]
    for row in np.flatnonzero((known | twice).any(axis=1)).tolist():
        shared = [(key, int(ids[row, key])) for key in np.flatnonzero(twice[row]).tolist()]
        for key, group in shared:
            lost[row, key] |= group in taken[key]
        if not lost[row].any():
            for key, group in shared:
                taken[key].add(group)
    return lost


def groups_of(pair: Pair) -> npt.NDArray[np.int64]:
    """Give rows with the same digest the same number, from 0."""
    a, b = pair
    order = np.argsort(a)
    if np.any((np.diff(a[order]) == 0) & (np.diff(b[order]) != 0)):  # first halves equal by chance
        order = np.lexsort((b, a))
    differs = np.ones(len(a), bool)
    differs[1:] = (np.diff(a[order]) != 0) | (np.diff(b[order]) != 0)
    groups = np.empty(len(a), np.int64)
    groups[order] = np.cumsum(differs) - 1
    return groups
