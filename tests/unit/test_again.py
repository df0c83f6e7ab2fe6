"""Rows that are tried again, and what a chunk has become after it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine import again
from rowport.engine.accounting import (
    RAW_SCHEMA,
    RECORD_ID,
    Accounts,
    encode,
    encode_outcomes,
    numbers_of,
)
from rowport.engine.journal import LACKS
from rowport.engine.tables import ERRORS_SCHEMA, no_errors
from rowport.model.outcomes import Outcome
from rowport.ports import BrokenRow, ParsedChunk

FIRST = 11
OUTCOMES = st.lists(st.sampled_from(Outcome), min_size=1, max_size=12)


def accounts(outcomes: list[Outcome], *, code: str = "type-error") -> Accounts:
    failed = [n for n, o in enumerate(outcomes, start=FIRST) if o is Outcome.FAILED]
    return Accounts(
        outcomes=pa.table(
            {
                "outcome": pa.array([int(o) for o in outcomes], pa.uint8()),
                "line": pa.array([n * 2 for n in range(FIRST, FIRST + len(outcomes))], pa.int64()),
                "record_id": pa.nulls(len(outcomes), RECORD_ID),
            }
        ),
        errors=pa.table(
            {
                "row": failed,
                "field": ["a"] * len(failed),
                "code": [code] * len(failed),
                "value": ["v"] * len(failed),
                "message": ["m"] * len(failed),
            },
            schema=ERRORS_SCHEMA,
        ),
        raw=pa.table(
            {"row": failed, "cells": [[f"old {n}", None] for n in failed]}, schema=RAW_SCHEMA
        ),
        before=None,
    )


def chunk(rows: list[int], word: str) -> ParsedChunk:
    return ParsedChunk(
        cells=pa.table(
            {
                "0": pa.array([f"{word} {n}" for n in rows], pa.string()),
                "1": pa.array(["x"] * len(rows), pa.string()),
            }
        ),
        row=pa.array(rows, pa.int64()),
        line=pa.array([n * 2 for n in rows], pa.int64()),
    )


@given(outcomes=OUTCOMES, takes_failed=st.booleans(), data=st.data())
def test_only_rows_without_a_record_are_tried_with_their_newest_cells(
    outcomes: list[Outcome], *, takes_failed: bool, data: st.DataObject
) -> None:
    numbers = list(range(FIRST, FIRST + len(outcomes)))
    some = st.lists(st.sampled_from(numbers), unique=True).map(sorted)
    mended = [chunk(data.draw(some), word) for word in ("first", "second")]
    tried = again.tried_again(
        accounts(outcomes),
        first_row=FIRST,
        width=2,
        mended=mended,
        takes_failed=takes_failed,
        read=lambda: chunk(numbers, "file"),
    )
    expected = {}
    for number, outcome in zip(numbers, outcomes, strict=True):
        if outcome is Outcome.PENDING:
            expected[number] = f"file {number}"
        elif outcome is Outcome.FAILED and takes_failed:
            expected[number] = f"old {number}"
        if outcome in {Outcome.PENDING, Outcome.FAILED}:
            for word, sent in zip(("first", "second"), mended, strict=True):
                if number in sent.row.to_pylist():
                    expected[number] = f"{word} {number}"
    assert dict(zip(tried.row.to_pylist(), tried.cells["0"].to_pylist(), strict=True)) == expected
    assert tried.row.to_pylist() == sorted(expected)
    assert tried.line.to_pylist() == [n * 2 for n in sorted(expected)]


@given(outcomes=OUTCOMES, data=st.data())
def test_what_was_not_tried_keeps_its_fate(outcomes: list[Outcome], data: st.DataObject) -> None:
    places = sorted(data.draw(st.sets(st.sampled_from(range(len(outcomes))))))
    new = [data.draw(st.sampled_from([Outcome.CREATED, Outcome.FAILED])) for _ in places]
    rows = np.array([FIRST + at for at in places], np.int64)
    whole = accounts(
        [dict(zip(places, new, strict=True)).get(i, o) for i, o in enumerate(outcomes)]
    )
    fresh = Accounts(
        outcomes=whole.outcomes.take(pa.array(places, pa.int64())),
        errors=whole.errors.filter(pa.array(np.isin(whole.errors["row"], rows))),
        raw=whole.raw.filter(pa.array(np.isin(whole.raw["row"], rows))),
        before=None,
    )
    merged = again.merged(accounts(outcomes), fresh, rows, first_row=FIRST)
    assert merged.outcomes.to_pydict() == whole.outcomes.to_pydict()
    assert merged.errors.to_pydict() == whole.errors.to_pydict()
    assert merged.raw.to_pydict() == whole.raw.to_pydict()
    assert merged.counts == whole.counts


@given(outcomes=OUTCOMES)
def test_accounts_come_back_from_the_ledger(outcomes: list[Outcome]) -> None:
    known = accounts(outcomes)
    back = again.accounts_of(
        encode_outcomes(known.outcomes),
        errors=encode(known.errors),
        raw=encode(known.raw),
        before=None,
    )
    assert back.errors.to_pydict() == known.errors.to_pydict()
    assert back.raw.to_pydict() == known.raw.to_pydict()
    failed = again.rows_with(known, Outcome.FAILED, first_row=FIRST)
    assert again.lines_at(back, failed - FIRST).tolist() == [n * 2 for n in failed.tolist()]


def test_a_row_that_could_not_be_taken_apart_stays_so() -> None:
    known = accounts([Outcome.FAILED], code="encoding-error")
    tried = again.as_it_failed(known, np.array([FIRST]), 2, FIRST)
    assert numbers_of(tried).tolist() == [FIRST]
    assert tried.broken == (
        BrokenRow(
            row=FIRST,
            line=2 * FIRST,
            code="encoding-error",
            note="m",
            cells=("old 11", None),  # type: ignore[arg-type]  # a cell that is not there
        ),
    )


def test_before_images_of_a_field_that_changed_its_type_become_text() -> None:
    def images(row: int, **values: Any) -> Accounts:  # noqa: ANN401  any
        return Accounts(
            outcomes=again.untouched(2).outcomes,
            errors=no_errors(),
            raw=RAW_SCHEMA.empty_table(),
            before=pa.table({"row": [row], **{name: [value] for name, value in values.items()}}),
        )

    fresh = images(2, age="4", town="Rome")
    fresh = Accounts(
        outcomes=fresh.outcomes.slice(1), errors=fresh.errors, raw=fresh.raw, before=fresh.before
    )
    merged = again.merged(images(1, age=3), fresh, np.array([2]), first_row=1)
    assert merged.before is not None
    assert merged.before.to_pylist() == [
        {"row": 1, "age": "3", "town": None, LACKS: ["town"]},
        {"row": 2, "age": "4", "town": "Rome", LACKS: []},
    ]
