"""Checks hold in imports: rows that break them fail, and one day is the current date for all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rowport.engine.validation.checks import check
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from tests.integration.engine.conftest import Engine

STAYS: dict[str, object] = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"required": True}},
        {"name": "start", "type": "date"},
        {"name": "end", "type": "date"},
    ],
    "primaryKey": "email",
    "rules": [
        {"check": '"end" >= start', "message": "a stay ends after it began"},
        {"check": "start <= current_date"},
    ],
}


def file(*rows: tuple[str, str, str]) -> str:
    return "email,start,end\n" + "".join(",".join(row) + "\n" for row in rows)


def test_rows_that_break_a_check_fail_and_the_others_load(engine: Engine) -> None:
    engine.put(STAYS)
    done = engine.run(
        file(
            ("a@x", "2024-01-01", "2024-01-02"),
            ("b@x", "2024-01-03", "2024-01-02"),
            ("c@x", "2024-01-03", ""),
            ("d@x", "soon", "2024-01-02"),
        )
    )
    assert engine.words(done) == [
        "created",
        "failed row-constraint",
        "created",
        "failed type-error",
    ]
    [error] = engine.rows(done)[1].errors
    assert error.message == ("a stay ends after it began (end = 2024-01-02, start = 2024-01-03)")


def test_the_current_date_is_the_day_on_which_the_import_began(
    new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "1")
    engine = new_engine()
    engine.put(STAYS)
    day = str(datetime.now(UTC).date() - timedelta(days=7))
    imported = engine.plan(engine.land(file(("a@x", day, day), ("b@x", day, day))))
    turns = iter([False, True])
    engine.drain(lambda: next(turns))  # the first chunk; the import runs
    engine.sql("UPDATE rowport.imports SET started_at = started_at - interval '30 days'")
    another = new_engine()  # a worker that comes when the next day has begun, as it were
    assert another.words(another.work(imported)) == ["created", "failed row-constraint"]


def test_a_check_that_takes_too_long_ends_the_import_with_its_reason(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.put(STAYS)
    monkeypatch.setattr(check, "BUDGET_S", -1.0)
    done = engine.run(file(("a@x", "2024-01-01", "2024-01-02")))
    assert done.state is ImportState.FAILED
    assert done.error is not None
    assert done.error.code == "rule_too_slow"
