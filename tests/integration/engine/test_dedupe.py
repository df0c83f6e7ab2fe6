"""Rows of a file that repeat others, told by the fields that the schema names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.engine.test_first_wins import load_in_order

from rowport.model.imports import Mode, OnMatch, Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import

Row = tuple[str, str, str, str]
some_rows = st.lists(
    st.tuples(
        st.sampled_from(["", "Ann", "Bob", "Cid"]),
        st.sampled_from(["", "Ulm", "Rom"]),
        st.sampled_from(["", "", "1", "2"]),
        st.sampled_from(["1", "1", "1", "old"]),
    ),
    min_size=1,
    max_size=40,
)


def people(keep: str | None, *fields: str) -> dict[str, object]:
    return {
        "fields": [
            {"name": "id"},
            {"name": "name"},
            {"name": "town"},
            {"name": "phone", "constraints": {"unique": True}},
            {"name": "age", "type": "integer"},
        ],
        "primaryKey": "id",
        "dedupe": ({"keep": keep} if keep else {}) | ({"fields": [*fields]} if fields else {}),
    }


def text(rows: Sequence[Row]) -> str:
    """Write people, each with an id of its own."""
    return "id,name,town,phone,age\n" + "".join(
        f"{at},{','.join(row)}\n" for at, row in enumerate(rows)
    )


def expected(rows: Sequence[Row], keep: str) -> list[str]:
    """Import people one after the other into an empty table."""
    words, met, phones = [], set[tuple[str, str]](), set[str]()
    for name, town, phone, age in rows:
        if age == "old":
            words.append("failed type-error")
        elif (name, town) in met:
            words.append("skipped" if keep == "first" else "failed unique-error")
        elif phone in phones:
            words.append("failed unique-error")
        else:
            words.append("created")
            met |= {(name, town)} if name and town else set()
            phones |= {phone} - {""}
    return words


@pytest.mark.parametrize("keep", ["first", "error"])
def test_every_row_has_the_fate_that_reading_in_order_gives(
    new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch, keep: str
) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "7")
    engine = new_engine()
    engine.put(people(keep, "name", "town"))
    workers = [engine.rowport.new_works() for _ in range(6)]

    @settings(max_examples=20, deadline=None)
    @given(
        rows=some_rows,
        mode=st.sampled_from([Mode.UPSERT, Mode.VALIDATE]),
        order=st.permutations([1, 2, 3, 4, 5, 6]),
    )
    def check(rows: list[Row], mode: Mode, order: list[int]) -> None:
        engine.sql("TRUNCATE data_default.people")
        planned = engine.plan(engine.land(text(rows), mode=mode))
        load_in_order(engine, planned, workers, order)
        assert engine.words(planned) == expected(rows, keep)

    check()


def run(engine: Engine, pairs: Sequence[tuple[str, str]], **options: Any) -> Import:  # noqa: ANN401  ImportOptions'
    """Import people by id and name."""
    return engine.run("id,name\n" + "".join(f"{i},{n}\n" for i, n in pairs), **options)


POLICIES = pytest.mark.parametrize(
    "policy", [Policy(), Policy(all_or_nothing=True)], ids=["rows", "whole"]
)
TWICE = [(f"{at % 8}", f"n{at}") for at in range(16)]


@POLICIES
@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.VALIDATE])
def test_without_fields_rows_repeat_others_by_the_key(
    engine: Engine, mode: Mode, policy: Policy
) -> None:
    engine.put(people(None))
    done = run(engine, TWICE, mode=mode, policy=policy)
    assert done.chunks.total == 3
    assert engine.words(done) == ["created"] * 8 + ["skipped"] * 8
    assert done.counts.skipped == 8


def test_only_rows_of_the_file_repeat_each_other(engine: Engine) -> None:
    engine.put(people("first"))
    run(engine, TWICE)
    again = run(engine, [*TWICE[8:], *TWICE[8:]])
    assert engine.words(again) == ["updated"] * 8 + ["skipped"] * 8
    skipped = run(engine, TWICE, on_match=OnMatch.SKIP)
    assert engine.words(skipped) == ["skipped"] * 16
    assert [row.record_id is None for row in engine.rows(skipped)] == [False] * 8 + [True] * 8


def test_a_file_without_the_fields_has_no_repeats(engine: Engine) -> None:
    engine.put(people("first", "town"))
    assert engine.words(run(engine, [("1", "a"), ("2", "a")])) == ["created", "created"]


@pytest.mark.parametrize("mode", [Mode.VALIDATE, Mode.UPSERT])
def test_keys_that_a_crash_lost_are_found_again(engine: Engine, mode: Mode) -> None:
    engine.put(people("first", "name"))
    planned = engine.plan(engine.land(text([("Ann", "", "", "1")] * 15), mode=mode))
    works = engine.works
    with engine.rowport.database.transaction() as tx:
        claimed = works.ledger.chunks.claim(tx)
    assert claimed is not None
    works.loading.load(claimed)
    engine.sql("TRUNCATE rowport.chunk_keys")
    done = engine.work(planned)
    assert engine.words(done) == ["created"] + ["skipped"] * 14
