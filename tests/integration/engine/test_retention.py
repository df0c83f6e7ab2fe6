"""What is kept no more goes, is told, and nothing else goes with it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from rowport.model.errors import InvalidOptions, NotFound, ResultsExpired
from rowport.model.events import EventKind
from rowport.model.retention import Due, RetentionKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.engine.conftest import Engine, Makers

    from rowport.model.imports import Import

ROWS = [(f"u{n:03}@x.org", f"U{n}", "1") for n in range(9)] + [("bad@x.org", "B", "old")]
UPLOAD, STAGING, RESULTS = RetentionKind


def keep(engine: Engine, kind: RetentionKind, days: int | None) -> None:
    """Set a rule."""
    engine.rowport.services.retention.set(engine.rowport.organization.id, kind, days)


def age(engine: Engine, imported: Import, days: int) -> None:
    """Let an import have ended so many days ago."""
    engine.sql(
        "UPDATE rowport.imports SET finished_at = finished_at - make_interval(days => %(days)s) "
        "WHERE id = %(id)s",
        days=days,
        id=imported.id,
    )


def run(engine: Engine) -> list[RetentionKind]:
    """Let go of what is due, as a worker does; give the kinds."""
    return [due.kind for due in engine.works.retention.run()]


def blobs(engine: Engine, imported: Import) -> list[str]:
    """Give the names of an import's files on disk."""
    folder: Path = engine.rowport.home / "blobs" / "imports" / str(imported.id)
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def as_parquet() -> bytes:
    """Write a file whose chunks are staged."""
    out = io.BytesIO()
    names = [f"s{n}@x.org" for n in range(20)]
    parquet.write_table(pa.table({"email": names, "name": names}), out)
    return out.getvalue()


def test_without_a_rule_everything_stays(engine: Engine) -> None:
    engine.put()
    imported = engine.run(ROWS)
    age(engine, imported, 10_000)
    assert run(engine) == []
    assert blobs(engine, imported) == ["1"]
    rules = engine.rowport.services.retention.rules(engine.rowport.organization.id)
    assert [(rule.kind, rule.days) for rule in rules] == [(k, None) for k in RetentionKind]


def test_results_go_and_counts_stay_and_both_are_told(engine: Engine) -> None:
    engine.put()
    imported = engine.run(ROWS)
    keep(engine, RESULTS, 30)
    age(engine, imported, 29)
    assert run(engine) == []
    assert len(engine.rows(imported)) == 10
    age(engine, imported, 1)
    assert run(engine) == [RESULTS]
    expired = engine.get(imported)
    assert (expired.counts.created, expired.counts.failed) == (9, 1)
    [expiry] = expired.expired
    assert (expiry.kind, expiry.why) == (RESULTS, "kept for 30 days after the import's end")
    rows, names = engine.rowport.services.rows, (imported.organization_id, imported.id)
    for ask in (
        lambda: rows.outcomes(*names),
        lambda: rows.page(*names, limit=1),
        lambda: rows.error_groups(*names),
        lambda: rows.failed(*names),
    ):
        with pytest.raises(ResultsExpired, match="kept for 30 days"):
            ask()
    assert list(rows.failed_of(imported.organization_id, [imported.id])) == []
    assert engine.sql("SELECT 1 FROM rowport.chunk_results") == []
    assert len(engine.people()) == 9
    assert blobs(engine, imported) == ["1"]
    assert run(engine) == []
    events = engine.rowport.services.events.after(imported.organization_id, 0)
    told = [event for event in events if event.kind is EventKind.EXPIRED]
    assert len(told) == 1
    said = told[0].data["expired"]
    assert isinstance(said, dict)
    assert list(said) == ["results"]


def test_uploads_and_staged_chunks_go_by_rules_of_their_own(engine: Engine) -> None:
    engine.put()
    imported = engine.run(as_parquet(), file_name="s.parquet")
    staged = ["chunks/1", "chunks/2", "chunks/3"]
    assert blobs(engine, imported) == ["1", *staged]
    keep(engine, STAGING, 1)
    keep(engine, UPLOAD, 7)
    age(engine, imported, 2)
    assert run(engine) == [STAGING]
    assert blobs(engine, imported) == ["1"]
    age(engine, imported, 5)
    assert run(engine) == [UPLOAD]
    assert blobs(engine, imported) == []
    assert len(engine.rows(imported)) == 20
    assert [e.kind for e in engine.get(imported).expired] == [UPLOAD, STAGING]
    with pytest.raises(NotFound):
        engine.rowport.blobs.open(imported.files[0].blob)


def test_nothing_goes_of_an_import_that_has_not_ended(engine: Engine, make: Makers) -> None:
    engine.put()
    for kind in RetentionKind:
        keep(engine, kind, 1)
    waiting = engine.plan(engine.land(ROWS))
    engine.sql("UPDATE rowport.imports SET created_at = created_at - interval '9 years'")
    assert run(engine) == []
    # It was due, and is opened again before it could be let go.
    ended = engine.run([("z@x.org", "Z", "1")])
    age(engine, ended, 2)
    with engine.rowport.database.transaction() as tx:
        [due, *_] = engine.rowport.ledger.retention.due(tx, None, limit=1)
    engine.sql(
        "UPDATE rowport.imports SET state = 'queued', previous_state = 'completed', result = NULL, "
        "finished_at = NULL WHERE id = %(id)s",
        id=ended.id,
    )
    with engine.rowport.database.transaction() as tx:
        assert not engine.rowport.ledger.retention.mark(tx, due)
    assert run(engine) == []
    assert blobs(engine, ended) == ["1"]
    assert blobs(engine, waiting) == ["1"]
    assert len(engine.rows(ended)) == 1
    assert make.ref_of(ended).import_id == due.import_id


@pytest.mark.parametrize("kind", RetentionKind)
def test_a_run_that_died_halfway_is_ended_by_the_next(engine: Engine, kind: RetentionKind) -> None:
    engine.put()
    imported = engine.run(as_parquet(), file_name="s.parquet")
    age(engine, imported, 2)
    due = Due(organization_id=imported.organization_id, import_id=imported.id, kind=kind, days=1)
    with engine.rowport.database.transaction() as tx:
        assert engine.rowport.ledger.retention.mark(tx, due)
    marked = engine.get(imported).expired
    assert run(engine) == [kind]
    assert engine.get(imported).expired == marked, "it keeps the time of its mark"
    assert run(engine) == []
    left = {UPLOAD: ["chunks/1", "chunks/2", "chunks/3"], STAGING: ["1"]}
    assert blobs(engine, imported) == left.get(kind, ["1", "chunks/1", "chunks/2", "chunks/3"])


def test_another_organization_keeps_its_own(
    engine: Engine, new_engine: Callable[[], Engine]
) -> None:
    engine.put()
    imported = engine.run(ROWS)
    age(engine, imported, 400)
    other = new_engine().rowport.services.access.ensure_organization("other", "Other")
    retention = engine.rowport.services.retention
    retention.set(other.id, RESULTS, 1)
    assert run(engine) == []
    keep(engine, RESULTS, 1)
    assert retention.run(other.id) == []
    keep(engine, RESULTS, None)
    assert run(engine) == []
    assert len(engine.rows(imported)) == 10


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_days_that_cannot_be_are_refused(engine: Engine, days: int) -> None:
    with pytest.raises(InvalidOptions):
        keep(engine, RESULTS, days)
