"""Which keys the earlier rows of a file may have had.

A Bloom filter over the digests of keys: what it does not know was surely in no earlier row; of
what it knows the destination has to compare the real keys.  Its size depends on the number of
rows alone and has a bound, so a large file costs look-ups and not memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from rowport.engine.dedupe import Digests

_PROBES: Final = 4
_BITS_PER_KEY: Final = 12
"""With four probes one key of a hundred is suspected without reason."""
_LEAST_BITS: Final = 1 << 13
_MOST_BITS: Final = 1 << 25
"""4 MiB: enough for three million keys; with more of them suspicion grows, not memory."""


class SeenKeys:
    """A growing set of digests that may hold more than was put into it, never less."""

    def __init__(self, keys: int) -> None:
        """Make room for so many keys."""
        wanted = max(_LEAST_BITS, keys * _BITS_PER_KEY)
        self._bits = min(_MOST_BITS, 1 << (wanted - 1).bit_length())
        self._bytes = np.zeros(self._bits // 8, np.uint8)

    def add(self, digests: Digests) -> None:
        """Put digests in."""
        for place in self._places(digests):
            np.bitwise_or.at(self._bytes, place >> 3, _bit(place))

    def __call__(self, digests: Digests) -> npt.NDArray[np.bool_]:
        """Tell for each digest whether it may have been put in."""
        known = np.ones(len(digests), np.bool_)
        for place in self._places(digests):
            known &= (self._bytes[place >> 3] & _bit(place)) != 0
        return known

    def _places(self, digests: Digests) -> list[npt.NDArray[np.int64]]:
        """Give the bits of each digest: the two halves of a good hash are two hashes."""
        start = digests & np.uint64(0xFFFFFFFF)
        step = (digests >> np.uint64(32)) | np.uint64(1)
        mask = np.uint64(self._bits - 1)
        return [((start + np.uint64(n) * step) & mask).astype(np.int64) for n in range(_PROBES)]


def _bit(place: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.left_shift(1, place & 7), np.uint8)
