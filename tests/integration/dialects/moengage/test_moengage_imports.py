"""Imports that were sent once, filters and pages, on a running server."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import pytest
from tests.conftest import until
from tests.integration.dialects.moengage.conftest import HISTORY, STATUS, MoEngage

from rowport.model.feeds import ScheduleKind, SourceKind
from rowport.model.ids import new_oid
from rowport.model.imports import ImportOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from tests.integration.dialects.moengage.conftest import Inside

    from rowport.model.imports import Import

ZONE: Final = ZoneInfo("Asia/Calcutta")
MISSING: Final = "0" * 24


def of(found: list[dict[str, Any]], oid: str) -> dict[str, Any]:
    """Give the import of this id."""
    [one] = [each for each in found if each["import_id"] == oid]
    return one


# ---------------------------------------------------------------------------------- one-shot, CSV


def test_an_upload_through_the_native_api_is_a_onetime_csv_import(
    moe: MoEngage, web: httpx.Client, credentials: dict[str, Any]
) -> None:
    name = f"{new_oid()}.csv"
    rows = b"email,first_name\n" + b"".join(b"%d-%s,A\n" % (i, name.encode()) for i in range(3))
    native = {"Authorization": f"Bearer {credentials['native']['token']}"}
    file = {"file": (name, rows.replace(b".csv", b"@example.com"), "text/csv")}
    made = web.post("/v1/imports", data={"type": "clients"}, files=file, headers=native).json()
    path = f"/v1/imports/{made['id']}"
    until(lambda: web.get(path, headers=native).json()["finished_at"] is not None)
    done = web.get(path, headers=native).json()
    shown = of(moe.imports(import_name=name), made["oid"])
    assert shown["status"] == shown["last_run_status"] == "SUCCESSFUL"
    assert (shown["schedule_type"], shown["import_source"]) == ("ONETIME", "CSV")
    assert (shown["total_rows"], shown["processed_rows"]) == (3, 3)
    assert (shown["total_files"], shown["processed_files"]) == (1, 1)
    assert (shown["next_scheduled_at"], shown["time_zone"]) == (None, "Asia/Calcutta")
    created = datetime.fromisoformat(shown["created_at"]).replace(tzinfo=ZONE)
    assert created == datetime.fromisoformat(done["created_at"])
    [line] = moe.files(import_id=made["oid"])
    assert (line["file_name"], line["file_status"], line["added_rows"]) == (name, "SUCCESSFUL", 3)
    completed = datetime.fromisoformat(line["completed_at"]).replace(tzinfo=ZONE)
    assert completed == datetime.fromisoformat(done["finished_at"])


def test_a_file_with_bad_rows_is_a_partial_success_that_says_so(
    moe: MoEngage, sent: Import
) -> None:
    shown = of(moe.imports(import_id=sent.oid), sent.oid)
    assert shown["status"] == shown["last_run_status"] == "PARTIAL_SUCCESS"
    [line] = moe.files(import_id=sent.oid)
    assert (line["file_status"], line["status_msg"]) == ("PARTIAL_SUCCESS", "1 of 2 rows failed")
    assert (line["total_rows"], line["added_rows"], line["failed_rows"]) == (2, 1, 1)
    assert line["file_size"] == str(sent.files[0].size_bytes)
    assert line["id"] == sent.files[0].oid


def test_an_import_has_the_same_name_and_id_each_time(moe: MoEngage, sent: Import) -> None:
    shown = of(moe.imports(), sent.oid)
    assert moe.imports(import_name=shown["import_name"]) == [shown]
    assert moe.files(import_name=shown["import_name"]) == moe.files(import_id=sent.oid)
    assert shown["import_name"] == f"mixed.csv ({sent.oid})"


def test_the_newest_import_comes_first(moe: MoEngage, inside: Inside) -> None:
    first, second = inside.send("1.csv"), inside.send("2.csv")
    assert [each["import_id"] for each in moe.imports()][:2] == [second.oid, first.oid]


def test_a_file_without_rows_is_a_failed_one(moe: MoEngage, inside: Inside) -> None:
    made = inside.services.imports.create(
        inside.organization.id,
        "clients",
        file_name="empty.csv",
        parts=iter([b"email\n"]),
        options=ImportOptions(),
    )
    inside.ended(made)
    assert of(moe.imports(import_id=made.oid), made.oid)["status"] == "FAILED"
    [line] = moe.files(import_id=made.oid)
    assert (line["file_status"], line["total_rows"]) == ("FAILED", 0)
    assert "no data row" in line["status_msg"]


# --------------------------------------------------------------------------------------- filters


def test_filters_work_alone_and_together(moe: MoEngage, inside: Inside, sent: Import) -> None:
    feed = inside.feed(source_kind=SourceKind.S3)
    asked: list[tuple[dict[str, Any], str]] = [
        ({"schedule_type": "PERIODIC"}, feed.oid),
        ({"schedule_type": ["ONETIME"]}, sent.oid),
        ({"file_source": ["S3", "SFTP"]}, feed.oid),
        ({"file_source": "CSV"}, sent.oid),
        ({"schedule_status": ["SCHEDULED"]}, feed.oid),
        ({"schedule_status": "PARTIAL_SUCCESS"}, sent.oid),
        ({"import_type": ["USERS", "EVENTS"]}, feed.oid),
    ]
    for said, found in asked:
        both = {each["import_id"] for each in _all(moe, said)} & {feed.oid, sent.oid}
        assert found in both
        assert said.keys() == {"import_type"} or both == {found}
    assert moe.imports(import_id=feed.oid, file_source="CSV") == []
    assert moe.imports(import_type="EVENTS") == []


def _all(moe: MoEngage, said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    page = {"more_files": True, "offset": 0}
    while page["more_files"]:
        page = moe.ask(STATUS, {**said, "offset": page["offset"] + 1}).json()
        yield from page["data"]


@pytest.mark.parametrize(
    ("form", "how"),
    [
        ("YYYY-MM-DD", "%Y-%m-%d"),
        ("DD/MM/YYYY hh:mm:ss", "%d/%m/%Y %H:%M:%S"),
    ],
)
def test_an_import_is_found_by_the_time_its_file_ended_in_the_workspace_zone(
    moe: MoEngage, sent: Import, form: str, how: str
) -> None:
    assert sent.finished_at
    local = sent.finished_at.astimezone(ZONE)
    said = {"start_date": local.strftime(how), "end_date": local.strftime(how), "format": form}
    assert moe.imports(import_id=sent.oid, date=said)
    assert moe.files(import_id=sent.oid, date=said)
    past = (local - timedelta(days=2)).strftime(how)
    said |= {"start_date": past, "end_date": past}
    assert moe.imports(import_id=sent.oid, date=said) == []
    assert moe.files(import_id=sent.oid, date=said) == []


def test_a_feed_that_never_ran_is_found_by_its_own_time(moe: MoEngage, inside: Inside) -> None:
    feed = inside.feed()
    day = feed.created_at.astimezone(ZONE).strftime("%d-%m-%Y")
    said = {"start_date": day, "end_date": day, "format": "DD-MM-YYYY"}
    assert of(moe.imports(import_id=feed.oid, date=said), feed.oid)


def test_fifty_imports_are_a_page(moe: MoEngage, inside: Inside) -> None:
    for _ in range(51):
        inside.feed(source_kind=SourceKind.FOLDER, schedule_kind=ScheduleKind.ONCE)
    asked = {"schedule_status": "SCHEDULED", "schedule_type": "ONETIME"}
    first = moe.ask(STATUS, asked).json()
    assert (len(first["data"]), first["offset"], first["more_files"]) == (50, 1, True)
    second = moe.ask(STATUS, {**asked, "offset": "2"}).json()
    assert second["offset"] == 2
    assert second["total_count"] == first["total_count"] == 50 + len(second["data"])
    assert second["more_files"] is False
    beyond = moe.ask(STATUS, {**asked, "offset": 3})
    assert beyond.json()["error_type"] == "Invalid Offset Value"
    ids = [each["import_id"] for page in (first, second) for each in page["data"]]
    assert len(set(ids)) == len(ids)


def test_nothing_found_is_no_error_on_the_first_page_only(moe: MoEngage) -> None:
    empty = moe.ask(STATUS, {"import_name": "nothing"}).json()
    assert (empty["total_count"], empty["data"], empty["more_files"]) == (0, [], False)
    beyond = moe.ask(STATUS, {"import_name": "nothing", "offset": 2})
    assert beyond.json()["error_type"] == "Invalid Offset Value"


def test_the_history_of_nothing_does_not_exist(
    moe: MoEngage, foreign: MoEngage, sent: Import
) -> None:
    answers = [
        moe.ask(HISTORY, {"import_id": MISSING}),
        moe.ask(HISTORY, {"import_name": "nothing"}),
        moe.ask(HISTORY, {"import_id": sent.oid, "offset": 2}),
        moe.ask(HISTORY, {"import_id": MISSING, "import_name": f"mixed.csv ({sent.oid})"}),
        foreign.ask(HISTORY, {"import_id": sent.oid}),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["error_type"] for answer in answers} == {"Import Doesn't Exist"}
