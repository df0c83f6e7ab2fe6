"""Why nothing happens, asked of a real queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rowport.model.errors import Unavailable
from rowport.ports.ledger import ChunkRef, ImportRef
from rowport.runtime.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import

ROWS = [(f"u{n:03}@x.org", f"U{n}", "1") for n in range(30)]


def code(engine: Engine, imported: Import) -> str | None:
    [one] = engine.rowport.services.waits.explain(imported.organization_id, [engine.get(imported)])
    return str(one.waiting.code) if one.waiting else None


@pytest.fixture
def worker(engine: Engine) -> Iterator[None]:
    """A worker that is alive and does nothing."""
    presence = engine.rowport.surroundings().presence
    presence.announce()
    yield
    presence.leave()


def test_without_a_worker_everything_waits_for_one(engine: Engine) -> None:
    engine.put()
    landed = engine.land(ROWS)
    assert code(engine, landed) == "worker"
    assert code(engine, engine.plan(landed)) == "worker"


@pytest.mark.usefixtures("worker")
def test_each_import_tells_what_comes_first(
    new_engine: Callable[[], Engine], engine: Engine
) -> None:
    engine.put()
    first, second = engine.land(ROWS), engine.land(ROWS)
    assert (code(engine, first), code(engine, second)) == ("soon", "turn")
    engine.sql("UPDATE rowport_jobs.procrastinate_jobs SET status = 'doing'")
    assert code(engine, first) is None
    engine.sql("DELETE FROM rowport_jobs.procrastinate_jobs")
    engine.plan(first)
    engine.plan(second)
    assert (code(engine, first), code(engine, second)) == ("soon", "soon")
    with new_engine().rowport.database.transaction() as tx:
        held = ChunkRef(organization_id=first.organization_id, import_id=first.id, number=1)
        assert engine.works.ledger.chunks.lock(tx, held)
        assert (code(engine, first), code(engine, second)) == (None, "turn")
        [told] = engine.rowport.services.waits.explain(second.organization_id, [engine.get(second)])
        assert told.waiting is not None
        assert "at 1 chunk of 1 other import(s)" in told.waiting.message
    assert code(engine, engine.pause(first)) == "resume"


@pytest.mark.usefixtures("worker")
def test_an_outage_and_a_fault_are_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.put()
    queued = engine.plan(engine.land(ROWS))

    def fail(*_: object) -> None:
        raise Unavailable("The blob store does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(type(engine.works.loading), "load", fail)
        with pytest.raises(Unavailable):
            engine.drain()
    engine.sql("UPDATE rowport.chunks SET run_after = clock_timestamp() + interval '9 s'")
    assert code(engine, queued) == "outage"
    engine.sql("UPDATE rowport.chunks SET attempts = 1 WHERE fault IS NOT NULL")
    assert code(engine, queued) == "retry"


@pytest.mark.usefixtures("worker")
def test_a_file_that_cannot_be_read_yet_says_why(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.put()
    landed = engine.land(ROWS)
    worker = Worker(engine.rowport.surroundings())

    def fail(*_: object) -> None:
        raise Unavailable("The blob store does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(type(worker.works.planning), "plan", fail)
        ref = ImportRef(organization_id=landed.organization_id, import_id=landed.id)
        with pytest.raises(Unavailable):
            worker.plan(ref, tries=0, deaths=0)
    assert code(engine, landed) == "outage"
    assert code(engine, engine.plan(landed)) == "soon"
