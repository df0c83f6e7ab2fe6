"""The keys of many rows, as 128 bits of hash each.

Digests lie in sorted runs that are merged when they are of like size: a row is looked up in a few
runs, and is moved as often as the number of chunks has binary digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from rowport.engine.dedupe import Digests

    Booleans = npt.NDArray[np.bool_]
    Pair = tuple[Digests, Digests]


class KeyRuns:
    """A set of digests that only grows."""

    def __init__(self) -> None:
        self._runs: list[Pair] = []

    def add(self, pair: Pair) -> None:
        """Put digests in."""
        if not len(pair[0]):
            return
        order = np.argsort(pair[0])
        self._runs.append((pair[0][order], pair[1][order]))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            (a, b), (c, d) = self._runs.pop(), self._runs.pop()
            self._runs.append(_merged((np.concatenate([a, c]), np.concatenate([b, d]))))

    def contains(self, pair: Pair) -> Booleans:
        """Tell for each digest whether it was put in."""
        order = np.argsort(pair[0])  # looked up in order, they stay in the processor's cache
        a, b = pair[0][order], pair[1][order]
        found = np.zeros(len(a), bool)
        for known_a, known_b in self._runs:
            place = np.searchsorted(known_a, a)
            open_ = np.flatnonzero(place < len(known_a))
            while len(open_):  # more than once only where two first halves are equal by chance
                open_ = open_[known_a[place[open_]] == a[open_]]
                found[open_] |= known_b[place[open_]] == b[open_]
                place[open_] += 1
                open_ = open_[~found[open_] & (place[open_] < len(known_a))]
        told = np.empty(len(a), bool)
        told[order] = found
        return told


def _merged(pair: Pair) -> Pair:
    """Sort what two sorted runs make: the stable sort takes each of them as a whole."""
    order = np.argsort(pair[0], kind="stable")
    return pair[0][order], pair[1][order]
