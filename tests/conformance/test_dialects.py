"""What every dialect owes: run over each one found."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from litestar import Litestar
from litestar.di import Provide

from rowport.dialects import discover
from rowport.model.counts import Counts
from rowport.model.ids import new_oid, new_uuid
from rowport.model.imports import ChunkTally, Import, ImportFault, ImportFile, ImportOptions
from rowport.model.states import FINAL, ImportState, Phase

if TYPE_CHECKING:
    from rowport.wire.dialect import Charter, Dialect

DIALECTS = discover()
FOLDER = Path(__file__).parents[2] / "src/rowport/dialects"
NOW = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
PLACEHOLDERS = re.compile(r'App\\\\Http|lorem ipsum|<string>|"type": "string"', re.IGNORECASE)
RESULTS = {
    "every row good": Counts(created=3),
    "some rows failed": Counts(created=2, failed=1),
    "every row failed": Counts(failed=3),
    "no row": Counts(),
}

each_dialect = pytest.mark.parametrize("name", sorted(DIALECTS))


def charter(name: str) -> Charter:
    found = DIALECTS[name].charter
    assert found is not None, f"{name} has no charter"
    return found


def facets() -> dict[str, object]:
    """Facets with which a record type is shown by every dialect."""
    return {
        "mileapp": {"type": "datasource", "commonData": True},
        "moengage": {"type": "USERS"},
        "rocketchat": {"importer": "csv"},
        "micro": {"object_type": "contact"},
        "plannr": {"type": "clients", "singular": "client"},
    }


def an_import(state: ImportState, counts: Counts, phase: Phase | None = None) -> Import:
    fault = ImportFault(code="empty_file", message="There is no row.", retryable=False)
    file = ImportFile(
        id=new_uuid(),
        oid=new_oid(),
        name="people.csv",
        size_bytes=10,
        sha256="0" * 64,
        blob="imports/1/1",
    )
    return Import(
        id=new_uuid(),
        oid=new_oid(),
        organization_id=new_uuid(),
        type_name="clients",
        type_version=1,
        state=state,
        phase=phase,
        options=ImportOptions(),
        mapping={"E-mail": "email"},
        counts=counts,
        chunks=ChunkTally(total=1, done=1 if state in FINAL else 0),
        files=(file,),
        type_oid=new_oid(),
        type_attributes=facets(),
        name="people",
        created_by=None,
        created_by_email="ada@example.com",
        feed_oid=None,
        starts_by_itself=True,
        attributes={},
        scheduled_for=None,
        archived_at=None,
        error=fault if state is ImportState.FAILED else None,
        waiting=None,
        starts=1,
        state_since=NOW,
        stopped_by=None,
        created_at=NOW,
        updated_at=NOW,
        started_at=NOW,
        finished_at=NOW if state in FINAL else None,
    )


def every_import() -> list[Import]:
    found = []
    for state in ImportState:
        if state is ImportState.COMPLETED:
            found += [an_import(state, counts) for counts in RESULTS.values()]
        elif state is ImportState.DRAFT:
            found += [an_import(state, counts) for counts in (Counts(), Counts(pending=3))]
        elif state is ImportState.RUNNING:
            found += [an_import(state, Counts(created=1, pending=2), phase) for phase in Phase]
        else:
            found.append(an_import(state, Counts(pending=3)))
    ended = an_import(ImportState.COMPLETED, Counts(created=3))
    return [*found, replace(ended, archived_at=NOW)]


@each_dialect
@pytest.mark.parametrize("state", ImportState)
def test_every_state_is_said_in_a_documented_word_or_not_shown(
    name: str, state: ImportState
) -> None:
    promised = charter(name)
    for job in every_import():
        if job.state is state:
            word = promised.word(job)
            assert word is None or word in promised.words


@each_dialect
def test_every_documented_word_can_be_said_or_is_excused(name: str) -> None:
    promised = charter(name)
    said = {promised.word(job) for job in every_import()}
    assert promised.words - said == set(promised.unsaid)
    assert all(reason for reason in promised.unsaid.values())


@each_dialect
def test_an_import_that_runs_or_ended_is_shown(name: str) -> None:
    for job in every_import():
        if job.state is ImportState.RUNNING or job.state.is_final:
            assert charter(name).word(job) is not None


def test_all_dialects_count_the_same_rows() -> None:
    for job in every_import():
        counts = job.counts
        for name in DIALECTS:
            tally = charter(name).tally(job)
            good = counts.processed - counts.failed
            assert (tally.total, tally.good, tally.failed) == (counts.total, good, counts.failed)


@each_dialect
def test_counts_of_repeated_looks_never_fall(name: str) -> None:
    early = an_import(ImportState.RUNNING, Counts(created=1, pending=2), Phase.LOADING)
    late = replace(early, counts=Counts(created=2, failed=1))
    before, after = charter(name).tally(early), charter(name).tally(late)
    assert after.good >= before.good
    assert after.failed >= before.failed


@each_dialect
def test_every_documented_operation_is_served(name: str) -> None:
    served = routes(DIALECTS[name])
    missing = {(m, shape(p)) for m, p in charter(name).endpoints} - served
    assert not missing


@each_dialect
def test_it_owns_every_path_that_it_serves(name: str) -> None:
    for _, path in charter(name).endpoints:
        owners = [d.name for d in DIALECTS.values() if d.owns(re.sub(r"\{[^}]*\}", "x", path))]
        assert owners == [name]


@each_dialect
def test_it_has_golden_files_and_none_holds_a_placeholder(name: str) -> None:
    golden = sorted((FOLDER / name / "golden").rglob("*.json"))
    assert golden
    for file in golden:
        text = file.read_text(encoding="utf-8")
        json.loads(text)
        assert not PLACEHOLDERS.search(text), file


@each_dialect
def test_it_says_what_it_cannot_do(name: str) -> None:
    readme = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert "## Limitations and quirks" in readme


@each_dialect
def test_it_is_described_among_the_documents(name: str) -> None:
    assert (FOLDER.parents[2] / "docs/dialects" / f"{name}.md").exists()


def routes(dialect: Dialect) -> set[tuple[str, str]]:
    app = Litestar(
        route_handlers=list(dialect.routes),
        dependencies={"front": Provide(lambda: None, sync_to_thread=False)},
        openapi_config=None,
    )
    return {
        (method, shape(route.path))
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
    }


def shape(path: str) -> str:
    """A path with its parameters' names left out."""
    return re.sub(r"\{[^}]*\}", "{}", path)
