"""The keys that an import watches over all its chunks: its own, and others that must be unique.

Keys of several kinds are told together; each kind but the first has a salt of its own, so that
equal values of two kinds are not taken for one key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine import dedupe

if TYPE_CHECKING:
    import numpy.typing as npt

    from rowport.engine.key_runs import KeyRuns, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedKeys:
    """Sets of fields, each of which identifies a row."""

    keys: tuple[tuple[str, ...], ...]
    """Each must be unique."""
    referred: tuple[tuple[str, ...], ...] = ()
    """Others, which rows refer to or are compared by."""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._told)

    @property
    def _told(self) -> tuple[tuple[str, ...], ...]:
        return (*self.keys, *(key for key in self.referred if key not in self.keys))

    def digests(self, rows: pa.Table) -> dedupe.Digests:
        """Hash every key of every row that has it: so many uint64, in no promised order."""
        parts = [
            self.digest(rows.select(list(key)), key)[is_whole(rows.select(list(key)))]
            for key in self._told
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint64)

    def digest(self, values: pa.Table, key: tuple[str, ...], *, seed: int = 0) -> dedupe.Digests:
        """Hash values as those of a key; the columns stand in the key's order, under any name."""
        return dedupe.digests(values, values.column_names, seed=seed) ^ self._salt(key)

    def pair(self, values: pa.Table, key: tuple[str, ...]) -> Pair:
        """Hash values twice, as those of a key."""
        return self.digest(values, key), self.digest(values, key, seed=1)

    def taken(self, rows: pa.Table, taken: KeyRuns) -> npt.NDArray[np.bool_]:
        """Tell which keys of which rows are in `taken`: a line a row, a column a key."""
        told = np.zeros((rows.num_rows, len(self.keys)), np.bool_)
        for place, key in enumerate(self.keys):
            told[:, place] = self.has_taken(rows, key, taken)
        return told

    def has_taken(
        self, rows: pa.Table, key: tuple[str, ...], taken: KeyRuns
    ) -> npt.NDArray[np.bool_]:
        """Tell for each row whether this key of it is in `taken`."""
        values = rows.select(list(key))
        return taken.contains(self.pair(values, key)) & is_whole(values)

    def pairs(self, rows: pa.Table) -> Pair:
        """Give the wide digests of every key that rows have."""
        pairs = []
        for key in self._told:
            values = rows.select(list(key))
            values = values.filter(pa.array(is_whole(values)))
            pairs.append(self.pair(values, key))
        return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])

    def _salt(self, key: tuple[str, ...]) -> np.uint64:
        if key in self.keys[:1]:
            return np.uint64(0)
        return np.uint64(int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big"))


def is_whole(parts: pa.Table) -> npt.NDArray[np.bool_]:
    """Tell which rows have a value in every part."""
    whole = np.ones(parts.num_rows, bool)
    for column in parts.columns:
        whole &= pc.is_valid(column).to_numpy()
    return whole
