"""In a file the first valid row of a key wins, in whatever order its chunks are loaded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowport.model.imports import Mode, OnMatch
from rowport.model.states import ImportState
from rowport.ports.ledger import ChunkRef, ClaimedChunk
from rowport.service.first_wins import EarlierChunkPending

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest
    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import
    from rowport.service import Works

Row = tuple[str, str, str]

KEYS = [f"k{n}@x.org" for n in range(6)]
NAMES = ["Ann", "Bob"]
AGES = ["1", "2", "old"]

rows = st.lists(
    st.tuples(st.sampled_from([*KEYS, ""]), st.sampled_from(NAMES), st.sampled_from(AGES)),
    min_size=1,
    max_size=40,
)
modes = st.sampled_from(
    [
        (Mode.UPSERT, OnMatch.UPDATE),
        (Mode.UPSERT, OnMatch.SKIP),
        (Mode.UPSERT, OnMatch.ERROR),
        (Mode.INSERT, OnMatch.UPDATE),
        (Mode.UPDATE, OnMatch.UPDATE),
        (Mode.VALIDATE, OnMatch.UPDATE),
    ]
)
Table = dict[str, tuple[str, int]]


def expected(rows: Sequence[Row], table: Table, mode: Mode, on_match: OnMatch) -> list[str]:
    """Import rows one after the other, as the words of the design say; changes the table."""
    before, met, words = dict(table), set[str](), []
    for key, name, age in rows:
        if not key or age == "old":
            word = "failed primary-key" if not key else "failed type-error"
        elif key in met:
            word = "failed unique-error"
        else:
            word = fate(before.get(key), (name, int(age)), mode, on_match)
            # A row that found no record, or one it may not have, takes the key from nobody.
            met |= set() if word.startswith("failed") else {key}
            if word in {"created", "updated"} and mode is not Mode.VALIDATE:
                table[key] = (name, int(age))
        words.append(word)
    return words


def fate(
    known: tuple[str, int] | None, wanted: tuple[str, int], mode: Mode, on_match: OnMatch
) -> str:
    """Tell what becomes of a valid row whose key no row before it had."""
    if known is None:
        return "failed record-not-found" if mode is Mode.UPDATE else "created"
    if mode is Mode.INSERT or on_match is OnMatch.ERROR:
        return "failed record-exists"
    if on_match is OnMatch.SKIP:
        return "skipped"
    return "unchanged" if known == wanted else "updated"


def load_in_order(engine: Engine, planned: Import, workers: list[Works], order: list[int]) -> None:
    """Let each chunk be loaded by a thread of its own, begun in this order."""
    with engine.rowport.database.transaction() as tx:
        name = ChunkRef(
            organization_id=planned.organization_id, import_id=planned.id, number=1
        ).whole
        chunks = {c.number: c for c in workers[0].ledger.chunks.of_import(tx, name)}

    def load(works: Works, number: int) -> None:
        ref = ChunkRef(organization_id=planned.organization_id, import_id=planned.id, number=number)
        claimed = ClaimedChunk(ref=ref, planned=chunks[number], attempts=1)
        while True:
            try:
                works.loading.load(claimed)
            except EarlierChunkPending:
                continue
            works.settling.settle(name)
            return

    with ThreadPoolExecutor(len(order)) as pool:
        for done in [
            pool.submit(load, works, number)
            for works, number in zip(workers, (n for n in order if n in chunks), strict=False)
        ]:
            done.result(60)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=rows, rows=rows, how=modes, order=st.permutations([1, 2, 3, 4, 5, 6]))
def check(
    engine: Engine,
    workers: list[Works],
    before: list[Row],
    rows: list[Row],
    how: tuple[Mode, OnMatch],
    order: list[int],
) -> None:
    engine.sql("TRUNCATE data_default.people")
    table: Table = {}
    assert engine.words(engine.run(before)) == expected(before, table, Mode.UPSERT, OnMatch.UPDATE)
    mode, on_match = how
    planned = engine.plan(engine.land(rows, mode=mode, on_match=on_match))
    load_in_order(engine, planned, workers, order)
    assert engine.words(planned) == expected(rows, table, mode, on_match)
    assert engine.people() == sorted((key, *values) for key, values in table.items())
    done = engine.get(planned)
    assert (done.state, done.counts.total) == (ImportState.COMPLETED, len(rows))
    assert done.counts.pending == 0


def test_every_row_has_the_fate_that_reading_in_order_gives(
    new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "7")
    engine = new_engine()
    engine.put()
    check(engine, [engine.rowport.new_works() for _ in range(6)])
