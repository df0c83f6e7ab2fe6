"""A set of keys that may hold too many, never too few."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rowport.engine.seen_keys import SeenKeys

digests = arrays(np.uint64, st.integers(0, 200))


@given(runs=st.lists(digests, max_size=4), rows=st.integers(0, 1000))
def test_what_was_put_in_is_known(runs: list[np.ndarray], rows: int) -> None:
    seen = SeenKeys(rows)
    for run in runs:
        seen.add(run)
    assert all(seen(run).all() for run in runs)


@given(keys=digests)
def test_nothing_is_known_at_first(keys: np.ndarray) -> None:
    assert not SeenKeys(len(keys))(keys).any()


def test_few_are_suspected_without_reason() -> None:
    dice = np.random.default_rng(5)
    keys = np.unique(dice.integers(0, 1 << 63, 220_000, np.uint64))
    seen = SeenKeys(200_000)
    seen.add(keys[::2])
    assert seen(keys[1::2]).mean() < 0.02
    assert seen(keys[::2]).all()


def test_memory_has_a_bound() -> None:
    seen = SeenKeys(10**12)
    keys = np.arange(1000, dtype=np.uint64) << np.uint64(20)
    seen.add(keys)
    assert seen(keys).all()
