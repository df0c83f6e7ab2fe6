"""What MoEngage's clients see of imports and files: golden answers, and each word."""

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

from rowport.dialects import moengage
from rowport.dialects.moengage.facets import Facet, Retention, Workspace
from rowport.dialects.moengage.present import file_item, import_item, naive, page, status_of
from rowport.dialects.moengage.words import (
    FATES_OF_FILES,
    FATES_OF_IMPORTS,
    KINDS_OF_SCHEDULES,
    KINDS_OF_SOURCES,
    FileStatus,
    ImportStatus,
    ImportType,
)
from rowport.model.counts import Counts
from rowport.model.feeds import Definition, Feed, FileRun, ScheduleKind, SourceKind
from rowport.model.imports import ChunkTally, Import, ImportFault, ImportFile, ImportOptions
from rowport.model.states import ImportState, Result

FOLDER: Final = Path(moengage.__file__).parent
ZONE: Final = ZoneInfo("Asia/Calcutta")
WORKSPACE: Final = Workspace(
    id="w", zone_name="Asia/Calcutta", zone=ZONE, next_zone=UTC, is_suspended=False
)
USERS: Final = Facet(type=ImportType.USERS, primary_key="email", retention=None)
AUX: Final = Facet(
    type=ImportType.AUX_DATA,
    primary_key="Email",
    retention=Retention(period=15, type="DAYS"),
)
NOON: Final = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
FILE: Final = ImportFile(
    id=UUID(int=2), oid="2" * 24, name="clients.csv", size_bytes=1544, sha256="0" * 64, blob="b"
)


def blank(kind: type) -> dict[str, Any]:
    """Give what these tests do not look at."""
    return dict.fromkeys(field.name for field in fields(kind))


def run(state: ImportState, counts: Counts | None = None, **words: Any) -> Import:  # noqa: ANN401  Import's
    has_begun = state not in {
        ImportState.DRAFT, ImportState.RECEIVING, ImportState.READING, ImportState.NEEDS_MAPPING,
        ImportState.READY, ImportState.QUEUED,
    }  # fmt: skip
    made: dict[str, Any] = blank(Import) | {
        "oid": "1" * 24, "type_name": "clients", "state": state, "options": ImportOptions(),
        "counts": counts or Counts(pending=4), "chunks": ChunkTally(), "files": (FILE,),
        "created_by_email": "ada@example.com", "attributes": {}, "created_at": NOON,
        "updated_at": NOON, "started_at": NOON + timedelta(seconds=1) if has_begun else None,
        "finished_at": NOON + timedelta(seconds=9) if state.is_final else None,
    }  # fmt: skip
    if state is ImportState.FAILED:
        made["error"] = ImportFault(code="c", message="The file is no table.", retryable=False)
    return Import(**made | words)


def feed(**words: Any) -> Feed:  # noqa: ANN401  Feed's
    made: dict[str, Any] = blank(Feed) | {
        "id": UUID(int=3), "oid": "3" * 24, "name": "Nightly", "type_name": "clients",
        "source_kind": SourceKind.S3, "schedule_kind": ScheduleKind.PERIODIC, "attributes": {},
        "created_by_email": "ada@example.com", "created_at": NOON,
        "next_run_at": NOON + timedelta(days=1),
    }  # fmt: skip
    return Feed(**made | words)


def file_run(state: ImportState, counts: Counts | None = None) -> FileRun:
    done = run(state, counts)
    return FileRun(
        oid="2" * 24,
        name="clients.csv",
        size_bytes=1544,
        state=state,
        error=done.error.message if done.error else None,
        counts=done.counts,
        scheduled_at=NOON,
        finished_at=done.finished_at,
    )


GOOD: Final = Counts(created=2, updated=1, unchanged=1)
MIXED: Final = Counts(created=1, updated=1, skipped=1, failed=1)
BAD: Final = Counts(failed=4)
IMPORTS: Final = {
    "scheduled": run(ImportState.READY),
    "queued": run(ImportState.QUEUED),
    "processing": run(ImportState.RUNNING, Counts(created=1, pending=3)),
    "successful": run(ImportState.COMPLETED, GOOD),
    "partial_success": run(ImportState.COMPLETED, MIXED),
    "failed": run(ImportState.COMPLETED, BAD),
    "archived": run(ImportState.COMPLETED, GOOD, archived_at=NOON),
}


