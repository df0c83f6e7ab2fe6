"""The list of imports: pages, filters and orders."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.integration.dialects.mileapp.conftest import (
    MONITORING,
    MileApp,
)


@pytest.fixture(scope="module")
def outlets(other: MileApp) -> list[str]:
    """Five imports into the other organization's outlets, in the order of their making."""
    given = {"dataTypeId": other.given["hubDataTypeId"], "hubId": other.given["hubId"]}
    made = []
    for hours in ("1", "1", "x", "1", "x"):
        content = f"dataId,outletName,outletHours\n{uuid.uuid4().hex},A,{hours}\n"
        queued = other.upload(content, into=given)
        other.ended(queued)
        made.append(str(queued["data"]["_id"]))
    return made


def listed(client: MileApp, **query: str) -> dict[str, Any]:
    given = {"dataTypeId": client.given["hubDataTypeId"], **query}
    data: dict[str, Any] = client.get(MONITORING, "records", query=given)["data"]
    return data


def ids(page: dict[str, Any]) -> list[str]:
    return [record["_id"] for record in page["data"]]


def test_the_newest_come_first_page_by_page(other: MileApp, outlets: list[str]) -> None:
    whole = listed(other)
    assert ids(whole) == outlets[::-1]
    assert (whole["per_page"], whole["total"], whole["from"], whole["to"]) == (20, 5, 1, 5)
    assert ids(listed(other, sortOrder="asc")) == outlets
    paged = [listed(other, limit="2", page=str(page)) for page in (1, 2, 3, 4)]
    assert [key for page in paged for key in ids(page)] == outlets[::-1]
    path = whole["path"]
    assert [page["next_page_url"] for page in paged] == [
        f"{path}?page=2", f"{path}?page=3", None, None,
    ]  # fmt: skip
    assert [page["prev_page_url"] for page in paged] == [
        None, f"{path}?page=1", f"{path}?page=2", f"{path}?page=3",
    ]  # fmt: skip
    assert (paged[3]["from"], paged[3]["to"], paged[3]["current_page"]) == (None, None, 4)


def test_a_list_leaves_out_the_error_message_of_what_did_not_fail(
    other: MileApp, outlets: list[str]
) -> None:
    assert len(outlets) == 5
    for record in listed(other)["data"]:
        assert ("errorMessage" in record) == (record["status"] == "failed")


def test_filters_apply(other: MileApp, outlets: list[str]) -> None:
    failed = [outlets[4], outlets[2]]
    assert ids(listed(other, status="failed,partially")) == failed
    assert ids(listed(other, status="success", type="datasource,task")) == [
        outlets[3], outlets[1], outlets[0],
    ]  # fmt: skip
    assert ids(listed(other, status="onprocess")) == []
    assert ids(listed(other, type="task,visit,route")) == []
    assert ids(listed(other, dataTypeId="nobody")) == []
    assert set(outlets) <= set(
        ids(other.get(MONITORING, "records", query={"limit": "100"})["data"])
    )
    assert other.get(MONITORING, "records", query={"type": "route"})["data"]["total"] == 0


def test_sorting_by_status_goes_by_mileapps_words(other: MileApp, outlets: list[str]) -> None:
    found = listed(other, sortBy="status", sortOrder="asc")["data"]
    assert [record["status"] for record in found] == ["failed"] * 2 + ["success"] * 3
    keys = [(record["status"], record["_id"]) for record in found]
    assert keys == sorted(keys)
    assert ids(listed(other, sortBy="status")) == [key for _, key in keys][::-1]
    assert ids(listed(other, sortBy="updatedTime", sortOrder="asc")) == outlets


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"}, {"type": "string"}, {"sortBy": "_id"}, {"sortOrder": "up"},
        {"status": "success,"},
    ],
)  # fmt: skip
def test_unknown_words_are_refused(mile: MileApp, query: dict[str, str]) -> None:
    [name] = query
    error = mile.get(MONITORING, "error", status=400, query=query)
    assert error == {
        "status": False,
        "message": f"Invalid {name} value",
        "failedCode": "import-003",
    }


@pytest.mark.parametrize(
    "query",
    [
        {"page": "9223372036854775807", "limit": "100"}, {"page": "99999999999999999999"},
        {"dataTypeId": "x"}, {"limit": "-1", "page": "x"}, {"unknown": "x" * 5000},
        {"status": "", "type": "", "page": "", "limit": ""},
    ],
)  # fmt: skip
def test_odd_queries_are_answered(mile: MileApp, query: dict[str, str]) -> None:
    mile.get(MONITORING, "records", query=query)


@pytest.mark.parametrize(
    "query",
    [
        {"type": "\x00"},
        {"dataTypeId": "\x00"},
        {"page": "1\x00"},
        {"unknown": "\x00"},
        {"\x00": "1"},
    ],
)
def test_a_query_with_a_nul_is_refused(mile: MileApp, query: dict[str, str]) -> None:
    said = {"status": False, "message": "The query holds the character U+0000."}
    error = mile.get(MONITORING, "error", status=400, query=query)
    assert error == {**said, "failedCode": "import-003"}
    for path in ("import-configs", "data-types", "flows", "hubs"):
        assert mile.get(f"/api/v3/{path}", "error", status=400, query=query) == said
