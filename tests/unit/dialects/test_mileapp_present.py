"""Records as MileApp words them: the document's own samples, each status, each kind."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import rowport.dialects.mileapp
from rowport.dialects.mileapp.downloads import failed_name, template_name
from rowport.dialects.mileapp.facets import facet_of
from rowport.dialects.mileapp.monitoring import is_shown
from rowport.dialects.mileapp.present import (
    STATUS_OF_FATE,
    STATUSES,
    Downloads,
    fates_of,
    has_failed_file,
    queued_record,
    record,
    word_of,
)
from rowport.model.counts import Counts
from rowport.model.imports import ChunkTally, Import, ImportFault, ImportFile
from rowport.model.states import ImportState, Result
from rowport.ports.queries import FATES
from rowport.wire.laravel import paginate, plain_page

FOLDER: Final = Path(rowport.dialects.mileapp.__file__).parent
ORGANIZATION: Final = "63c61d865347e356d05e3052"
HUB: Final = "63c63ab1b6972d3150348172"
CREATED: Final = datetime(2024, 3, 18, 10, 30, 45, 999_999, tzinfo=UTC)
ENDED: Final = datetime(2024, 3, 18, 10, 32, 15, 1, tzinfo=UTC)
STATIC: Final = "https://staticdev.mile.app/dev-mile"
BLANK: Final[dict[str, Any]] = dict.fromkeys(each.name for each in fields(Import))
FILE: Final = ImportFile(
    id=UUID(int=1), oid="0" * 24, name="outlets_import.xlsx", size_bytes=9, sha256="", blob=""
)
JOB: Final = Import(
    **BLANK
    | {
        "id": UUID("0193f0a1-7c2e-7000-8000-000000000001"),
        "oid": "65f8a4c2d9e3b1234567890a",
        "organization_id": UUID(int=2),
        "type_name": "outlets",
        "type_oid": "63db2fb476bc679c540369c4",
        "type_attributes": {"mileapp": {"type": "datasource", "name": "OutletDetail"}},
        "attributes": {},
        "state": ImportState.COMPLETED,
        "counts": Counts(created=100, updated=40, unchanged=3, skipped=2, failed=5),
        "chunks": ChunkTally(total=3, done=3),
        "files": (FILE,),
        "created_by_email": "john.doe@mile.app",
        "created_at": CREATED,
        "updated_at": ENDED,
        "started_at": CREATED,
        "finished_at": ENDED,
    }
)
HUB_JOB: Final = replace(JOB, attributes={"face": "mileapp", "mileapp": {"hubId": HUB}})
TASKS: Final = replace(
    JOB,
    oid="65f8a3b1c8d2a0123456789b",
    attributes=HUB_JOB.attributes,
    type_oid="63d8c9b0dbd5ef20a627dd86",
    type_attributes={"mileapp": {"type": "task", "name": "Delivery"}},
    counts=Counts(created=500),
    chunks=ChunkTally(total=5, done=5),
    files=(replace(FILE, name="tasks_import.csv"),),
    created_by_email="jane.smith@mile.app",
    created_at=datetime(2024, 3, 18, 10, 23, 30, tzinfo=UTC),
    updated_at=datetime(2024, 3, 18, 10, 25, 30, tzinfo=UTC),
    finished_at=datetime(2024, 3, 18, 10, 25, 30, tzinfo=UTC),
)
RUNNING: Final = replace(
    JOB,
    state=ImportState.RUNNING,
    counts=Counts(created=50, failed=3, pending=97),
    chunks=ChunkTally(total=3, done=1),
    finished_at=None,
)


def golden(name: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((FOLDER / "golden" / f"{name}.json").read_text("utf-8"))
    return said


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / "schemas" / f"{name}.json").read_text()))


def downloads(job: Import) -> Downloads:
    facet = facet_of(job.type_attributes, job.type_name)
    assert facet
    failed = f"{STATIC}/failed/{failed_name(job)}" if has_failed_file(job) else None
    return Downloads(template=f"{STATIC}/templates/{template_name(facet)}", failed=failed)


def said(job: Import, *, is_detail: bool = False) -> dict[str, Any]:
    return record(job, organization_oid=ORGANIZATION, downloads=downloads(job), is_detail=is_detail)


def same(one: object, other: object) -> bool:
    """Equal, the order of the keys included."""
    return json.dumps(one) == json.dumps(other)


# ------------------------------------------------------------------------- the document's samples


def test_the_list_is_the_documents_sample() -> None:
    paging = paginate(
        total=95,
        per_page=20,
        page=1,
        count=2,
        path="https://apiweb.mile.app/api/v3/import-monitoring",
    )
    data = plain_page([said(HUB_JOB), said(TASKS)], paging)
    page = {"status": True, "message": "Success", "data": data}
    sample = golden("records_sample")
    assert same(page, sample)
    schema("records").validate(page)


def test_a_detail_is_the_sample_with_its_error_message_null() -> None:
    detail = {"status": True, "message": "Success", "data": said(HUB_JOB, is_detail=True)}
    assert same(detail, golden("record_sample"))
    schema("record").validate(detail)


def test_the_answer_to_an_upload_is_the_sample() -> None:
    data = queued_record(HUB_JOB, organization_oid=ORGANIZATION, downloads=downloads(HUB_JOB))
    answer = {
        "status": True,
        "message": "Import process has been queued successfully",
        "data": data,
    }
    assert same(answer, golden("queued_sample"))
    schema("queued").validate(answer)


# ----------------------------------------------------------------------------------- each status


FAULT: Final = ImportFault(code="x", message="The destination went away.", retryable=True)
UNREAD: Final = ImportFault(
    code="mapping_incomplete",
    message="outlets_import.xlsx has no column for dataId.",
    retryable=False,
)
NOTHING: Final[dict[str, Any]] = {"counts": Counts(), "chunks": ChunkTally()}
CASES: Final[dict[str, Import]] = {
    "onprocess_reading": replace(RUNNING, state=ImportState.READING, **NOTHING),
    "onprocess_running": RUNNING,
    "success": replace(JOB, counts=Counts(updated=150)),
    "partially": JOB,
    "failed_all_rows": replace(JOB, counts=Counts(failed=150)),
    "failed_file": replace(JOB, state=ImportState.FAILED, error=UNREAD, started_at=None, **NOTHING),
    "failed_running": replace(
        RUNNING,
        state=ImportState.FAILED,
        error=FAULT,
        finished_at=ENDED,
        counts=Counts(created=50, failed=2, pending=98),
    ),
    "failed_canceled": replace(
        RUNNING,
        state=ImportState.CANCELED,
        finished_at=ENDED,
        counts=Counts(created=50, pending=100),
    ),
    **{
        f"success_{kind}": replace(
            JOB,
            type_attributes={"mileapp": {"type": kind, "name": name}},
            counts=Counts(created=150),
        )
        for kind, name in [
            ("task", "Delivery"),
            ("visit", "Customer Visit"),
            ("route", "Daily Route Config"),
        ]
    },
}


@pytest.mark.parametrize("name", CASES)
def test_each_status_and_kind_has_its_golden_record(name: str) -> None:
    told = record(
        CASES[name],
        organization_oid=ORGANIZATION,
        downloads=Downloads(
            template=f"{STATIC}/templates/template_OutletDetail.xlsx",
            failed=downloads(CASES[name]).failed,
        ),
    )
    assert same(told, golden(name))
    detail = said(CASES[name], is_detail=True)
    assert detail["errorMessage"] == golden(name).get("errorMessage")


@pytest.mark.parametrize("state", [s for s in ImportState if s is not ImportState.DRAFT])
def test_every_state_but_a_draft_has_a_status(state: ImportState) -> None:
    assert word_of(state, Result.PARTIAL) in STATUSES


def test_a_draft_is_not_shown_at_all() -> None:
    assert word_of(ImportState.DRAFT, None) is None
    assert "draft" not in STATUS_OF_FATE
    assert not is_shown(replace(JOB, state=ImportState.DRAFT), now=ENDED)


def test_the_statuses_share_out_all_fates() -> None:
    fates = {str(state) for state in ImportState} - {"draft", "completed"} | set(FATES.values())
    parts = [fates_of(frozenset({status})) for status in sorted(STATUSES)]
    assert sorted(STATUSES) == ["failed", "onprocess", "partially", "success"]
    assert sorted(fate for part in parts for fate in part) == sorted(fates)
    assert fates_of(frozenset({"failed"})) == {"failed", "failed_rows", "canceled"}


def test_imports_are_shown_for_thirty_days_and_only_with_the_facet() -> None:
    assert is_shown(JOB, now=CREATED + timedelta(days=30))
    assert not is_shown(JOB, now=CREATED + timedelta(days=30, microseconds=1))
    assert not is_shown(replace(JOB, type_attributes={"plannr": {}}), now=CREATED)


# ------------------------------------------------------------------------------- rules of fields


counts = st.builds(
    Counts,
    **dict.fromkeys(("created", "updated", "unchanged", "skipped", "failed"), st.integers(0, 1000)),
)


@given(counts, st.integers(0, 10**7), st.sampled_from(sorted(ImportState)))
def test_the_invariants_of_a_record_hold(tally: Counts, micros: int, state: ImportState) -> None:
    ended = CREATED + timedelta(microseconds=micros) if state.is_final else None
    error = FAULT if state is ImportState.FAILED else None
    job = replace(JOB, state=state, counts=tally, finished_at=ended, error=error)
    told = said(job)
    assert told["totalValid"] + told["totalInvalid"] == told["totalRows"]
    assert (told["status"] == "partially") == (
        state is ImportState.COMPLETED and told["totalInvalid"] > 0 and told["totalValid"] > 0
    )
    assert ("fileFailedImported" in told) == (
        told["status"] in {"partially", "failed"} and told["totalInvalid"] > 0
    )
    assert ("errorMessage" in told) == (told["status"] == "failed")
    assert ("processedAt" in told) == ("processingDuration" in told) == state.is_final
    if "processedAt" in told:
        seen = [datetime.fromisoformat(told[key]) for key in ("createdTime", "processedAt")]
        assert told["processingDuration"] == (seen[1] - seen[0]).total_seconds()


def test_times_are_told_in_utc_and_cut_never_rounded() -> None:
    assert said(JOB)["createdTime"] == "2024-03-18 10:30:45"
    zoned = replace(JOB, created_at=datetime.fromisoformat("2024-03-18T16:00:45.9+05:30"))
    assert said(zoned)["createdTime"] == "2024-03-18 10:30:45"


def test_what_nobody_asked_for_was_made_by_the_system() -> None:
    assert said(replace(JOB, created_by_email=None))["createdBy"] == "system"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.b.csv", "failed_a.b_65f8a4c2d9e3b1234567890a.xlsx"),
        ("../../etc/passwd.csv", "failed_passwd_65f8a4c2d9e3b1234567890a.xlsx"),
        ('a"b?<#%.csv', "failed_a_b_____65f8a4c2d9e3b1234567890a.xlsx"),
        ("x" * 300 + ".csv", f"failed_{'x' * 100}_65f8a4c2d9e3b1234567890a.xlsx"),
    ],
)
def test_names_of_files_are_safe_to_put_into_urls_and_folders(name: str, shown: str) -> None:
    assert failed_name(replace(JOB, files=(replace(FILE, name=name),))) == shown
