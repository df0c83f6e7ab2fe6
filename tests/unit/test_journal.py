"""What a chunk wrote, without a database: its journal, marks and what rounds add."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from rowport.destinations.postgres.marks import spans
from rowport.destinations.postgres.reversing import within
from rowport.engine.accounting import RECORD_ID, encode, encode_outcomes, row_outcomes
from rowport.engine.again import _stacked
from rowport.engine.journal import LACKS, undo_counts, undone_table, written_rows
from rowport.model.ids import record_id
from rowport.model.outcomes import Outcome
from rowport.model.undo import RowUndo, UndoCounts, UndoFate
from rowport.store.undos import multirange

IMPORT = UUID("01a2037b-a4db-707a-a7ae-d9de35d10f9e")


def outcomes(*kinds: Outcome) -> pa.Table:
    ids = [bytes([at]) * 16 if kind is Outcome.UPDATED else None for at, kind in enumerate(kinds)]
    return pa.table(
        {
            "outcome": pa.array(kinds, pa.uint8()),
            "line": pa.array(range(2, 2 + len(kinds)), pa.int64()),
            "record_id": pa.array(ids, RECORD_ID),
        }
    )


@given(st.lists(st.sampled_from(list(Outcome)), max_size=20))
def test_the_rows_that_wrote_records_are_those_created_and_updated(kinds: list[Outcome]) -> None:
    written = written_rows(IMPORT, outcomes(*kinds), first_row=101)
    wrote = {Outcome.CREATED, Outcome.UPDATED}
    expected = [101 + at for at, kind in enumerate(kinds) if kind in wrote]
    assert written.row.tolist() == expected
    for row, is_new, identity in zip(
        expected, written.is_new.tolist(), written.record_id.to_pylist(), strict=True
    ):
        assert is_new == (kinds[row - 101] is Outcome.CREATED)
        made = record_id(IMPORT, row).bytes
        assert identity == (made if is_new else bytes([row - 101]) * 16)


@given(st.sets(st.integers(0, 40)), st.lists(st.integers(0, 45)))
def test_marks_are_found_again_in_their_spans(marks: set[int], asked: list[int]) -> None:
    found = spans(marks)
    assert within(np.array(asked, np.int64), found).tolist() == [mark in marks for mark in asked]
    assert sum(end - first for first, end in found) == len(marks)


def test_spans_are_written_as_a_multirange() -> None:
    assert multirange(()) == "{}"
    assert multirange(spans([7, 5, 6, 9])) == "{[5,8),[9,10)}"


def test_what_undoing_made_of_rows_is_read_back_with_them() -> None:
    table = outcomes(Outcome.CREATED, Outcome.FAILED, Outcome.UPDATED)
    fate = pa.array([UndoFate.REVERSED, UndoFate.KEPT], pa.uint8())
    undone = undone_table(np.array([1, 3]), fate, pa.array([None, "why"]))
    rows = row_outcomes(
        IMPORT,
        first_row=1,
        outcomes=encode_outcomes(table),
        errors=None,
        raw=None,
        undone=encode(undone),
    )
    assert [row.undo for row in rows] == [
        RowUndo(fate=UndoFate.REVERSED, message=None),
        None,
        RowUndo(fate=UndoFate.KEPT, message="why"),
    ]
    assert undo_counts(fate) == UndoCounts(reversed=1, kept=1)


def test_images_of_rounds_that_loaded_other_fields_say_which_they_lack() -> None:
    first = pa.table({"row": [1], "a": ["x"]})
    second = pa.table({"row": [2], "b": [7]})
    third = pa.table({"row": [3], "a": ["y"], "b": [8]})
    same = _stacked(first, first)
    assert same is not None
    assert LACKS not in same.column_names
    stacked = _stacked(_stacked(first, second), third)
    assert stacked is not None
    assert stacked.to_pylist() == [
        {"row": 1, "a": "x", "b": None, LACKS: ["b"]},
        {"row": 2, "a": None, "b": 7, LACKS: ["a"]},
        {"row": 3, "a": "y", "b": 8, LACKS: []},
    ]
