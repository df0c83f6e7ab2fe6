"""The fate of every row of a chunk: put together, encoded, and read back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from rowport.engine import accounting, dedupe
from rowport.engine.record_ids import record_ids
from rowport.engine.staging import freeze, thaw
from rowport.engine.tables import ERRORS_SCHEMA, no_errors
from rowport.model.ids import record_id
from rowport.model.outcomes import Outcome, RowErrorCode, RowOutcome
from rowport.ports import BrokenRow, LoadResult, ParsedChunk

IMPORT = UUID("019a0000-0000-7000-8000-000000000000")
KNOWN = bytes(range(16))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What is to become of a row, and its cells."""

    word: str
    cells: tuple[str | None, str | None]


cell = st.none() | st.text(max_size=5)
fates = st.lists(
    st.builds(
        Fate,
        word=st.sampled_from(
            ["broken", "invalid", "refused", "created", "updated", "unchanged", "skipped"]
        ),
        cells=st.tuples(cell, cell),
    ),
    min_size=1,
    max_size=30,
)
WORDS = {"broken": "failed", "invalid": "failed", "refused": "failed"}
CODES = {
    "broken": RowErrorCode.EXTRA_CELL,
    "invalid": RowErrorCode.TYPE,
    "refused": RowErrorCode.REFUSED,
}


def errors_of(numbers: list[int], code: RowErrorCode) -> pa.Table:
    return pa.table(
        {
            "row": numbers,
            "field": ["a"] * len(numbers),
            "code": [code.value] * len(numbers),
            "value": ["v"] * len(numbers),
            "message": ["m"] * len(numbers),
        },
        schema=ERRORS_SCHEMA,
    )


def account(first_row: int, rows: list[Fate]) -> accounting.Accounts:
    numbered = list(enumerate(rows, start=first_row))
    whole = [(n, f) for n, f in numbered if f.word != "broken"]
    tried = [(n, f) for n, f in whole if f.word != "invalid"]
    parsed = ParsedChunk(
        cells=pa.table(
            {str(i): pa.array([f.cells[i] for _, f in whole], pa.large_string()) for i in range(2)}
        ),
        row=pa.array([n for n, _ in whole], pa.int64()),
        line=pa.array([n * 2 for n, _ in whole], pa.int64()),
        broken=tuple(
            BrokenRow(row=n, line=n * 2, code=CODES["broken"], note="m", cells=("x", "y", "z"))
            for n, f in numbered
            if f.word == "broken"
        ),
    )
    words = [WORDS.get(f.word, f.word) for _, f in tried]
    loaded = LoadResult(
        outcome=pa.array([Outcome[w.upper()] for w in words], pa.uint8()),
        record_id=pa.array(
            [
                record_id(IMPORT, n).bytes if w == "created" else None if w == "failed" else KNOWN
                for (n, _), w in zip(tried, words, strict=True)
            ],
            pa.binary(16),
        ),
        errors=errors_of([n for n, f in tried if f.word == "refused"], CODES["refused"]),
        before=None,
    )
    invalid = errors_of([n for n, f in numbered if f.word == "invalid"], CODES["invalid"])
    return accounting.account(
        parsed,
        invalid=invalid,
        loaded=loaded,
        row=pa.array([n for n, _ in tried], pa.int64()),
    )


def read_back(
    first_row: int, accounts: accounting.Accounts, wanted: Outcome | None = None
) -> list[RowOutcome]:
    return accounting.row_outcomes(
        IMPORT,
        first_row=first_row,
        outcomes=accounting.encode_outcomes(accounts.outcomes),
        errors=accounting.encode(accounts.errors),
        raw=accounting.encode(accounts.raw),
        wanted=wanted,
    )


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 10**9), fates)
def test_every_row_is_told_once_in_order_as_it_was(first_row: int, rows: list[Fate]) -> None:
    accounts = account(first_row, rows)
    told = read_back(first_row, accounts)
    assert [t.row for t in told] == list(range(first_row, first_row + len(rows)))
    assert [t.line for t in told] == [t.row * 2 for t in told]
    assert [t.outcome.word for t in told] == [WORDS.get(f.word, f.word) for f in rows]
    assert accounts.counts.total == len(rows)
    assert accounts.counts.pending == 0
    for fate, row in zip(rows, told, strict=True):
        assert [e.code for e in row.errors] == ([CODES[fate.word]] if fate.word in CODES else [])
        match row.outcome:
            case Outcome.FAILED:
                assert row.raw == (("x", "y", "z") if fate.word == "broken" else fate.cells)
                assert row.record_id is None
            case Outcome.CREATED:
                assert (row.raw, row.record_id) == (None, record_id(IMPORT, row.row))
            case _:
                assert (row.raw, row.record_id) == (None, UUID(bytes=KNOWN))


def test_where_many_rows_span_lines_only_those_not_loaded_keep_theirs() -> None:
    word = [Outcome.CREATED, Outcome.FAILED, Outcome.SKIPPED, Outcome.UNCHANGED] * 30
    outcomes = pa.table(
        {
            "outcome": pa.array(word, pa.uint8()),
            "line": np.arange(2, 242, 2),
            "record_id": pa.array([KNOWN] * 120, pa.binary(16)),
        }
    )
    stored = accounting.encode_outcomes(outcomes)
    told = accounting.row_outcomes(IMPORT, first_row=1, outcomes=stored, errors=None, raw=None)
    assert [t.line for t in told[:5]] == [None, 4, 6, None, None]
    few = accounting.encode_outcomes(outcomes.slice(0, 90))
    told = accounting.row_outcomes(IMPORT, first_row=1, outcomes=few, errors=None, raw=None)
    assert [t.line for t in told[:5]] == [2, 4, 6, 8, 10]


