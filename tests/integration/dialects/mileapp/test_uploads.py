"""Imports that MileApp's clients start, to their end."""

from __future__ import annotations

import io
import uuid
from typing import TYPE_CHECKING, Final
from zipfile import ZipFile

import httpx
import pytest
from tests.conftest import PATIENCE_S
from tests.integration.dialects.mileapp.conftest import (
    MONITORING,
    MileApp,
    mail,
    rows,
    workbook,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.dialects.conftest import Served

QUEUED: Final = [
    "_id", "organizationId", "type", "filename", "totalRows", "totalValid", "totalInvalid",
    "status", "dataTypeId", "dataTypeName", "fileTemplate", "totalChunks", "processedChunks",
    "createdBy", "createdTime", "updatedTime",
]  # fmt: skip


def test_an_upload_is_counted_before_it_is_answered(mile: MileApp) -> None:
    queued = mile.upload(rows(115, 5))
    data = queued["data"]
    assert list(data) == QUEUED
    assert (data["totalRows"], data["totalChunks"], data["filename"]) == (120, 3, "clients.csv")
    assert data["organizationId"] == mile.given["organizationId"]
    assert (data["type"], data["dataTypeName"]) == ("datasource", "clients")
    done = mile.ended(queued)
    assert (done["status"], done["totalValid"], done["totalInvalid"]) == ("partially", 115, 5)
    assert (done["processedChunks"], done["errorMessage"]) == (3, None)
    assert done["createdTime"] == data["createdTime"]
    assert done["createdBy"] == data["createdBy"] == "admin@demo.example"


def test_a_workbook_is_imported_too(mile: MileApp) -> None:
    queued = mile.upload(workbook(["email", "first_name"], [mail(), "Ann"]), name="Clients.XLSX")
    assert queued["data"]["totalRows"] == 1
    assert mile.ended(queued)["status"] == "success"


def test_the_same_rows_again_are_valid_again(mile: MileApp) -> None:
    content = rows(3)
    assert mile.ended(mile.upload(content))["totalValid"] == 3
    assert mile.ended(mile.upload(content))["totalValid"] == 3


def test_failed_rows_can_be_had_with_their_reasons(mile: MileApp) -> None:
    done = mile.ended(mile.upload(rows(1, 2), name="my clients.csv"))
    url = done["fileFailedImported"]
    assert url.endswith(f"/failed_my%20clients_{done['_id']}.xlsx")
    with httpx.Client(timeout=PATIENCE_S) as anyone:
        answer = anyone.get(url)
    assert answer.status_code == 200
    with ZipFile(io.BytesIO(answer.content)) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    assert "none 0" in text
    assert "none 1" in text
    assert "is not an e-mail address" in text


def test_the_template_can_be_filled_in_and_sent_back(mile: MileApp) -> None:
    queued = mile.upload(rows(1))
    url = queued["data"]["fileTemplate"]
    assert url.endswith("/template_clients.xlsx")
    assert "fileFailedImported" not in mile.ended(queued)
    template = httpx.get(url, timeout=PATIENCE_S).content
    assert mile.ended(mile.upload(template, name="template_clients.xlsx"))["status"] == "success"


def test_a_link_that_was_changed_opens_nothing(mile: MileApp) -> None:
    url = mile.upload(rows(1))["data"]["fileTemplate"]
    head, link, name = url.rsplit("/", 2)
    swapped = ("A" if link[0] != "A" else "B") + link[1:]
    assert httpx.get(f"{head}/{swapped}/{name}", timeout=PATIENCE_S).status_code == 404


def test_when_every_row_fails_the_import_failed_and_has_its_file(mile: MileApp) -> None:
    done = mile.ended(mile.upload(rows(0, 2)))
    assert (done["status"], done["errorMessage"]) == ("failed", "All rows failed")
    assert "fileFailedImported" in done


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("first_name\nAnn\n", "File validation failed: clients.csv has no column for email."),
        ("email,first_name\n", "File validation failed: clients.csv has a header and no data row"),
    ],
)
def test_a_file_that_does_not_fit_fails_as_a_whole(
    mile: MileApp, content: str, message: str
) -> None:
    queued = mile.upload(content)
    assert (queued["data"]["totalRows"], queued["data"]["totalChunks"]) == (0, 0)
    done = mile.ended(queued)
    assert done["status"] == "failed"
    assert done["errorMessage"].startswith(message)
    assert "fileFailedImported" not in done


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"),
    [
        ("deliveries", "Order No,Customer\n{},Ann\n", "task", ("flowId", "flowName", "Delivery")),
        (
            "customer_visits",
            "visitNumber,visitDate\n{},2026-01-31\n",
            "visit",
            ("visitTypeId", "visitTypeName", "Customer Visit"),
        ),
        (
            "daily_routes",
            "routeNumber,stops\n{},4\n",
            "route",
            ("routeConfigId", "routeConfigName", "Daily Route Config"),
        ),
    ],
)
def test_tasks_visits_and_routes_are_imported(
    mile: MileApp,
    type_ids: Callable[[str], str],
    name: str,
    content: str,
    kind: str,
    words: tuple[str, str, str],
) -> None:
    field, title, said = words
    type_id = type_ids(name)
    for given in ({field: type_id}, {"dataTypeId": type_id, "type": kind}):
        queued = mile.upload(content.format(uuid.uuid4().hex), name="t.csv", into=given)
        done = mile.ended(queued)
        assert (done["status"], done["type"], done[field]) == ("success", kind, type_id)
        assert done[title] == said
        assert "dataTypeId" not in done
        assert f"/template_{kind}_import.xlsx" in done["fileTemplate"]


