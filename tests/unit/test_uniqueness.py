"""In a file read from its start, the first valid row of a key wins."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.key_runs import KeyRuns
from rowport.engine.uniqueness import Uniqueness

KEYS = (("a",), ("b", "c"))
Row = tuple[int | None, str | None, int | None]
rows_of = st.lists(
    st.tuples(
        st.none() | st.integers(0, 5),
        st.none() | st.sampled_from(["x", "y"]),
        st.none() | st.integers(0, 2),
    ),
    max_size=12,
)


def table(rows: list[Row]) -> pa.Table:
    columns: list[list[Any]] = [[row[place] for row in rows] for place in range(3)]
    types = (pa.int64(), pa.string(), pa.int64())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return pa.table(arrays, names=["a", "b", "c"])


def one_by_one(rows: list[Row]) -> list[list[bool]]:
    """Say the same with sets, a row at a time."""
    seen: list[set[tuple[Any, ...]]] = [set(), set()]
    told = []
    for a, b, c in rows:
        keys = [(a,), (b, c)]
        lost = [None not in key and key in known for key, known in zip(keys, seen, strict=True)]
        told.append(lost)
        if not any(lost):
            for key, known in zip(keys, seen, strict=True):
                if None not in key:
                    known.add(key)
    return told


@given(chunks=st.lists(rows_of, max_size=6))
def test_chunks_are_judged_as_one_row_after_the_other(chunks: list[list[Row]]) -> None:
    watch = Uniqueness(KEYS)
    told = [lost for rows in chunks for lost in watch.repeats(table(rows)).tolist()]
    assert told == one_by_one([row for rows in chunks for row in rows])


def test_numbers_are_equal_whatever_decimals_their_chunk_has() -> None:
    watch = Uniqueness([("n",)])
    for value, scale, lost in [
        ("10", 0, False),
        ("10.00", 2, True),
        ("0.0000000001", 10, False),
        ("0.00000000010", 11, True),
        ("100", 0, False),
        ("1", 1, False),
    ]:
        array = pa.array([Decimal(value)], pa.decimal128(38, scale))
        assert watch.repeats(pa.table({"n": array})).tolist() == [[lost]], value
    wide = pa.array([Decimal("1.0"), Decimal(2)], pa.decimal256(76, 40))
    assert watch.repeats(pa.table({"n": wide})).tolist() == [[True], [False]]


@given(
    batches=st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8), max_size=8
    )
)
def test_digests_with_one_equal_half_are_told_apart(batches: list[list[tuple[int, int]]]) -> None:
    seen, known = KeyRuns(), set[tuple[int, int]]()
    for batch in batches:
        pair = tuple(np.array([row[half] for row in batch], np.uint64) for half in (0, 1))
        assert seen.contains((pair[0], pair[1])).tolist() == [row in known for row in batch]
        seen.add((pair[0], pair[1]))
        known |= set(batch)
