"""States, counts and ids."""

from __future__ import annotations

import time
from dataclasses import asdict
from uuid import RFC_4122, UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.record_ids import record_ids
from rowport.model.counts import Counts
from rowport.model.ids import new_oid, new_uuid, record_id
from rowport.model.states import FINAL, TRANSITIONS, ImportState, Result, may

number = st.integers(0, 10**9)
counts = st.builds(
    Counts,
    created=number,
    updated=number,
    unchanged=number,
    skipped=number,
    failed=number,
    pending=number,
)


@pytest.mark.parametrize("edge", TRANSITIONS, ids=">".join)
def test_every_edge_says_when_it_happens(edge: tuple[ImportState, ImportState]) -> None:
    sentence = TRANSITIONS[edge]
    assert len(sentence.split()) >= 1
    assert sentence == sentence.strip()
    assert edge[0] is not edge[1]


@given(st.sampled_from(ImportState), st.sampled_from(ImportState))
def test_what_is_not_written_is_illegal(old: ImportState, new: ImportState) -> None:
    assert may(old, new) == ((old, new) in TRANSITIONS)


def test_every_state_can_be_reached_and_left_or_is_final() -> None:
    reached, wave = {ImportState.DRAFT}, {ImportState.DRAFT}
    while wave:
        wave = {new for old, new in TRANSITIONS if old in wave} - reached
        reached |= wave
    assert reached == set(ImportState)
    for state in ImportState:
        assert state.is_final == (state in FINAL)
        assert any(may(state, new) for new in ImportState)


def test_every_state_that_is_not_final_can_come_to_a_final_one() -> None:
    good = set(FINAL)
    for _ in ImportState:
        good |= {old for old, new in TRANSITIONS if new in good}
    assert good == set(ImportState)


@given(counts)
def test_no_row_is_lost_between_the_counts(some: Counts) -> None:
    assert some.total == sum(asdict(some).values())
    assert some.processed == some.total - some.pending


@given(counts, counts, counts)
def test_counts_add_like_the_rows_they_count(a: Counts, b: Counts, c: Counts) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Counts() == a
    assert (a + b).total == a.total + b.total


@given(counts)
def test_the_result_tells_whether_all_some_or_none_failed(some: Counts) -> None:
    match some.result:
        case Result.SUCCEEDED:
            assert some.failed == 0
        case Result.FAILED:
            assert some.failed == some.total > 0
        case Result.PARTIAL:
            assert 0 < some.failed < some.total


def test_new_uuids_are_of_version_7_and_tell_their_time() -> None:
    before = time.time_ns() // 1_000_000
    made = [new_uuid() for _ in range(500)]
    after = time.time_ns() // 1_000_000
    assert {(u.version, u.variant) for u in made} == {(7, RFC_4122)}
    assert len(set(made)) == len(made)
    stamps = [u.int >> 80 for u in made]
    assert stamps == sorted(stamps)
    assert before <= stamps[0] <= stamps[-1] <= after


def test_the_bits_of_chance_in_a_uuid_are_all_used() -> None:
    fixed = 0xF << 76 | 0b11 << 62
    seen_set = seen_clear = 0
    for _ in range(400):
        value = new_uuid().int & (2**80 - 1)
        seen_set, seen_clear = seen_set | value, seen_clear | ~value
    assert (seen_set & seen_clear) & (2**80 - 1) | fixed == 2**80 - 1


def test_oids_are_24_hex_digits_and_tell_their_second() -> None:
    before = int(time.time())
    made = [new_oid() for _ in range(200)]
    assert len(set(made)) == 200
    assert all(len(oid) == 24 and oid == f"{int(oid, 16):024x}" for oid in made)
    assert all(before <= int(oid[:8], 16) <= int(time.time()) for oid in made)


rows = st.integers(1, 2**40 - 1)


@given(st.uuids(), st.lists(rows, max_size=30))
def test_record_ids_are_the_same_for_a_batch_as_one_by_one(import_id: UUID, row: list[int]) -> None:
    batch = record_ids(import_id, pa.array(row, pa.int64())).to_pylist()
    assert [UUID(bytes=value) for value in batch] == [record_id(import_id, n) for n in row]


@given(st.uuids(), rows, rows)
def test_record_ids_are_of_version_8_and_in_the_order_of_rows(
    import_id: UUID, one: int, two: int
) -> None:
    first, second = record_id(import_id, one), record_id(import_id, two)
    assert (first.version, first.variant) == (8, RFC_4122)
    assert (first < second) == (one < two)
    assert (first == second) == (one == two)


@given(st.uuids(), st.uuids(), rows)
def test_two_imports_never_make_the_same_record_id(one: UUID, two: UUID, row: int) -> None:
    assert (record_id(one, row) == record_id(two, row)) == (one == two)


@pytest.mark.parametrize("row", [-1, 2**40])
def test_a_row_number_that_does_not_fit_is_an_error(row: int) -> None:
    with pytest.raises(OverflowError):
        record_id(new_uuid(), row)
    with pytest.raises(OverflowError):
        record_ids(new_uuid(), pa.array(np.array([1, row])))
