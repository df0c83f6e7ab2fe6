"""Every change of an import is told, once, in the order of commits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rowport.model.errors import IllegalTransition
from rowport.model.events import EventKind
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.engine.conftest import Engine, Makers

    from rowport.model.events import Event
    from rowport.model.imports import Import

ROWS = [(f"u{n:03}@x.org", f"U{n}", "1") for n in range(30)]


def told(engine: Engine, imported: Import | None = None, after: int = 0) -> list[Event]:
    """Give the events behind a position."""
    organization = engine.rowport.organization.id
    import_id = imported.id if imported else None
    return list(
        engine.rowport.services.events.after(organization, after, import_id=import_id, limit=1000)
    )


def states(events: list[Event]) -> list[object]:
    """Give the states that events tell of, progress left out."""
    return [e.data["state"] for e in events if e.kind is not EventKind.PROGRESS]


def test_every_state_from_the_first_to_the_last_is_told(engine: Engine) -> None:
    engine.put()
    imported = engine.run(ROWS)
    events = told(engine, imported)
    assert states(events) == ["reading", "queued", "running", "completed"]
    assert events[0].kind is EventKind.CREATED
    last = events[-1]
    assert last.kind is EventKind.COMPLETED
    assert last.data["result"] == "succeeded"
    assert last.data["previous_state"] == "running"
    assert last.data["counts"] == {
        "total": 30, "created": 30, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0,
        "pending": 0,
    }  # fmt: skip
    assert last.data["type"] == "people"


def test_a_failure_says_why(engine: Engine) -> None:
    engine.put()
    imported = engine.run("email,name,age\n")
    last = told(engine, imported)[-1]
    assert last.kind is EventKind.FAILED
    assert last.data["error"] == {
        "code": "empty_file",
        "message": imported.error.message if imported.error else "",
        "retryable": False,
    }


def test_a_change_that_is_rolled_back_is_not_told(engine: Engine, make: Makers) -> None:
    engine.put()
    imported = engine.land(ROWS)
    before = engine.rowport.services.events.newest(imported.organization_id)
    imports, ref = engine.rowport.ledger.imports, make.ref_of(imported)

    def cancel_twice() -> None:
        with engine.rowport.database.transaction() as tx:
            imports.move(tx, ref, ImportState.READING, ImportState.CANCELED)
            imports.move(tx, ref, ImportState.READING, ImportState.CANCELED)

    with pytest.raises(IllegalTransition):
        cancel_twice()
    assert told(engine, after=before) == []


def test_progress_is_told_at_most_once_a_second(engine: Engine) -> None:
    engine.put()
    imported = engine.plan(engine.land(ROWS))
    ledger = engine.rowport.ledger

    def tell(_: int) -> bool:
        with ledger.database.transaction() as tx:
            return ledger.events.note_progress(tx, imported.organization_id, imported.id)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(tell, range(20))) == 1
    engine.sql("UPDATE rowport.events SET created_at = created_at - interval '1 second'")
    assert tell(0)
    kinds = [e.kind for e in told(engine, imported)]
    assert kinds.count(EventKind.PROGRESS) == 2


def test_a_clock_that_was_set_back_does_not_silence_progress(engine: Engine) -> None:
    engine.put()
    imported = engine.plan(engine.land(ROWS))
    ledger = engine.rowport.ledger
    with ledger.database.transaction() as tx:
        assert ledger.events.note_progress(tx, imported.organization_id, imported.id)
    engine.sql("UPDATE rowport.events SET created_at = created_at + interval '1 hour'")
    with ledger.database.transaction() as tx:
        assert ledger.events.note_progress(tx, imported.organization_id, imported.id)


def test_the_load_of_chunks_tells_progress_and_none_after_the_end(engine: Engine) -> None:
    engine.put()
    imported = engine.run(ROWS)
    kinds = [e.kind for e in told(engine, imported)]
    assert EventKind.PROGRESS in kinds
    assert kinds[-1] is EventKind.COMPLETED


def test_who_listens_is_woken_without_a_poll(engine: Engine) -> None:
    engine.put()
    listener = engine.rowport.new_listener()
    assert listener.wait(0)  # the first call only begins to listen
    assert not listener.wait(0.05)
    heard: list[bool] = []
    waiting = threading.Thread(target=lambda: heard.append(listener.wait(30)))
    waiting.start()
    engine.land(ROWS)
    waiting.join(30)
    listener.close()
    assert heard == [True]


def test_a_reader_behind_a_position_misses_nothing_however_commits_overlap(
    engine: Engine, make: Makers
) -> None:
    engine.put()
    slow, quick = engine.land(ROWS), engine.land(ROWS)
    imports, organization = engine.rowport.ledger.imports, slow.organization_id
    seen = engine.rowport.services.events.newest(organization)
    with engine.rowport.database.transaction() as early:
        imports.move(early, make.ref_of(slow), ImportState.READING, ImportState.CANCELED)
        with engine.rowport.database.transaction() as late:
            imports.move(late, make.ref_of(quick), ImportState.READING, ImportState.CANCELED)
        first = told(engine, after=seen)
    assert [e.import_id for e in first] == [quick.id]
    assert [e.import_id for e in told(engine, after=first[-1].position)] == [slow.id]


def test_what_nobody_published_is_published_by_the_tick(engine: Engine) -> None:
    engine.put()
    imported = engine.land(ROWS)
    engine.sql("UPDATE rowport.imports SET phase = 'finishing' WHERE id = %(id)s", id=imported.id)
    assert [e.kind for e in told(engine)] == [EventKind.CREATED]
    engine.works.telling.publish()
    assert [e.kind for e in told(engine)] == [EventKind.CREATED, EventKind.PHASE]


def test_old_events_go_and_progress_goes_first(engine: Engine) -> None:
    engine.put()
    imported = engine.plan(engine.land(ROWS))
    ledger = engine.rowport.ledger
    with ledger.database.transaction() as tx:
        assert ledger.events.note_progress(tx, imported.organization_id, imported.id)
    engine.sql("UPDATE rowport.events SET created_at = created_at - interval '2 days'")

    def drop(days: int) -> int:
        with ledger.database.transaction() as tx:
            return ledger.events.drop_old(tx, kept=timedelta(days=days), limit=100)

    assert drop(3) == 1
    assert [e.kind for e in told(engine)] == [EventKind.CREATED, EventKind.STATE]
    assert drop(1) == 2
    assert told(engine) == []


def test_an_organization_sees_its_own_events_only(
    engine: Engine, new_engine: Callable[[], Engine]
) -> None:
    engine.put()
    engine.land(ROWS)
    other = new_engine().rowport.services.access.ensure_organization("other", "Other")
    assert engine.rowport.services.events.after(other.id, 0) == []
    assert engine.rowport.services.events.newest(other.id) == 0
