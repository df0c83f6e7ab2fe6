"""In a file read from its start, the first valid row of each unique key wins.

A key is remembered as 128 bits of hash, so a file with a million rows takes 16 MB for each key.
Digests lie in sorted runs that are merged when they are of like size: a row is looked up in a few
runs, and is moved as often as the number of chunks has binary digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine import dedupe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Booleans = npt.NDArray[np.bool_]
    Pair = tuple[dedupe.Digests, dedupe.Digests]


class Uniqueness:
    """Watches the keys of rows that are fed in the order of the file."""

    def __init__(self, keys: Sequence[tuple[str, ...]]) -> None:
        """Watch these keys; a row in which a part of a key has no value does not have that key."""
        self._keys = tuple(keys)
        self._seen = [_Seen() for _ in self._keys]

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
            pair = dedupe.digests(rows, key), dedupe.digests(rows, key, seed=1)
            digests.append(pair)
            has[:, place] = _is_whole(rows.select(list(key)))
            known[:, place] = seen.contains(pair) & has[:, place]
            ids[:, place] = _groups(pair)
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


class _Seen:
    """A set of digests that only grows."""

    def __init__(self) -> None:
        self._runs: list[Pair] = []

    def add(self, pair: Pair) -> None:
        if not len(pair[0]):
            return
        self._runs.append(_sorted(pair))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            (a, b), (c, d) = self._runs.pop(), self._runs.pop()
            self._runs.append(_sorted((np.concatenate([a, c]), np.concatenate([b, d]))))

    def contains(self, pair: Pair) -> Booleans:
        a, b = pair
        found = np.zeros(len(a), bool)
        for known_a, known_b in self._runs:
            place = np.searchsorted(known_a, a)
            open_ = np.flatnonzero(place < len(known_a))
            while len(open_):  # more than once only where two first halves are equal by chance
                open_ = open_[known_a[place[open_]] == a[open_]]
                found[open_] |= known_b[place[open_]] == b[open_]
                place[open_] += 1
                open_ = open_[~found[open_] & (place[open_] < len(known_a))]
        return found


def _sorted(pair: Pair) -> Pair:
    order = np.argsort(pair[0], kind="stable")
    return pair[0][order], pair[1][order]


def _groups(pair: Pair) -> npt.NDArray[np.int64]:
    """Give rows with the same digest the same number, from 0."""
    a, b = pair
    order = np.lexsort((b, a))
    differs = np.ones(len(a), bool)
    differs[1:] = (np.diff(a[order]) != 0) | (np.diff(b[order]) != 0)
    groups = np.empty(len(a), np.int64)
    groups[order] = np.cumsum(differs) - 1
    return groups


def _is_whole(parts: pa.Table) -> Booleans:
    whole = np.ones(parts.num_rows, bool)
    for column in parts.columns:
        whole &= pc.is_valid(column).to_numpy()
    return whole
