"""Chunks are worked on at once and told in order."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.service.ahead import in_order

if TYPE_CHECKING:
    from collections.abc import Iterator


@given(st.lists(st.integers(), max_size=30))
def test_every_answer_comes_once_and_in_order(items: list[int]) -> None:
    assert list(in_order(lambda item: item + 1, items)) == [item + 1 for item in items]


def test_what_work_raises_comes_in_its_place() -> None:
    told = in_order(lambda item: 10 // item, [5, 2, 0, 1])
    assert [next(told), next(told)] == [2, 5]
    with pytest.raises(ZeroDivisionError):
        next(told)


def test_what_the_items_raise_ends_it() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        raise OSError("gone")

    told: list[str] = []
    with pytest.raises(OSError, match="gone"):
        told.extend(in_order(str, items()))


def test_an_endless_file_is_read_only_a_little_ahead_and_no_thread_stays() -> None:
    taken = count(1)
    told = in_order(lambda item: item, (next(taken) for _ in count()))
    assert next(told) == 1
    assert next(taken) == 2, "the first is worked on alone"
    assert next(told) == 3
    assert next(taken) < 12
    told.close()  # type: ignore[attr-defined]  # a generator
    assert not [t for t in threading.enumerate() if t.name.startswith("rowport-ahead")]
