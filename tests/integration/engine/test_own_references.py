"""Rows that refer to records of their own type, there or in rows before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.engine.test_first_wins import load_in_order

from rowport.model.errors import InvalidOptions, InvalidSchema
from rowport.model.imports import Mode, Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import


def staff(**boss: Any) -> dict[str, object]:  # noqa: ANN401  JSON
    """People who have a boss, of their kind."""
    document: dict[str, object] = {
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "boss", "type": "string", **boss},
            {"name": "phone", "constraints": {"unique": True}},
            {"name": "age", "type": "integer"},
        ],
        "primaryKey": "id",
    }
    if not boss:
        document["foreignKeys"] = [{"fields": "boss", "reference": {"fields": "id"}}]
    return document


LOOKUP = staff(lookup={"type": "people", "by": "id"})
BOTH = pytest.mark.parametrize("document", [staff(), LOOKUP], ids=["foreign key", "lookup"])
Row = tuple[str, str, str, str]

IDS = [f"p{n}" for n in range(9)]
some_rows = st.lists(
    st.tuples(
        st.sampled_from(IDS),
        st.sampled_from(["", *IDS]),
        st.sampled_from(["", "", "", "1"]),
        st.sampled_from(["1", "1", "1", "old"]),
    ),
    min_size=1,
    max_size=40,
)


def text(rows: Sequence[Row]) -> str:
    return "id,boss,phone,age\n" + "".join(",".join(row) + "\n" for row in rows)


def run(engine: Engine, pairs: Sequence[tuple[str, str]], **options: Any) -> Import:  # noqa: ANN401  ImportOptions'
    """Import people and their bosses."""
    return engine.run(text([(one, boss, "", "1") for one, boss in pairs]), **options)


def bosses(engine: Engine) -> dict[str, str | None]:
    """Give the boss of each person, by foreign key or by lookup."""
    found = engine.sql(
        "SELECT p.id, coalesce(b.id, p.boss) AS boss FROM data_default.people AS p "
        "LEFT JOIN data_default.people AS b ON b.rowport_id::text = p.boss"
    )
    return {row["id"]: row["boss"] for row in found}


def expected(rows: Sequence[Row], there: dict[str, str | None], phones: set[str]) -> list[str]:
    """Import people one after the other into an empty table; changes what is there."""
    words = []
    for one, boss, phone, age in rows:
        if age == "old":
            words.append("failed type-error")
        elif boss and boss != one and boss not in there:
            words.append("failed foreign-key")
        elif one in there or phone in phones:
            words.append("failed unique-error")
        else:
            words.append("created")
            there[one] = boss or None
            phones |= {phone} - {""}
    return words


def test_every_row_has_the_fate_that_reading_in_order_gives(
    new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "7")
    engine = new_engine()
    engine.put(staff())
    workers = [engine.rowport.new_works() for _ in range(6)]

    @settings(max_examples=40, deadline=None)
    @given(
        rows=some_rows,
        lookup=st.booleans(),
        dry=st.booleans(),
        order=st.permutations([1, 2, 3, 4, 5, 6]),
    )
    def check(rows: list[Row], order: list[int], *, lookup: bool, dry: bool) -> None:
        if dry:  # see "Values that must be unique" in docs/validation.md
            rows = [(one, boss, "", age) for one, boss, _, age in rows]
        engine.sql("DROP TABLE IF EXISTS data_default.people")
        engine.put(LOOKUP if lookup else staff())
        mode = Mode.VALIDATE if dry else Mode.UPSERT
        planned = engine.plan(engine.land(text(rows), mode=mode))
        load_in_order(engine, planned, workers, order)
        there: dict[str, str | None] = {}
        assert engine.words(planned) == expected(rows, there, set())
        assert bosses(engine) == ({} if dry else there)

    check()


@BOTH
def test_a_boss_may_be_there_or_stand_in_an_earlier_row_or_be_oneself(
    engine: Engine, document: dict[str, object]
) -> None:
    engine.put(document)
    run(engine, [("old", "")])
    done = run(engine, [("a", "old"), ("b", "a"), ("c", "c"), ("d", "e"), ("e", "")])
    assert engine.words(done) == ["created"] * 3 + ["failed foreign-key", "created"]
    assert bosses(engine) == {"old": None, "a": "old", "b": "a", "c": "c", "e": None}
    [error] = engine.rows(done)[3].errors
    assert (error.field, error.value) == ("boss", "e")
    assert error.message == '"e" is the id of no record of people and of no earlier row'


@BOTH
def test_a_broken_chain_is_broken_from_its_first_link_on(
    engine: Engine, document: dict[str, object]
) -> None:
    engine.put(document)
    chain = [("a", "gone"), *((one, chr(ord(one) - 1)) for one in "bcdefghijk"), ("z", "")]
    done = run(engine, chain)
    assert done.chunks.total == 2
    assert engine.words(done) == ["failed foreign-key"] * 11 + ["created"]


@pytest.mark.parametrize("policy", [Policy(), Policy(all_or_nothing=True)], ids=["rows", "whole"])
@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.VALIDATE])
def test_a_long_good_chain_goes_through(engine: Engine, mode: Mode, policy: Policy) -> None:
    engine.put(LOOKUP)
    done = run(
        engine, [(f"{n}", f"{n - 1}" if n else "") for n in range(30)], mode=mode, policy=policy
    )
    assert set(engine.words(done)) == {"created"}


def test_a_lookup_that_may_miss_leaves_no_boss(engine: Engine) -> None:
    engine.put(staff(lookup={"type": "people", "by": "id", "missing": "null"}))
    assert engine.words(run(engine, [("a", "b"), ("b", "a")])) == ["created", "created"]
    assert bosses(engine) == {"a": None, "b": "a"}


def test_a_lookup_in_its_own_type_goes_by_the_key(engine: Engine) -> None:
    with pytest.raises(
        InvalidSchema, match="a lookup in people itself goes by its key, which is id"
    ):
        engine.put(staff(lookup={"type": "people", "by": "phone"}))
    with pytest.raises(InvalidSchema, match="the rows themselves make its records"):
        engine.put(staff(lookup={"type": "people", "by": "id", "missing": "create"}))
    engine.put(LOOKUP)
    with pytest.raises(InvalidOptions, match="the key of an import has to be id too"):
        engine.land("id\na\n", key=("phone",))