def documented_imports() -> dict[str, object]:
    """Give the two imports of the published example."""
    rows = [
        ("67348ff2e15wwe63bc257d9bf", "Special", "17:09:30.635", "17:09:32.024", "11:39:30.619"),
        (
            "67348f4a55f435b54f109i9", "Duplicate_special", "17:06:42.722", "17:06:44.182",
            "11:36:42.697",
        ),
    ]  # fmt: skip
    items = []
    for oid, name, created, started, due in rows:
        at = [datetime.fromisoformat(f"2024-11-13T{time}000") for time in (created, started, due)]
        made = feed(
            oid=oid,
            name=name,
            schedule_kind=ScheduleKind.ONCE,
            created_by_email="abc@moengage.com",
            created_at=at[0].replace(tzinfo=ZONE),
            next_run_at=at[2].replace(tzinfo=UTC),
        )
        started_at = at[1].replace(tzinfo=ZONE)
        last = run(ImportState.FAILED, Counts(), files=(), started_at=started_at)
        items.append(import_item(Definition(feed=made, last_run=last), AUX, WORKSPACE))
    return page(items, total=2, offset=1)


def documented_files() -> dict[str, object]:
    """Give the file of the published example; its document is a schema pasted over an answer."""
    file = FileRun(
        oid="672561rr0abd2da34cf7f7df",
        name="filename.csv",
        size_bytes=1544,
        state=ImportState.COMPLETED,
        error=None,
        counts=Counts(created=10),
        scheduled_at=datetime(2024, 11, 14, 12, 31, 31, 713000, tzinfo=ZONE),
        finished_at=datetime(2024, 11, 14, 12, 32, 9, 942000, tzinfo=ZONE),
    )
    return page([file_item(file, AUX, WORKSPACE)], total=1, offset=1)


def of_import(definition: Definition) -> dict[str, object]:
    return page([import_item(definition, USERS, WORKSPACE)], total=1, offset=1)


def of_file(state: ImportState, counts: Counts | None = None) -> dict[str, object]:
    return page([file_item(file_run(state, counts), USERS, WORKSPACE)], total=1, offset=1)


