"""Values that must be unique besides the key, in whatever order chunks are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.engine.test_first_wins import load_in_order

from rowport.model.imports import Mode, Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import

PEOPLE: dict[str, object] = {
    "fields": [
        {"name": "email"},
        {"name": "phone", "constraints": {"unique": True}},
        {"name": "land"},
        {"name": "tax"},
        {"name": "age", "type": "integer"},
    ],
    "primaryKey": "email",
    "uniqueKeys": [["land", "tax"]],
}
Row = tuple[str, str, str, str]

some_rows = st.lists(
    st.tuples(
        st.sampled_from(["", "1", "2", "3", "4"]),
        st.sampled_from(["", "de", "fr"]),
        st.sampled_from(["", "x", "y"]),
        st.sampled_from(["1", "2", "3", "old"]),
    ),
    min_size=1,
    max_size=40,
)


def text(rows: Sequence[Row], first: int = 0) -> str:
    """Write people, each with an e-mail address of its own."""
    lines = [
        f"e{at}@x,{phone},{land},{tax},{age}\n"
        for at, (phone, land, tax, age) in enumerate(rows, start=first)
    ]
    return "email,phone,land,tax,age\n" + "".join(lines)


def expected(rows: Sequence[Row], phones: set[str], taxes: set[tuple[str, str]]) -> list[str]:
    """Import new people one after the other; changes what is taken."""
    words = []
    for phone, land, tax, age in rows:
        pair = (land, tax)
        if age == "old":
            words.append("failed type-error")
        elif phone in phones or pair in taxes:
            words.append("failed unique-error")
        else:
            words.append("created")
            phones |= {phone} - {""}
            taxes |= {pair} if all(pair) else set()
    return words


def test_every_row_has_the_fate_that_reading_in_order_gives(
    new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "7")
    engine = new_engine()
    engine.put(PEOPLE)
    workers = [engine.rowport.new_works() for _ in range(6)]

    @settings(max_examples=30, deadline=None)
    @given(
        before=some_rows,
        rows=some_rows,
        mode=st.sampled_from([Mode.UPSERT, Mode.INSERT, Mode.VALIDATE]),
        order=st.permutations([1, 2, 3, 4, 5, 6]),
    )
    def check(before: list[Row], rows: list[Row], mode: Mode, order: list[int]) -> None:
        engine.sql("TRUNCATE data_default.people")
        phones, taxes = set[str](), set[tuple[str, str]]()
        assert engine.words(engine.run(text(before))) == expected(before, phones, taxes)
        planned = engine.plan(engine.land(text(rows, first=100), mode=mode))
        load_in_order(engine, planned, workers, order)
        assert engine.words(planned) == expected(rows, phones, taxes)

    check()


def run(engine: Engine, rows: Sequence[tuple[str, str]], mode: Mode, policy: Policy) -> Import:
    lines = "".join(f"{email},{phone}\n" for email, phone in rows)
    return engine.run(f"email,phone\n{lines}", mode=mode, policy=policy)


@pytest.mark.parametrize("policy", [Policy(), Policy(all_or_nothing=True)], ids=["rows", "whole"])
def test_a_dry_run_foresees_a_value_that_a_row_of_an_earlier_chunk_has(
    engine: Engine, policy: Policy
) -> None:
    engine.put(PEOPLE)
    rows = [(f"e{at}", f"p{at % 10}") for at in range(12)]
    dry = run(engine, rows, Mode.VALIDATE, policy)
    assert dry.chunks.total == 2
    assert engine.words(dry)[10:] == ["failed unique-error"] * 2
    [error] = engine.rows(dry)[10].errors
    assert (error.field, error.value) == ("phone", "p0")
    assert error.message == 'phone "p0" stands in an earlier row of the file'


def test_the_first_row_wins_even_if_a_refused_row_of_its_key_stands_before_it(
    engine: Engine,
) -> None:
    engine.put(PEOPLE)
    run(engine, [("old", "p0")], Mode.UPSERT, Policy())
    rows = [("a", "p0"), ("b", "p1"), ("a", "p1"), ("a", "p2")]
    done = run(engine, rows, Mode.UPSERT, Policy())
    assert engine.words(done) == [
        "failed unique-error",
        "created",
        "failed unique-error",
        "created",
    ]


def test_a_record_type_without_key_keeps_its_unique_fields(engine: Engine) -> None:
    engine.put({"fields": [{"name": "phone", "constraints": {"unique": True}}]})
    phones = "".join(f"p{at % 8}\n" for at in range(16))
    for mode in (Mode.VALIDATE, Mode.UPSERT):
        done = engine.run("phone\n" + phones, mode=mode)
        assert engine.words(done) == ["created"] * 8 + ["failed unique-error"] * 8
