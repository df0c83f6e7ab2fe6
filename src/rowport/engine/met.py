"""Which existing records the earlier rows of a file have met.

A record that a row leaves as it is (`unchanged`, `skipped`) bears no mark of the import, so the
destination cannot tell that a later row means it again.  This remembers such records: eight bytes
each, because the ids of records made by one import share their first eleven bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.uint8]
    """n x 16 bytes."""

PREFIX_BYTES: Final = 11
ROW_BITS: Final = 40


class MetRecords:
    """A growing set of record ids."""

    def __init__(self) -> None:
        self._prefixes: dict[bytes, int] = {}
        self._runs: list[npt.NDArray[np.uint64]] = []

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)

    def add(self, ids: Ids) -> None:
        """Remember these records."""
        if not len(ids):
            return
        run = np.sort(self._pack(ids, learn=True))
        # Runs of falling size keep a look-up to a few binary searches.
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)

    def __call__(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Tell for each id whether it is remembered."""
        known = np.zeros(len(ids), dtype=bool)
        packed = self._pack(ids, learn=False)
        for run in self._runs:
            place = np.searchsorted(run, packed)
            place[place == len(run)] = len(run) - 1
            known |= run[place] == packed
        return known

    def _pack(self, ids: Ids, *, learn: bool) -> npt.NDArray[np.uint64]:
        prefixes = np.ascontiguousarray(ids[:, :PREFIX_BYTES]).view(f"V{PREFIX_BYTES}").reshape(-1)
        distinct, place = np.unique(prefixes, return_inverse=True)
        numbers = np.array([self._number(p.tobytes(), learn=learn) for p in distinct], np.uint64)
        rows = np.zeros((len(ids), 8), np.uint8)
        rows[:, 8 - (16 - PREFIX_BYTES) :] = ids[:, PREFIX_BYTES:]
        row = rows.view(">u8").reshape(-1).astype(np.uint64)
        if not len(numbers):
            return row
        return (numbers[place] << np.uint64(ROW_BITS)) | row

    def _number(self, prefix: bytes, *, learn: bool) -> int:
        if learn:
            return self._prefixes.setdefault(prefix, len(self._prefixes) + 1)
        return self._prefixes.get(prefix, 0)