GOLDEN: Final = {
    "documented_import_details": documented_imports(),
    "documented_run_history": documented_files(),
    **{
        f"import_{word}": of_import(Definition(feed=None, last_run=imported))
        for word, imported in IMPORTS.items()
    },
    "import_periodic_never_run": of_import(Definition(feed=feed(), last_run=None)),
    "import_periodic_after_a_run": of_import(
        Definition(
            feed=feed(
                source_kind=SourceKind.SFTP,
                attributes={"moengage": {"segment": {"id": "s1", "name": "VIP"}}},
            ),
            last_run=IMPORTS["partial_success"],
        )
    ),
    "file_waiting": of_file(ImportState.NEEDS_MAPPING),
    "file_queued": of_file(ImportState.QUEUED),
    "file_processing": of_file(ImportState.RUNNING, Counts(created=1, pending=3)),
    "file_successful": of_file(ImportState.COMPLETED, GOOD),
    "file_partial_success": of_file(ImportState.COMPLETED, MIXED),
    "file_failed_rows": of_file(ImportState.COMPLETED, BAD),
    "file_failed": of_file(ImportState.FAILED, Counts()),
    "file_canceled": of_file(ImportState.CANCELED, Counts(created=1, pending=3)),
    "no_imports": page([], total=0, offset=1),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_an_answer_is_as_its_golden_file_says_in_this_order(name: str) -> None:
    expected = (FOLDER / "golden" / f"{name}.json").read_text(encoding="utf-8")
    assert json.dumps(GOLDEN[name], indent=2) + "\n" == expected


@pytest.mark.parametrize("name", GOLDEN)
def test_an_answer_keeps_its_schema(name: str) -> None:
    is_file = name.startswith("file_") or name.endswith("history")
    schema = FOLDER / "schemas" / f"{'run_history' if is_file else 'import_details'}.json"
    jsonschema.validate(GOLDEN[name], json.loads(schema.read_text(encoding="utf-8")))


def test_every_golden_answer_is_looked_at() -> None:
    known = {file.stem for file in (FOLDER / "golden").glob("*.json")}
    assert known - {name for name in known if name.startswith("error_")} == set(GOLDEN)


def test_each_documented_word_is_said_and_stands_for_something() -> None:
    said = {status_of(Definition(feed=None, last_run=one)) for one in IMPORTS.values()}
    assert said == set(ImportStatus)
    assert set(FATES_OF_IMPORTS) == set(ImportStatus)
    assert set(FATES_OF_FILES) == set(FileStatus)
    assert all(FATES_OF_IMPORTS.values())
    assert all(FATES_OF_FILES.values())


def test_each_fate_belongs_to_one_word() -> None:
    for words in (FATES_OF_IMPORTS, FATES_OF_FILES):
        fates = [fate for known in words.values() for fate in known]
        assert len(fates) == len(set(fates))
        plain = set(ImportState) - {ImportState.COMPLETED}
        assert plain | {"succeeded", "partial", "failed_rows"} <= set(fates)
    assert frozenset().union(*KINDS_OF_SOURCES.values()) == set(SourceKind)
    assert frozenset().union(*KINDS_OF_SCHEDULES.values()) == set(ScheduleKind)


@pytest.mark.parametrize("state", [state for state in ImportState if not state.is_final])
def test_an_unfinished_import_has_no_processed_file(state: ImportState) -> None:
    item = import_item(Definition(feed=None, last_run=run(state)), USERS, WORKSPACE)
    assert (item["total_files"], item["processed_files"]) == (1, 0)
    assert (item["last_run_status"] is None) == (item["last_run_at"] is None)


def test_archived_overrides_all_but_the_last_run_keeps_its_own_word() -> None:
    gone = Definition(feed=feed(archived_at=NOON), last_run=IMPORTS["failed"])
    item = import_item(gone, USERS, WORKSPACE)
    assert (item["status"], item["last_run_status"]) == ("ARCHIVED", "FAILED")


def test_an_import_that_was_sent_once_has_a_unique_name() -> None:
    sent = run(ImportState.READY)
    assert Definition(feed=None, last_run=sent).name == f"clients.csv ({sent.oid})"
    assert Definition(feed=None, last_run=replace(sent, name="Mine")).name.startswith("Mine (")
    assert Definition(feed=None, last_run=replace(sent, files=())).name.startswith("clients (")


def test_next_scheduled_at_may_be_told_in_the_workspace_zone() -> None:
    local = replace(WORKSPACE, next_zone=ZONE)
    due = Definition(feed=feed(next_run_at=NOON), last_run=None)
    assert import_item(due, USERS, WORKSPACE)["next_scheduled_at"] == "2026-01-31T12:00:00.000005"
    assert import_item(due, USERS, local)["next_scheduled_at"] == "2026-01-31T17:30:00.000005"


def test_auxiliary_data_without_retention_has_only_its_key() -> None:
    facet = replace(AUX, retention=None)
    item = import_item(Definition(feed=feed(), last_run=None), facet, WORKSPACE)
    assert item["aux_data_config"] == {"primary_key": "Email"}


def test_rows_of_auxiliary_data_are_counted_twice() -> None:
    item = file_item(file_run(ImportState.COMPLETED, MIXED), AUX, WORKSPACE)
    assert (item["aux_data_added_count"], item["aux_data_failed_count"]) == (1, 1)
    item = file_item(file_run(ImportState.COMPLETED, MIXED), USERS, WORKSPACE)
    assert (item["aux_data_added_count"], item["aux_data_failed_count"]) == (0, 0)


def test_a_whole_second_has_its_six_digits_too() -> None:
    assert naive(NOON.replace(microsecond=0), UTC) == "2026-01-31T12:00:00.000000"
    assert naive(None, UTC) is None


COUNTS: Final = st.builds(
    Counts,
    **{
        name: st.integers(0, 9) for name in ("created", "updated", "unchanged", "skipped", "failed")
    },
)


@given(counts=COUNTS)
def test_the_rows_of_a_finished_file_add_up(counts: Counts) -> None:
    item = file_item(file_run(ImportState.COMPLETED, counts), USERS, WORKSPACE)
    parts = ("added_rows", "updated_rows", "skipped_rows", "failed_rows")
    assert item["total_rows"] == sum(int(str(item[part])) for part in parts)


@given(total=st.integers(0, 500), offset=st.integers(1, 11))
def test_there_is_more_exactly_when_rows_are_left(total: int, offset: int) -> None:
    assert page([], total=total, offset=offset)["more_files"] == (total > 50 * offset)


@pytest.mark.parametrize("result", Result)
def test_a_file_has_the_result_of_its_own_rows(result: Result) -> None:
    counts = {Result.SUCCEEDED: GOOD, Result.PARTIAL: MIXED, Result.FAILED: BAD}[result]
    words = {Result.SUCCEEDED: "SUCCESSFUL", Result.PARTIAL: "PARTIAL_SUCCESS"}
    item = file_item(file_run(ImportState.COMPLETED, counts), USERS, WORKSPACE)
    assert item["file_status"] == words.get(result, "FAILED")
