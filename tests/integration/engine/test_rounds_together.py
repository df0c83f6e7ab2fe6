"""Rows that are tried again among others: references, unique values, repeats, the import's day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.engine.test_first_wins import load_in_order
from tests.integration.engine.test_rounds import edited, without

from rowport.model.counts import Counts
from rowport.model.errors import FieldsMismatch
from rowport.model.imports import Policy
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.integration.engine.conftest import Engine

Row = tuple[str, str, str, str]


def people(
    age: str, *, keep: str | None = None, bosses: bool = False, **more: object
) -> dict[str, object]:
    """Make people whose age is of this type; `keep`: names repeat each other."""
    document: dict[str, object] = {
        "fields": [
            {"name": "id"},
            {"name": "name"},
            {"name": "boss"},
            {"name": "phone", "constraints": {"unique": True}},
            {"name": "age", "type": age},
        ],
        "primaryKey": "id",
    }
    if keep:
        document["dedupe"] = {"keep": keep, "fields": ["name"]}
    if bosses:
        document["foreignKeys"] = [{"fields": "boss", "reference": {"fields": "id"}}]
    return document | more


def text(rows: Sequence[Row]) -> str:
    """Write people by name, boss, phone and age, each with an id of its own."""
    lines = [f"p{at},{','.join(row)}\n" for at, row in enumerate(rows, start=1)]
    return "id,name,boss,phone,age\n" + "".join(lines)


def named(*names: str, bad: Sequence[int] = ()) -> str:
    """Write people of these names; the age of `bad` ones is no number."""
    return text(
        [(name, "", "", "old" if at in bad else "1") for at, name in enumerate(names, start=1)]
    )


def stored(engine: Engine, field: str) -> dict[str, str | None]:
    found = engine.sql("SELECT to_jsonb(p) AS row FROM data_default.people AS p")
    return {row["row"]["id"]: row["row"][field] for row in found}


# ------------------------------------------------------------------------------- references

COMPANIES: dict[str, object] = {"fields": [{"name": "domain"}], "primaryKey": "domain"}


def contacts(**company: Any) -> dict[str, object]:  # noqa: ANN401  JSON
    document: dict[str, object] = {
        "fields": [
            {"name": "email"},
            {"name": "company", **company},
            {"name": "age", "type": "integer"},
        ],
        "primaryKey": "email",
    }
    if not company:
        document["foreignKeys"] = [
            {"fields": "company", "reference": {"resource": "companies", "fields": "domain"}}
        ]
    return document


@pytest.mark.parametrize("company", [{}, {"lookup": {"type": "companies", "by": "domain"}}])
def test_a_row_is_taken_once_the_record_is_there_that_it_refers_to(
    engine: Engine, company: dict[str, object]
) -> None:
    engine.put(COMPANIES, name="companies")
    engine.put(contacts(**company), name="contacts")
    rows = "".join(f"p{at},{'late.com' if at % 5 else ''},1\n" for at in range(12))
    done = engine.run("email,company,age\n" + rows, name="contacts")
    assert done.counts == Counts(created=3, failed=9)
    assert engine.work(engine.retry(done)).counts == done.counts
    engine.run("domain\nlate.com\n", name="companies")
    again = engine.work(engine.retry(engine.get(done)))
    assert again.counts == Counts(created=12)
    [found] = engine.sql(
        "SELECT count(*) AS n FROM data_default.contacts AS p JOIN data_default.companies AS c "
        "ON p.company IN (c.domain, c.rowport_id::text)"
    )
    assert found["n"] == 9


def test_a_record_that_a_failed_row_had_made_is_not_made_again(engine: Engine) -> None:
    engine.put(COMPANIES, name="companies")
    lookup = {"type": "companies", "by": "domain", "missing": "create"}
    document = contacts(lookup=lookup)
    document["uniqueKeys"] = [["age"]]
    engine.put(document, name="contacts")
    done = engine.run("email,company,age\na,x.com,1\nb,new.com,1\n", name="contacts")
    assert engine.words(done) == ["created", "failed unique-error"]
    file = edited(engine.failed_rows(done), row=2, column="age", cell="2")
    again = engine.work(engine.fix(done, file))
    assert again.counts == Counts(created=2)
    other = engine.run("email,company,age\nc,c.com,1\n", name="contacts")
    file = edited(engine.failed_rows(other), row=1, column="company", cell="d.com")
    file = edited(file, row=1, column="age", cell="3")
    assert engine.work(engine.fix(other, file)).counts == Counts(created=1)
    found = engine.sql(
        "SELECT c.domain, p.email FROM data_default.companies AS c "
        "LEFT JOIN data_default.contacts AS p ON p.company = c.rowport_id::text ORDER BY 1"
    )
    assert [(row["domain"], row["email"]) for row in found] == [
        ("c.com", None), ("d.com", "c"), ("new.com", "b"), ("x.com", "a"),
    ]  # fmt: skip


@pytest.mark.parametrize("policy", [Policy(), Policy(all_or_nothing=True)], ids=["rows", "whole"])
def test_a_row_that_is_tried_again_may_refer_to_any_row_that_was_loaded(
    engine: Engine, policy: Policy
) -> None:
    engine.put(people("integer", bosses=True))
    bosses = ["p3", "", "", "p12", *[""] * 7, "p1"]
    done = engine.run(text([("n", boss, "", "1") for boss in bosses]), policy=policy)
    assert [row.row for row in engine.rows(done) if row.errors] == [1, 4, 12]
    again = engine.work(engine.retry(done))
    if policy.all_or_nothing:  # nothing was loaded
        assert again.counts == done.counts
        return
    assert engine.words(again) == ["created"] * 3 + ["failed foreign-key"] + ["created"] * 8
    assert engine.work(engine.retry(again)).counts == Counts(created=12)
    assert {k: v for k, v in stored(engine, "boss").items() if v} == {
        "p1": "p3", "p4": "p12", "p12": "p1",
    }  # fmt: skip


def test_a_mended_row_is_referred_to_by_a_row_behind_it(engine: Engine) -> None:
    engine.put(people("integer", bosses=True))
    rows = [("n", "", "", "old"), *[("n", "", "", "1")] * 8, ("n", "p1", "", "1")]
    done = engine.run(text(rows))
    assert engine.words(done)[::9] == ["failed type-error", "failed foreign-key"]
    file = edited(engine.failed_rows(done), row=1, column="age", cell="1")
    assert engine.work(engine.fix(done, file)).counts == Counts(created=10)
    alone = engine.run(text(rows).replace("p", "q"))
    file = edited(without(engine.failed_rows(alone), 1), row=10, column="boss", cell="q9")
    again = engine.work(engine.fix(alone, file))
    assert engine.words(again)[::9] == ["failed type-error", "created"]


# ---------------------------------------------------------------------------- unique values


@pytest.mark.parametrize("other", [1, 12])
def test_a_mended_row_cannot_take_a_unique_value_of_another_chunk(
    engine: Engine, other: int
) -> None:
    engine.put(people("integer"))
    bad = 13 - other
    rows = [("n", "", f"t{at}", "old" if at == bad else "1") for at in range(1, 13)]
    done = engine.run(text(rows))
    assert done.counts == Counts(created=11, failed=1)
    file = edited(engine.failed_rows(done), row=bad, column="age", cell="5")
    taken = edited(file, row=bad, column="phone", cell=f"t{other}")
    again = engine.work(engine.fix(done, taken))
    assert engine.words(again)[bad - 1] == "failed unique-error"
    assert again.counts == done.counts
    assert stored(engine, "phone")[f"p{other}"] == f"t{other}"
    assert engine.work(engine.fix(again, file)).counts == Counts(created=12)
    assert stored(engine, "phone")[f"p{bad}"] == f"t{bad}"


# ---------------------------------------------------------------------------------- repeats

KEEPS = pytest.mark.parametrize(
    ("keep", "word"), [("first", "skipped"), ("error", "failed unique-error")]
)


@KEEPS
def test_a_row_that_comes_late_repeats_the_row_that_was_kept(
    engine: Engine, keep: str, word: str
) -> None:
    engine.put(people("integer", keep=keep))
    names = ["late", *"bcdefgh", "late", "once", "twice", *"ijkl", "twice"]
    done = engine.run(named(*names, bad=[1, 10, 11, 16]))
    assert engine.words(done)[8] == "created"
    assert done.counts == Counts(created=12, failed=4)
    engine.put(people("string", keep=keep))
    again = engine.work(engine.retry(done))
    words = engine.words(again)
    assert [words[at - 1] for at in (1, 9, 10, 11, 16)] == [
        word, "created", "created", "created", word,
    ]  # fmt: skip
    assert sorted(stored(engine, "id")) == sorted(
        f"p{at}" for at in range(1, 17) if at not in {1, 16}
    )


@KEEPS
def test_what_a_mended_row_says_is_repeated_in_later_rounds(
    new_engine: Callable[[], Engine], engine: Engine, keep: str, word: str
) -> None:
    engine.put(people("integer", keep=keep))
    names = [f"n{at}" for at in range(1, 21)]
    done = engine.run(named(*names, bad=[2, 9, 20]))
    file = edited(without(engine.failed_rows(done), 2, 20), row=9, column="age", cell="9")
    file = edited(file, row=9, column="name", cell="new")
    again = engine.work(engine.fix(done, file))
    assert again.counts == Counts(created=18, failed=2)
    another = new_engine()  # that has read nothing yet
    file = another.failed_rows(again).decode()
    for row, name in ((2, "new"), (20, "n9")):
        file = edited(
            edited(file, row=row, column="age", cell="1"), row=row, column="name", cell=name
        )
    last = another.work(another.fix(again, file))
    words = another.words(last)
    assert (words[1], words[19]) == (word, "created")
    assert (stored(engine, "name")["p9"], stored(engine, "name")["p20"]) == ("new", "n9")


def test_a_retry_without_any_change_after_repeats_tells_the_same(engine: Engine) -> None:
    engine.put(people("integer", keep="first"))
    names = [f"n{at % 6}" for at in range(20)]
    done = engine.run(named(*names, bad=[1, 3, 20]))
    before = engine.rows(done)
    assert done.counts == Counts(created=6, skipped=11, failed=3)
    again = engine.work(engine.retry(done))
    assert (again.counts, engine.rows(again)) == (done.counts, before)


some_rows = st.lists(
    st.tuples(
        st.sampled_from(["", "Ann", "Bob", "Cid"]),
        st.just(""),
        st.sampled_from(["", "", "1", "2"]),
        st.sampled_from(["1", "1", "old"]),
    ),
    min_size=1,
    max_size=40,
)


def judged(
    rows: Sequence[Row], before: Sequence[str], keep: str | None, *, any_age: bool
) -> list[str]:
    """Try rows one after the other that are not fine, after all that are."""
    fine = [row for row, word in zip(rows, before, strict=True) if word == "created"]
    names, phones = {row[0] for row in fine} - {""}, {row[2] for row in fine} - {""}
    words = list(before)
    for at, (name, _, phone, age) in enumerate(rows):
        if before[at] in {"created", "skipped"}:
            continue
        if age == "old" and not any_age:
            words[at] = "failed type-error"
        elif keep and name in names:
            words[at] = "skipped" if keep == "first" else "failed unique-error"
        elif phone in phones:
            words[at] = "failed unique-error"
        else:
            words[at] = "created"
            names |= {name} - {""}
            phones |= {phone} - {""}
    return words


@pytest.mark.parametrize("keep", [None, "first", "error"])
def test_every_row_has_the_fate_that_trying_in_order_gives(
    new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch, keep: str | None
) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "7")
    engine = new_engine()
    workers = [engine.rowport.new_works() for _ in range(6)]
    orders = st.permutations([1, 2, 3, 4, 5, 6])

    @settings(max_examples=20, deadline=None)
    @given(rows=some_rows, order=orders, again=orders)
    def check(rows: list[Row], order: list[int], again: list[int]) -> None:
        engine.sql("DROP TABLE IF EXISTS data_default.people")
        engine.put(people("integer", keep=keep))
        planned = engine.plan(engine.land(text(rows)))
        load_in_order(engine, planned, workers, order)
        expected = judged(rows, [""] * len(rows), keep, any_age=False)
        assert engine.words(planned) == expected
        engine.put(people("string", keep=keep))
        if not any(word.startswith("failed") for word in expected):
            return
        load_in_order(engine, engine.retry(engine.get(planned)), workers, again)
        assert engine.words(planned) == judged(rows, expected, keep, any_age=True)
        assert engine.get(planned).state is ImportState.COMPLETED

    check()


# --------------------------------------------------------------------------- schema and day


def test_columns_that_the_newest_type_does_not_take_refuse_the_retry(engine: Engine) -> None:
    engine.put(people("integer"))
    done = engine.run("id,age,other\np1,old,1\n")
    engine.put(people("string", fieldsMatch="superset"))
    with pytest.raises(FieldsMismatch):
        engine.retry(done)
    assert engine.get(done) == done


def test_the_current_date_of_a_retry_is_the_day_on_which_the_import_began(engine: Engine) -> None:
    rules = [{"check": "since <= current_date"}]
    fields = [{"name": "id"}, {"name": "since", "type": "date"}]
    engine.put({"fields": fields, "primaryKey": "id", "rules": rules})
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=7), today - timedelta(days=40)]
    done = engine.run("id,since\n" + "".join(f"p{at},{day}x\n" for at, day in enumerate(days)))
    assert done.counts == Counts(failed=2)
    engine.sql("UPDATE rowport.imports SET started_at = started_at - interval '30 days'")
    file = engine.failed_rows(done).decode()
    for row, day in enumerate(days, start=1):
        file = edited(file, row=row, column="since", cell=str(day))
    again = engine.work(engine.fix(done, file))
    assert engine.words(again) == ["failed row-constraint", "created"]