@settings(max_examples=60, deadline=None)
@given(fates, st.sampled_from(Outcome))
def test_asking_for_one_outcome_gives_these_rows_and_no_other(
    rows: list[Fate], wanted: Outcome
) -> None:
    accounts = account(7, rows)
    everything = read_back(7, accounts)
    assert read_back(7, accounts, wanted) == [t for t in everything if t.outcome is wanted]


@settings(max_examples=60, deadline=None)
@given(fates)
def test_rows_that_are_not_kept_are_pending_and_failures_stay(rows: list[Fate]) -> None:
    accounts = account(1, rows)
    left = accounting.only_failed(accounts)
    assert left.before is None
    assert (left.counts.failed, left.counts.pending) == (
        accounts.counts.failed,
        len(rows) - accounts.counts.failed,
    )
    failed = read_back(1, accounts, Outcome.FAILED)
    assert read_back(1, left, Outcome.FAILED) == failed
    assert all(t.record_id is None and t.raw is None for t in read_back(1, left, Outcome.PENDING))


def test_a_chunk_of_fifty_thousand_new_rows_takes_less_than_ten_kilobytes() -> None:
    rows = 50_000
    number = np.arange(1, rows + 1)
    parsed = ParsedChunk(
        cells=pa.table({"0": pa.array(["x"] * rows)}), row=pa.array(number), line=pa.array(number)
    )
    loaded = LoadResult(
        outcome=pa.array(np.full(rows, Outcome.CREATED, np.uint8)),
        record_id=record_ids(IMPORT, pa.array(number)),
        errors=no_errors(),
        before=None,
    )
    accounts = accounting.account(parsed, invalid=no_errors(), loaded=loaded, row=pa.array(number))
    assert accounts.counts.created == rows
    assert len(accounting.encode_outcomes(accounts.outcomes)) < 10_000
    assert accounting.encode(accounts.errors) is None
    assert accounting.encode(accounts.raw) is None


def test_a_million_rows_that_span_lines_take_less_than_100_kb() -> None:
    rows, some = 16_000, np.random.default_rng(1)
    outcomes = pa.table(
        {
            "outcome": np.where(some.random(rows) < 0.01, Outcome.FAILED, Outcome.CREATED).astype(
                np.uint8
            ),
            "line": np.cumsum(some.choice([1, 2, 3], rows, p=[0.85, 0.1, 0.05])),
            "record_id": pa.nulls(rows, pa.binary(16)),
        }
    )
    assert len(accounting.encode_outcomes(outcomes)) < 100_000 * rows / 1_000_000


# -------------------------------------------------------------------------------------- staging


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(cell, cell), max_size=10),
    st.lists(st.lists(st.text(max_size=5), max_size=3)),
)
def test_a_staged_chunk_comes_back_as_it_was(
    rows: list[tuple[str | None, str | None]], torn: list[list[str]]
) -> None:
    chunk = ParsedChunk(
        cells=pa.table({str(i): pa.array([r[i] for r in rows], pa.string()) for i in range(2)}),
        row=pa.array(range(1, len(rows) + 1), pa.int64()),
        line=pa.array(range(2, len(rows) + 2), pa.int64()),
        broken=tuple(
            BrokenRow(row=100 + i, line=i, code="extra-cell", note="n", cells=tuple(cells))
            for i, cells in enumerate(torn)
        ),
    )
    back = thaw(freeze(chunk))
    assert back.cells.equals(chunk.cells)
    assert (back.row.to_pylist(), back.line.to_pylist()) == (
        chunk.row.to_pylist(),
        chunk.line.to_pylist(),
    )
    assert back.broken == chunk.broken


# --------------------------------------------------------------------------------------- dedupe

values = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 20), max_size=30)


@given(values, values)
def test_digests_overlap_when_they_have_one_in_common(one: list[int], two: list[int]) -> None:
    packed = dedupe.pack(np.array(one, np.uint64))
    assert dedupe.overlaps(packed, np.array(two, np.uint64)) == bool({*one} & {*two})
    assert dedupe.unpack(packed).tolist() == sorted({*one})


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))))
def test_wide_digests_come_back_from_their_bytes(rows: list[tuple[int, int]]) -> None:
    halves = np.array(rows, np.uint64).reshape(-1, 2)
    a, b = dedupe.unpack_wide(dedupe.pack_wide((halves[:, 0], halves[:, 1])))
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == rows


ROWS = pa.table({"k": ["a", None, "é" * 40], "n": [1, 2, None]})


def test_a_digest_is_the_same_in_every_chunk_and_every_process() -> None:
    rows = ROWS
    whole = dedupe.digests(rows, ["k", "n"])
    for place in range(rows.num_rows):
        assert dedupe.digests(rows.slice(place, 1), ["k", "n"]).tolist() == [whole[place]]
    again = pa.concat_tables([rows.slice(2), rows.slice(0, 2)])
    assert dedupe.digests(again, ["k", "n"]).tolist() == [whole[2], whole[0], whole[1]]
    assert len(set(whole.tolist())) == rows.num_rows
    code = (
        "import pyarrow as pa; from rowport.engine import dedupe; "
        f"rows = pa.table({ROWS.to_pydict()!r}); "
        "print(dedupe.digests(rows, ['k', 'n']).tolist())"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert told.stdout.decode().strip() == str(whole.tolist())


def test_a_number_is_the_same_key_whatever_the_scale_of_its_chunk() -> None:
    kinds = [pa.decimal128(38, 0), pa.decimal128(38, 2), pa.decimal256(76, 1)]
    seen = {
        int(dedupe.digests(pa.table({"k": pa.array([Decimal(10)], kind)}), ["k"])[0])
        for kind in kinds
    }
    assert len(seen) == 1
