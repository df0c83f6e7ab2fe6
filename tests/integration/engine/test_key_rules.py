"""Keys that are compared by other rules than plain equality."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rowport.model.errors import InvalidOptions
from rowport.model.imports import KeyRules, Mode, OnMatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import

FOLDED = KeyRules(folds_case=True, skips_repeats=True, creates_keyless=True, takes_any_field=True)
EXACT = KeyRules(skips_repeats=True, creates_keyless=True, takes_any_field=True)
LOOSE: dict[str, object] = {
    "fields": [{"name": "email", "type": "string"}, {"name": "age", "type": "integer"}]
}


def run(
    engine: Engine,
    emails: Sequence[str | None],
    *,
    rules: KeyRules = FOLDED,
    **options: Any,  # noqa: ANN401  ImportOptions'
) -> Import:
    """Import rows with these e-mail addresses."""
    rows = [{"email": email, "age": age} for age, email in enumerate(emails)]
    chosen = {"key": ("email",), "on_match": OnMatch.SKIP, "key_rules": rules, **options}
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    return engine.run(lines, file_name="rows.jsonl", **chosen)


def stored(engine: Engine) -> list[str | None]:
    rows = engine.sql("SELECT email FROM data_default.people ORDER BY rowport_id")
    return [row["email"] for row in rows]


def test_a_repeated_key_is_skipped_and_names_the_record_of_the_first_row(engine: Engine) -> None:
    engine.put()
    done = run(engine, ["a@x", "b@x", "a@x"], rules=EXACT)
    assert engine.words(done) == ["created", "created", "skipped"]
    rows = engine.rows(done)
    assert rows[2].record_id == rows[0].record_id is not None


def test_a_repeated_key_of_an_existing_record_names_that_record(engine: Engine) -> None:
    engine.put()
    first = run(engine, ["a@x"])
    done = run(engine, ["a@x", "A@X"])
    assert engine.words(done) == ["skipped", "skipped"]
    [made] = engine.rows(first)
    assert {row.record_id for row in engine.rows(done)} == {made.record_id}


@pytest.mark.parametrize("other", ["ANN@X.ORG", "  ann@x.org\t", "\u00a0Ann@x.org"])
def test_case_and_blanks_make_no_other_key(engine: Engine, other: str) -> None:
    engine.put()
    run(engine, ["ann@x.org"])
    assert engine.words(run(engine, [other])) == ["skipped"]
    assert stored(engine) == ["ann@x.org"]


@pytest.mark.parametrize(("kept", "other"), [("straße", "STRASSE"), ("\u212aelvin", "kelvin")])
def test_keys_are_folded_as_unicode_says_and_not_only_lowered(
    engine: Engine, kept: str, other: str
) -> None:
    engine.put()
    run(engine, [kept])
    assert engine.words(run(engine, [other])) == ["skipped"]
    run(engine, ["masse"])
    assert engine.words(run(engine, ["MAßE"])) == ["skipped"]


def test_the_first_row_of_a_folded_key_wins_and_keeps_its_spelling(engine: Engine) -> None:
    engine.put()
    done = run(engine, ["Ann@x", "ann@X", "ANN@X"])
    assert engine.words(done) == ["created", "skipped", "skipped"]
    assert stored(engine) == ["Ann@x"]


def test_without_folding_case_makes_another_key(engine: Engine) -> None:
    engine.put()
    assert engine.words(run(engine, ["a@x", "A@x"], rules=EXACT)) == ["created", "created"]


def test_the_first_row_wins_across_chunks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "2")
    engine.put()
    done = run(engine, ["a@x", "b@x", "A@X", "c@x", "B@x", "a@x"])
    assert done.chunks.total == 3
    assert engine.words(done) == ["created", "created", "skipped", "created", "skipped", "skipped"]
    rows = engine.rows(done)
    assert rows[5].record_id == rows[2].record_id == rows[0].record_id


def test_a_record_met_by_an_earlier_chunk_is_met_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.put()
    run(engine, ["a@x"])
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "1")
    assert engine.words(run(engine, ["A@x", "a@X"])) == ["skipped", "skipped"]


def test_rows_without_a_key_are_all_created(engine: Engine) -> None:
    engine.put(LOOSE)
    done = run(engine, [None, "a@x", None, ""])
    assert engine.words(done) == ["created"] * 4
    assert engine.words(run(engine, [None, "A@x"])) == ["created", "skipped"]


def test_any_field_can_be_the_key_and_the_oldest_record_counts(engine: Engine) -> None:
    engine.put(LOOSE)
    first = engine.run([["a@x", "", "1"], ["a@x", "", "2"]])
    done = run(engine, ["a@x"])
    assert engine.words(done) == ["skipped"]
    assert engine.rows(done)[0].record_id == engine.rows(first)[0].record_id


def test_a_key_that_is_no_text_is_compared_as_it_is(engine: Engine) -> None:
    engine.put(LOOSE)
    run(engine, ["a", "b"], key=("age",))
    assert engine.words(run(engine, ["c", "d", "e"], key=("age",))) == [
        "skipped",
        "skipped",
        "created",
    ]


def test_rows_that_the_table_refuses_give_way_to_the_next_of_their_key(engine: Engine) -> None:
    engine.put(
        {
            "fields": [
                {"name": "email", "type": "string"},
                {"name": "phone", "type": "string", "constraints": {"unique": True}},
            ]
        }
    )
    rows = [(None, "1"), ("a@x", "1"), ("A@x", "2"), (None, "3"), ("a@X", "4"), (None, "3")]
    lines = "".join(json.dumps({"email": e, "phone": p}) + "\n" for e, p in rows)
    done = engine.run(
        lines,
        file_name="rows.jsonl",
        key=("email",),
        on_match=OnMatch.SKIP,
        key_rules=FOLDED,
    )
    assert engine.words(done) == [
        "created",
        "failed unique-error",
        "created",
        "created",
        "skipped",
        "failed unique-error",
    ]
    told = engine.rows(done)
    assert told[4].record_id == told[2].record_id is not None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"on_match": OnMatch.UPDATE}, "on-match skip"),
        ({"mode": Mode.VALIDATE}, "mode upsert"),
        ({"key": ("phone",)}, "'phone' is not a field"),
        ({"key": ("email", "age")}, "one field"),
    ],
)
def test_rules_that_cannot_be_are_refused(
    engine: Engine, options: dict[str, Any], said: str
) -> None:
    engine.put()
    with pytest.raises(InvalidOptions, match=said):
        run(engine, ["a@x"], **options)