@pytest.fixture(scope="module")
def type_ids(dialect_server: Served, mile: MileApp) -> Callable[[str], str]:
    """Ids of record types that set-up does not tell: as their imports show them."""
    native = dialect_server.credentials["native"]["token"]

    def find(name: str) -> str:
        made = httpx.post(
            f"{dialect_server.url}/v1/imports",
            data={"type": name},
            files={"file": ("x.csv", f"x\n{name}\n")},
            headers={"Authorization": f"Bearer {native}"},
            timeout=PATIENCE_S,
        ).json()
        data = mile.get(f"{MONITORING}/{made['oid']}", "record")["data"]
        kinds = ("flowId", "visitTypeId", "routeConfigId")
        return str(next(data[kind] for kind in kinds if kind in data))

    return find


def test_an_import_of_another_face_is_seen_and_waits_for_its_mapping(
    mile: MileApp, dialect_server: Served
) -> None:
    native = dialect_server.credentials["native"]["token"]
    made = httpx.post(
        f"{dialect_server.url}/v1/imports",
        data={"type": "clients"},
        files={"file": ("native.csv", "first_name\nAnn\n")},
        headers={"Authorization": f"Bearer {native}"},
        timeout=PATIENCE_S,
    ).json()
    record = mile.get(f"{MONITORING}/{made['oid']}", "record")["data"]
    assert (record["filename"], record["status"]) == ("native.csv", "onprocess")
    assert record["createdBy"] == "system"


def test_data_of_a_hub_needs_that_hub(mile: MileApp, other: MileApp) -> None:
    given = mile.given
    content = f"dataId,outletName\n{uuid.uuid4().hex},Ann\n"
    outlets = {"dataTypeId": given["hubDataTypeId"]}
    error = mile.upload(content, schema="error", status=400, into=outlets)
    assert error["message"] == "The hub id field is required."
    for hub in ("f" * 24, "x", "\x00", other.given["hubId"]):
        error = mile.upload(content, schema="error", status=422, into={**outlets, "hubId": hub})
        assert (error["message"], error["failedCode"]) == ("Hub not found", "import-002")
    queued = mile.upload(content, into={**outlets, "hubId": given["hubId"]})
    assert list(queued["data"])[3] == "hubId"
    done = mile.ended(queued)
    assert (done["hubId"], done["dataTypeName"]) == (given["hubId"], "OutletDetail")
    assert "/template_OutletDetail.xlsx" in done["fileTemplate"]


def test_a_hub_may_be_named_for_common_data_too(mile: MileApp) -> None:
    given = mile.given
    queued = mile.upload(rows(1), into={key: given[key] for key in ("dataTypeId", "hubId")})
    assert queued["data"]["hubId"] == given["hubId"]
    assert "hubId" not in mile.upload(rows(1))["data"]
