"""Pages of the row ledger, and its errors by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rowport.model.errors import ImportNotFound
from rowport.model.ids import new_uuid
from rowport.model.outcomes import Outcome
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import
    from rowport.model.outcomes import RowOutcome

AGES = ["1", "old", "2", "x", "3", "3", "old"]


def mixed(engine: Engine, rows: int = 60) -> Import:
    """An import of nine chunks: good rows, failed rows, and a chunk without a failed one."""
    engine.put()
    people = [
        (f"p{at}@x" if at % 11 else "", f"n{at}", AGES[at % 7] if not 20 < at < 30 else "5")
        for at in range(1, rows + 1)
    ]
    return engine.run(people)


def pages(
    engine: Engine, imported: Import, *, limit: int, after: int, outcome: Outcome | None
) -> list[RowOutcome]:
    """Turn all pages."""
    asked = engine.rowport.services.rows
    found: list[RowOutcome] = []
    while True:
        page: Sequence[RowOutcome] = asked.page(
            imported.organization_id, imported.id, limit=limit, after=after, outcome=outcome
        )
        assert len(page) <= limit
        found += page
        if len(page) < limit:
            return found
        after = page[-1].row


def test_the_pages_hold_the_rows_that_are_told_in_one_go(engine: Engine) -> None:
    imported = mixed(engine)
    rows = engine.rows(imported)
    assert {row.outcome for row in rows} == {Outcome.CREATED, Outcome.FAILED}

    @hypothesis_settings(max_examples=60, deadline=None)
    @given(
        limit=st.integers(1, 70),
        after=st.integers(0, 65),
        outcome=st.none() | st.sampled_from(Outcome),
    )
    def check(limit: int, after: int, outcome: Outcome | None) -> None:
        wanted = [row for row in rows if row.row > after and outcome in {None, row.outcome}]
        assert pages(engine, imported, limit=limit, after=after, outcome=outcome) == wanted

    check()


def test_rows_that_were_not_processed_have_pages_too(engine: Engine) -> None:
    engine.put()
    canceled = engine.cancel(engine.plan(engine.land([("a@x", "A", "1")] * 20)))
    assert canceled.state in {ImportState.CANCELED, ImportState.CANCELING}
    for outcome in (None, Outcome.PENDING):
        found = pages(engine, canceled, limit=6, after=3, outcome=outcome)
        assert [row.row for row in found] == [*range(4, 21)]
    assert pages(engine, canceled, limit=6, after=0, outcome=Outcome.FAILED) == []


def test_errors_are_told_by_kind(engine: Engine) -> None:
    imported = mixed(engine)
    groups = engine.rowport.services.rows.error_groups(imported.organization_id, imported.id)
    errors = [(row, error) for row in engine.rows(imported) for error in row.errors]
    assert sum(group.count for group in groups) == len(errors)
    assert [(group.code, group.field) for group in groups] == [
        ("type-error", "age"),
        ("primary-key", "email"),
    ]
    for group in groups:
        mine = [(row, error) for row, error in errors if error.field == group.field]
        assert group.count == len(mine)
        assert [dict(example) for example in group.examples] == [
            {"row": row.row, "value": error.value, "message": error.message}
            for row, error in mine[:3]
        ]


def test_an_import_that_is_not_there_has_no_pages(engine: Engine) -> None:
    engine.put()
    organization = engine.rowport.organization.id
    with pytest.raises(ImportNotFound):
        engine.rowport.services.rows.page(organization, new_uuid(), limit=1)
    with pytest.raises(ImportNotFound):
        engine.rowport.services.rows.error_groups(organization, new_uuid())
