"""What Plannr's clients see of imports: golden answers, and each word."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.dialects import plannr
from rowport.dialects.plannr.facets import Facet, facet_of, singular, zone_of
from rowport.dialects.plannr.present import (
    Document,
    Report,
    Shown,
    has_report,
    import_document,
    index_document,
    moment,
    progress,
)
from rowport.dialects.plannr.words import MODES, fates_of, mode_of, modes_of, status_of
from rowport.model.access import Role, User
from rowport.model.counts import Counts
from rowport.model.imports import Import, ImportFault, ImportFile, ImportOptions, Mode
from rowport.model.organizations import Organization
from rowport.model.outcomes import Outcome, RowError, RowErrorCode, RowOutcome
from rowport.model.states import ImportState, Result
from rowport.ports.queries import FATES
from rowport.wire.laravel import resource_page

FOLDER: Final = Path(plannr.__file__).parent
LONDON: Final = ZoneInfo("Europe/London")
NOON: Final = datetime(2024, 10, 16, 10, 10, 13, 999_999, tzinfo=UTC)
USER: Final = User(
    id=UUID("4c005eb9-311e-43e7-8bc4-400da17dbb97"),
    oid="1" * 24,
    organization_id=UUID(int=1),
    email="gareth@codepotato.co.uk",
    first_name="Gareth",
    last_name="Thompson",
    role=Role.MEMBER,
    created_at=NOON,
    updated_at=NOON,
)
FILE: Final = ImportFile(
    id=UUID(int=2),
    oid="2" * 24,
    name="clients.csv",
    size_bytes=99,
    sha256="0" * 64,
    blob="b",
    layout={"header": ["fname", "lname", "email"]},
)
FAILED_ROW: Final = RowOutcome(
    row=2,
    line=3,
    outcome=Outcome.FAILED,
    record_id=None,
    errors=(
        RowError(
            code=RowErrorCode.CONSTRAINT,
            field="send_welcome_email",
            value="",
            message="The send welcome email field is required.",
        ),
    ),
    raw=("Ann", "Lee", "ann@example.com"),
)
REPORT: Final = Report(size_bytes=21_691_783, url="https://example.com/v1/files/x.y/errors.csv")
MAPPING: Final = {"fname": "first_name", "lname": "last_name", "email": "email"}


def blank(kind: type) -> dict[str, Any]:
    """Give what these tests do not look at."""
    return dict.fromkeys(field.name for field in fields(kind))


def job(state: ImportState, counts: Counts | None = None, **words: Any) -> Import:  # noqa: ANN401  Import's
    known: dict[str, Any] = {
        "id": UUID("4d94adac-7d98-4a3e-b307-652953eec54b"),
        "organization_id": UUID(int=1),
        "type_name": "people",
        "type_attributes": {"plannr": {"type": "clients", "singular": "client"}},
        "state": state,
        "options": ImportOptions(mode=Mode.INSERT, matches_by_name=False),
        "counts": counts or Counts(),
        "files": (FILE,),
        "mapping": MAPPING,
        "created_at": NOON,
        "updated_at": NOON,
        "finished_at": NOON if state.is_final else None,
        "attributes": {},
    }
    return Import(**{**blank(Import), **known, **words})


HALF: Final = Counts(created=2, failed=1, pending=1)
MIXED: Final = Counts(created=3, failed=1)
FAULT: Final = ImportFault(code="empty_file", message="There is nothing.", retryable=False)
GOLDEN: Final = {
    # The document's own sample; what only its generator says is resolved, and its numbers, which
    # cannot be (100 % of a processing import with a job remaining), are counted.
    "documented": Shown(job=job(ImportState.RUNNING, HALF), failed=[FAILED_ROW], account=USER),
    "pending": Shown(job=job(ImportState.NEEDS_MAPPING, Counts(pending=4), mapping={})),
    "mapped": Shown(job=job(ImportState.READY, Counts(pending=4)), account=USER),
    "processing": Shown(job=job(ImportState.QUEUED, Counts(pending=4)), account=USER),
    "completed": Shown(job=job(ImportState.COMPLETED, Counts(updated=4)), account=USER),
    "completed_with_failed_rows": Shown(
        job=job(ImportState.COMPLETED, MIXED), failed=[FAILED_ROW], report=REPORT, account=USER
    ),
    "failed_by_its_rows": Shown(
        job=job(ImportState.COMPLETED, Counts(failed=1)), failed=[FAILED_ROW], report=REPORT
    ),
    "failed": Shown(job=job(ImportState.FAILED, files=(), mapping=None, error=FAULT)),
    "cancelled": Shown(job=job(ImportState.CANCELED, HALF), failed=[FAILED_ROW], report=REPORT),
}


def golden(name: str) -> str:
    return (FOLDER / "golden" / f"{name}.json").read_text(encoding="utf-8")


def written(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def fits(document: object, schema: str) -> None:
    path = FOLDER / "schemas" / f"{schema}.json"
    jsonschema.validate(document, json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", GOLDEN)
def test_an_import_is_told_as_its_golden_file_has_it(name: str) -> None:
    document = import_document(GOLDEN[name], LONDON)
    fits(document, "import")
    assert written(document) == golden(name)


def test_a_page_is_told_as_its_golden_file_has_it() -> None:
    shown = [GOLDEN["completed_with_failed_rows"], GOLDEN["pending"]]
    page = resource_page(
        [
            index_document(shown[0], LONDON, with_account=True),
            index_document(shown[1], LONDON, with_account=False),
        ],
        total=2,
        per_page=15,
        page=1,
        path="https://example.com/api/v1/import",
        query=[("filter[types]", "clients")],
    )
    fits(page, "list")
    assert written(page) == golden("page")


def test_every_golden_import_is_without_the_words_of_a_document_generator() -> None:
    for name in GOLDEN:
        for artefact in ("App\\\\", 'example":', "description", "can_be_deleted"):
            assert artefact not in golden(name)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("draft", "pending"), ("receiving", "pending"), ("reading", "pending"),
        ("needs_mapping", "pending"), ("ready", "mapped"), ("queued", "processing"),
        ("running", "processing"), ("pausing", "processing"), ("paused", "processing"),
        ("canceling", "processing"), ("completed", "completed"), ("failed", "failed"),
        ("canceled", "cancelled"),
    ],
)  # fmt: skip
def test_every_state_is_said(state: str, word: str) -> None:
    assert status_of(job(ImportState(state), Counts(created=1, failed=1))) == word


def test_an_import_of_which_every_row_failed_has_failed() -> None:
    assert status_of(job(ImportState.COMPLETED, Counts(failed=3))) == "failed"


def test_a_status_chooses_exactly_the_imports_that_show_it() -> None:
    by_result = {
        Result.SUCCEEDED: Counts(created=1),
        Result.PARTIAL: Counts(created=1, failed=1),
        Result.FAILED: Counts(failed=1),
    }
    known = {state.value: job(state) for state in ImportState if state.value != "completed"}
    known |= {FATES[r]: job(ImportState.COMPLETED, c) for r, c in by_result.items()}
    for fate, shown in known.items():
        for status in ("pending", "mapped", "processing", "completed", "failed", "cancelled"):
            assert (fate in fates_of(status)) == (status_of(shown) == status)
    assert fates_of("onprocess") == frozenset()


def test_every_mode_is_said_and_what_is_asked_for_is_done() -> None:
    assert {mode: mode_of(mode) for mode in Mode} == {
        Mode.INSERT: "store",
        Mode.UPSERT: "store",
        Mode.UPDATE: "update",
        Mode.VALIDATE: "validate",
    }
    assert all(mode_of(mode) == word for word, mode in MODES.items())
    assert modes_of("store") == {Mode.INSERT, Mode.UPSERT}
    assert modes_of("upsert") == frozenset()


counts = st.builds(
    Counts, **{f.name: st.integers(min_value=0, max_value=9) for f in fields(Counts)}
)


@given(state=st.sampled_from(ImportState), counted=counts)
def test_progress_is_100_only_at_the_end(state: ImportState, counted: Counts) -> None:
    said = progress(job(state, counted))
    assert 0 <= said <= 100
    if not state.is_final:
        assert said < 100
    if state is ImportState.COMPLETED and counted.pending == 0:
        assert said == 100


@given(state=st.sampled_from(ImportState), counted=counts)
def test_the_numbers_of_an_import_add_up(state: ImportState, counted: Counts) -> None:
    document = import_document(Shown(job=job(state, counted)), LONDON)
    done = counted.created + counted.updated + counted.unchanged + counted.skipped
    assert document["total_jobs"] == done + counted.failed + counted.pending
    assert document["jobs_remaining"] == counted.pending
    assert document["failed_jobs"] == counted.failed
    fits(document, "import")


@pytest.mark.parametrize("state", ImportState)
def test_a_report_is_there_at_the_end_if_rows_failed(state: ImportState) -> None:
    assert has_report(job(state, MIXED)) == state.is_final
    assert not has_report(job(state, Counts(created=1)))


def test_no_more_than_25_failed_rows_are_told() -> None:
    document = import_document(
        Shown(job=job(ImportState.RUNNING, Counts(failed=30)), failed=[FAILED_ROW] * 30), LONDON
    )
    assert len(list(document["errors"])) == 25  # type: ignore[call-overload]  # a list


def test_a_failed_row_tells_its_mapped_cells_and_all_messages_of_a_field() -> None:
    def fault(field: str | None, message: str) -> RowError:
        return RowError(code=RowErrorCode.TYPE, field=field, value=None, message=message)

    faults = (fault("email", "one"), fault("email", "two"), fault(None, "three"))
    row = replace(FAILED_ROW, errors=faults, raw=("Ann",))
    shown = Shown(
        job=job(ImportState.RUNNING, HALF, mapping={"fname": "first_name", "email": "email"}),
        failed=[row],
    )
    assert import_document(shown, LONDON)["errors"] == [
        {
            "client": {"first_name": "Ann", "email": None},
            "errors": {"email": ["one", "two"], "row": ["three"]},
        }
    ]


def test_times_are_cut_and_have_the_offset_of_their_own_day() -> None:
    assert moment(NOON, LONDON) == "2024-10-16T11:10:13+01:00"
    assert moment(NOON + timedelta(days=60), LONDON) == "2024-12-15T10:10:13+00:00"


@pytest.mark.parametrize(
    ("attributes", "zone", "expected"),
    [
        ({"plannr": {"time_zone": "Europe/London"}}, "Asia/Calcutta", "Europe/London"),
        ({}, "Asia/Calcutta", "Asia/Calcutta"),
        ({"plannr": {"time_zone": "../x"}}, "Asia/Calcutta", "Asia/Calcutta"),
        ({"plannr": {"time_zone": 7}}, "Mars/Base", "UTC"),
        ({"plannr": "x"}, "Europe", "UTC"),
    ],
)
def test_an_account_has_a_zone_whatever_stands_in_its_attributes(
    attributes: dict[str, object], zone: str, expected: str
) -> None:
    organization = Organization(
        id=UUID(int=1), oid="1" * 24, slug="o", name="O", time_zone=zone, attributes=attributes
    )
    assert zone_of(organization).key == expected


def test_a_record_type_without_the_facet_is_no_type_here() -> None:
    assert facet_of({}, "people") is None
    assert facet_of({"plannr": True}, "people") is None
    assert facet_of({"plannr": {}}, "notes") == Facet(type="notes", singular="note")
    named = {"plannr": {"type": "clients", "singular": "client"}}
    assert facet_of(named, "people") == Facet(type="clients", singular="client")


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("business_staff_members", "business_staff_member"),
        ("charges", "charge"),
        ("circles", "circle"),
        ("group_scheme_members", "group_scheme_member"),
        ("incomes", "income"),
        ("premiums", "premium"),
        ("seccl_valuations", "seccl_valuation"),
        ("provider_statement", "provider_statement"),
        ("policies", "policy"),
    ],
)
def test_a_type_has_a_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


@pytest.mark.parametrize(
    ("path", "owned"),
    [
        ("/api/v1/import", True),
        ("/api/v1/import/", True),
        ("/api/v1/import/map/x", True),
        ("/api/v1/import.status", False),
        ("/api/v1/imports", False),
        ("/api/v1/importers.list", False),
        ("/v1/imports", False),
    ],
)
def test_paths_of_other_systems_are_not_its_own(path: str, *, owned: bool) -> None:
    assert plannr.dialect().owns(path) is owned
