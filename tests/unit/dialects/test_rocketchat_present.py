"""What Rocket.Chat's clients see of imports: golden answers, each state, each error."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.dialects import rocketchat
from rowport.dialects.rocketchat import errors, present, workspace
from rowport.dialects.rocketchat.present import Operation
from rowport.dialects.rocketchat.schemas import ANSWERS, ERROR, OPERATION
from rowport.model.counts import Counts
from rowport.model.errors import Forbidden, Unauthorized
from rowport.model.imports import ChunkTally, Import, ImportFault, ImportOptions
from rowport.model.states import ImportState, Phase

GOLDEN: Final = Path(rocketchat.__file__).parent / "golden"
CREATED: Final = datetime(2023, 8, 10, 17, 30, 17, 519_999, tzinfo=UTC)
UPDATED: Final = datetime(2023, 8, 10, 17, 41, 20, 52_999, tzinfo=UTC)
OF_THE_FACE: Final = {
    "face": "rocketchat",
    "rocketchat": {"key": "api", "user": "7TY57bBj3xQXvf2i2"},
}
S = ImportState


def job(state: ImportState, counts: Counts | None = None, **more: Any) -> Import:  # noqa: ANN401  Import's
    """Make an import of this face."""
    made = Import(
        id=UUID(int=1),
        oid="64d51ea91558939980aab371",
        organization_id=UUID(int=2),
        type_name="rocketchat_users",
        type_version=1,
        state=state,
        phase=None,
        options=ImportOptions(),
        mapping=None,
        counts=counts or Counts(),
        chunks=ChunkTally(),
        files=(),
        type_oid="2" * 24,
        type_attributes={"rocketchat": {"importer": "api"}},
        name=None,
        created_by=None,
        created_by_email=None,
        feed_oid=None,
        starts_by_itself=True,
        attributes=OF_THE_FACE,
        scheduled_for=None,
        archived_at=None,
        error=None,
        waiting=None,
        starts=1,
        state_since=CREATED,
        stopped_by=None,
        created_at=CREATED,
        updated_at=UPDATED,
        started_at=None,
        finished_at=None,
    )
    return replace(made, **more)


def noted(state: ImportState, counts: Counts | None = None, **more: object) -> Import:
    """Make an import of which this face noted more."""
    return job(state, counts, attributes={**OF_THE_FACE, **more})


def shown(imported: Import, *, is_current: bool = True) -> Operation:
    return Operation(job=imported, is_current=is_current)


def answer(imported: Import) -> dict[str, object]:
    """Say what `import.status` does."""
    said = shown(imported)
    return {"state": said.state, "operation": present.operation(said), "success": True}


TWO: Final = Counts(pending=2)
SAMPLES: Final[dict[str, dict[str, object]]] = {
    "status_none": {"state": "none", "success": True},
    "status_new": answer(job(S.DRAFT)),
    "status_loading": answer(
        noted(
            S.DRAFT,
            TWO,
            rocketchat={
                "key": "csv",
                "user": "7TY57bBj3xQXvf2i2",
                "file": "202371017300_7TY57bBj3xQXvf2i2_people.zip",
                "content_type": "application/zip",
            },
            rocketchat_status="importer_file_loaded",
        )
    ),
    "status_ready": answer(job(S.DRAFT, TWO)),
    "status_importing": answer(job(S.RUNNING, Counts(created=50, pending=70), phase=Phase.LOADING)),
    "status_done": answer(job(S.COMPLETED, Counts(created=117, failed=3))),
    "status_error": answer(
        job(S.FAILED, TWO, error=ImportFault(code="x", message="x", retryable=False))
    ),
    "status_error_cleared": answer(
        noted(
            S.CANCELED,
            TWO,
            rocketchat_valid=False,
            rocketchat_status="importer_user_selection",
        )
    ),
    "status_canceled": answer(job(S.CANCELED, Counts(created=50, pending=70))),
    "progress": {
        **present.progress(shown(job(S.RUNNING, Counts(created=1, failed=1, pending=8)))),
        "success": True,
    },
}
REFUSALS: Final[dict[str, Exception]] = {
    "error_401": Unauthorized(),
    "error_403": Forbidden(),
    "error_429": errors.too_many(41.2),
    "error_login": errors.not_logged_in(),
    "error_schema_8": errors.mismatch("must be array", version=8, of_query=False),
    "error_schema_7": errors.mismatch("must be array", version=7, of_query=False),
    "error_query_8": errors.mismatch(
        "must NOT have additional properties", version=8, of_query=True
    ),
    "error_not_initialized": errors.plain(workspace.NOT_INITIALIZED),
    "error_takes_no_data": errors.plain(workspace.TAKES_NO_DATA),
    "error_finished": errors.plain(workspace.IS_FINISHED),
    "error_missing_data": errors.plain(workspace.LACKS_DATA),
    "error_invalid_roles": errors.plain(workspace.INVALID_ROLES),
    "error_run_not_found": errors.plain(workspace.NOT_FOUND),
    "error_run_status": errors.plain(workspace.INVALID_STATUS),
    "error_run_importer": errors.plain(workspace.NOT_DEFINED),
    "error_no_importer": errors.no_importer("png", "uploadImportFile"),
    "error_no_operation": errors.no_operation("startImport"),
    "error_ssrf": errors.plain("error-ssrf-validation-failed"),
}


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SAMPLES)
def test_an_answer_is_the_golden_one_with_its_keys_in_order(name: str) -> None:
    assert json.dumps(SAMPLES[name], indent=2) + "\n" == golden(name)
    endpoint = "getImportProgress" if name == "progress" else "import.status"
    jsonschema.validate(SAMPLES[name], ANSWERS[endpoint])


@pytest.mark.parametrize("name", REFUSALS)
def test_an_error_is_the_golden_one_with_its_keys_in_order(name: str) -> None:
    _, body, _ = errors._told(None, REFUSALS[name])  # type: ignore[arg-type]  # not looked at
    assert json.dumps(body, indent=2) + "\n" == golden(name)
    jsonschema.validate(body, ERROR)


def test_every_golden_file_is_compared_with_something() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*SAMPLES, *REFUSALS}


def test_every_documented_state_is_said() -> None:
    said = {json.loads(golden(name))["state"] for name in SAMPLES if name != "progress"}
    assert said == {"none", "new", "loading", "ready", "importing", "done", "error", "canceled"}


@pytest.mark.parametrize("state", list(ImportState))
@pytest.mark.parametrize("phase", [None, *Phase])
@pytest.mark.parametrize("face", ["rocketchat", "other"])
def test_every_native_state_is_said(state: ImportState, phase: Phase | None, face: str) -> None:
    said = shown(job(state, phase=phase, attributes={"face": face}))
    assert said.status in present.STATES
    jsonschema.validate(present.operation(said), OPERATION)


def test_there_are_twenty_steps_and_seven_states() -> None:
    assert len(present.STATES) == 20
    assert len(set(present.STATES.values())) == 7


@pytest.mark.parametrize("status", present.STATES)
def test_only_what_is_done_survives_being_invalid(status: str) -> None:
    expected = "done" if status == "importer_done" else "error"
    assert present.state_of(status, is_valid=False) == expected
    assert present.state_of(status, is_valid=True) == present.STATES[status]


def test_what_is_not_current_is_not_valid() -> None:
    assert not shown(job(S.DRAFT), is_current=False).is_valid


@pytest.mark.parametrize("step", ["importer_uploading", "importer_downloading_file"])
@pytest.mark.parametrize(("minutes", "fails"), [(1, False), (-1, True)])
def test_a_file_that_does_not_arrive_in_time_has_failed(
    step: str, minutes: int, *, fails: bool
) -> None:
    due = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    said = shown(noted(S.DRAFT, rocketchat_status=step, rocketchat_due=due))
    assert said.status == ("importer_import_failed" if fails else step)


amounts = st.integers(min_value=0, max_value=10**9)


@given(
    created=amounts, updated=amounts, unchanged=amounts, skipped=amounts, failed=amounts,
    pending=amounts,
)  # fmt: skip
def test_completed_and_error_are_all_that_was_processed(**by_fate: int) -> None:
    counts = Counts(**by_fate)
    said: Any = present.count(shown(job(S.RUNNING, counts)))
    if counts.processed:
        assert said["completed"] + said["error"] == counts.total - counts.pending
        assert said["error"] == counts.failed
    else:
        assert "completed" not in said
        assert "error" not in said


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_cut_and_never_rounded(when: datetime) -> None:
    said = datetime.fromisoformat(present.moment(when))
    assert timedelta() <= when - said < timedelta(milliseconds=1)
