"""Jobs as Micro words them: the document's own sample, each state, each fate of a row."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import rowport.dialects.micro
from rowport.dialects.micro.present import RETENTION, is_shown, job_document, moment, result
from rowport.dialects.micro.routes import parts
from rowport.model.counts import Counts
from rowport.model.imports import Import, ImportFault
from rowport.model.outcomes import Outcome, RowError, RowErrorCode, RowOutcome
from rowport.model.states import ImportState

FOLDER: Final = Path(rowport.dialects.micro.__file__).parent
SCHEMA: Final = Draft202012Validator(json.loads((FOLDER / "schemas" / "job.json").read_text()))
THEN: Final = datetime(2019, 12, 27, 18, 11, 19, 117_999, tzinfo=UTC)
RECORD: Final = UUID("182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e")
BLANK: Final[dict[str, Any]] = dict.fromkeys(each.name for each in fields(Import))
JOB: Final = Import(
    **BLANK
    | {
        "id": UUID("0193f0a1-7c2e-7000-8000-000000000001"),
        "type_attributes": {"micro": {"object_type": "contact"}},
        "attributes": {"face": "micro", "micro": {"object_type": "contact"}},
        "state": ImportState.COMPLETED,
        "counts": Counts(created=1, skipped=1, failed=1),
        "created_at": THEN,
        "updated_at": THEN + timedelta(seconds=2),
    }
)
FAULT: Final = ImportFault(code="storage_full", message="No room is left.", retryable=True)


def row(number: int, outcome: Outcome, *errors: RowError) -> RowOutcome:
    gone = outcome in {Outcome.FAILED, Outcome.PENDING}
    return RowOutcome(
        row=number,
        line=number,
        outcome=outcome,
        record_id=None if gone else RECORD,
        errors=errors,
        raw=None,
    )


REQUIRED: Final = RowError(
    code=RowErrorCode.CONSTRAINT, field="email", value=None, message="email is required"
)
TOO_LONG: Final = RowError(
    code=RowErrorCode.TYPE, field="age", value="x", message='"x" is no integer'
)
ROWS: Final = [row(1, Outcome.CREATED), row(2, Outcome.SKIPPED), row(3, Outcome.FAILED, REQUIRED)]
GOLDEN: Final[dict[str, dict[str, object]]] = {
    # The document's sample shows every key at once; these two share its values between them.
    "complete": job_document(JOB, ROWS),
    "failed": job_document(
        replace(
            JOB,
            state=ImportState.FAILED,
            error=FAULT,
            counts=Counts(created=1, failed=1, pending=1),
        ),
        None,
    ),
    "inlined": job_document(JOB, ROWS, is_inlined=True),
    "processing": job_document(
        replace(JOB, state=ImportState.RUNNING, counts=Counts(created=1, pending=2)), None
    ),
    "canceled": job_document(
        replace(JOB, state=ImportState.CANCELED, counts=Counts(pending=3)), None
    ),
    "every_row_failed": job_document(
        replace(JOB, counts=Counts(failed=1)), [row(1, Outcome.FAILED, REQUIRED, TOO_LONG)]
    ),
    "empty": job_document(replace(JOB, counts=Counts()), [], is_inlined=True),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_job_is_worded_as_its_golden_file_key_by_key(name: str) -> None:
    wanted = json.loads((FOLDER / "golden" / f"job_{name}.json").read_text())
    assert json.dumps(GOLDEN[name], indent=1) == json.dumps(wanted, indent=1)
    SCHEMA.validate(wanted)


def test_every_golden_file_of_a_job_is_looked_at() -> None:
    found = {path.stem for path in (FOLDER / "golden").glob("job_*.json")}
    assert found == {f"job_{name}" for name in GOLDEN}


@pytest.mark.parametrize("state", ImportState)
def test_every_state_has_a_word_that_fits_the_schema(state: ImportState) -> None:
    failed = state is ImportState.FAILED
    job = replace(JOB, state=state, error=FAULT if failed else None)
    document = job_document(job, ROWS if state is ImportState.COMPLETED else None)
    SCHEMA.validate(document)
    assert document["job_id"] == str(JOB.id)


@pytest.mark.parametrize(
    ("outcome", "created", "existing"),
    [
        (Outcome.CREATED, True, False),
        (Outcome.UPDATED, False, True),
        (Outcome.UNCHANGED, False, True),
        (Outcome.SKIPPED, False, True),
        (Outcome.FAILED, False, False),
    ],
)
def test_created_and_existing_exclude_each_other(
    outcome: Outcome,
    created: bool,  # noqa: FBT001  a parameter of a table
    existing: bool,  # noqa: FBT001  likewise
) -> None:
    document = result(row(1, outcome, *([REQUIRED] if outcome is Outcome.FAILED else [])))
    assert (document["created"], document["existing"]) == (created, existing)
    assert (document["id"] is None) == ("error" in document) == (outcome is Outcome.FAILED)


def test_all_errors_of_a_row_are_told_under_the_code_of_the_first() -> None:
    told = result(row(1, Outcome.FAILED, REQUIRED, TOO_LONG))
    assert told["error"] == {
        "code": "constraint_error",
        "message": 'email is required; "x" is no integer',
    }


def test_a_job_is_shown_for_seven_days_to_the_moment() -> None:
    assert is_shown(JOB, THEN + RETENTION - timedelta(microseconds=1))
    assert not is_shown(JOB, THEN + RETENTION)


@pytest.mark.parametrize(
    "changes",
    [
        {"attributes": {"micro": {"inlined": True}}},
        {"type_attributes": {}},
        {"type_attributes": {"micro": {"object_type": "event"}}},
        {"type_attributes": {"micro": "contact"}},
        {"state": ImportState.DRAFT},
    ],
)
def test_what_was_never_handed_out_is_not_shown(changes: dict[str, Any]) -> None:
    assert not is_shown(replace(JOB, **changes), THEN)


def test_a_job_of_another_face_is_shown() -> None:
    assert is_shown(replace(JOB, attributes={"face": "native"}), THEN)


@given(st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  timezones= names it
def test_times_are_cut_to_milliseconds_and_never_rounded(at: datetime) -> None:
    written = datetime.fromisoformat(moment(at))
    assert timedelta(0) <= at - written < timedelta(milliseconds=1)


@pytest.mark.parametrize("rows", [0, 1, 2, 2000, 2001, 4000])
def test_a_streamed_job_has_the_very_bytes_of_a_whole_one(rows: int) -> None:
    job = replace(JOB, counts=Counts(created=rows))
    all_rows = [row(number, Outcome.CREATED) for number in range(1, rows + 1)]
    whole = msgspec.json.encode(job_document(job, all_rows))
    assert b"".join(parts(job, iter(all_rows))) == whole
