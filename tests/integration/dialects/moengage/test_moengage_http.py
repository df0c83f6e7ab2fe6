"""Headers, media types, methods and paths of MoEngage's File Import API, on a running server."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    import httpx

BASE: Final = "/v1.0/data/fileimports"
STATUS: Final = f"{BASE}/import/status"
HISTORY: Final = f"{BASE}/import/run/history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who knows the workspace and its key."""

    web: httpx.Client
    workspace_id: str
    api_key: str

    @property
    def headers(self) -> dict[str, str]:
        pair = f"{self.workspace_id}:{self.api_key}".encode()
        return {
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            "MOE-APPKEY": self.workspace_id,
        }


@pytest.fixture
def caller(web: httpx.Client, credentials: dict[str, Any]) -> Caller:
    return Caller(web=web, **credentials["moengage"])


BAD: Final = "AuthenticationInvalid"


@pytest.mark.parametrize("path", [STATUS, HISTORY, f"{BASE}/trigger/x"])
def test_both_headers_are_needed_and_must_agree(caller: Caller, path: str) -> None:
    key = caller.headers["MOE-APPKEY"]
    authorization = caller.headers["Authorization"]
    other = base64.b64encode(f"{key}:wrong".encode()).decode()
    for headers, title in [
        ({}, "HeaderMissing"),
        ({"Authorization": authorization}, "HeaderMissing"),
        ({"Authorization": authorization, "MOE-APPKEY": ""}, "HeaderMissing"),
        ({"MOE-APPKEY": key}, BAD),
        ({"Authorization": authorization, "MOE-APPKEY": "other"}, "HeaderMismatch"),
        ({"Authorization": f"Basic {other}", "MOE-APPKEY": key}, BAD),
        ({"Authorization": "Basic x", "MOE-APPKEY": key}, BAD),
        ({"Authorization": "Basic", "MOE-APPKEY": key}, BAD),
        ({"Authorization": f"Bearer {caller.api_key}", "MOE-APPKEY": key}, BAD),
        ({"Authorization": authorization, "MOE-APPKEY": "k" * 10_000}, BAD),
    ]:
        answer = caller.web.post(path, json={}, headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (401, title)
    twice = [("Authorization", authorization), ("MOE-APPKEY", key), ("MOE-APPKEY", key)]
    assert caller.web.post(path, json={}, headers=twice).status_code == 401


@pytest.mark.parametrize(("path", "key"), [(STATUS, "description"), (HISTORY, "error_description")])
@pytest.mark.parametrize("media_type", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_json_is_unsupported(
    caller: Caller, path: str, key: str, media_type: str
) -> None:
    headers = {**caller.headers, "Content-Type": media_type}
    answer = caller.web.post(path, content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert answer.json() == {
        "title": "Unsupported media type",
        key: "Content type is not supported",
    }


def test_json_may_name_its_charset(caller: Caller) -> None:
    headers = {**caller.headers, "Content-Type": "Application/JSON; charset=utf-8"}
    assert caller.web.post(STATUS, content=b"{}", headers=headers).status_code == 200


def test_a_body_beyond_a_megabyte_is_refused(caller: Caller) -> None:
    answer = caller.web.post(
        STATUS,
        content=b" " * 2_000_000 + b"{}",
        headers={**caller.headers, "Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["success"]) == (413, False)
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [STATUS, HISTORY, f"{BASE}/trigger/x"])
def test_only_post_is_served(caller: Caller, method: str, path: str) -> None:
    answer = caller.web.request(method, path, headers=caller.headers)
    assert (answer.status_code, answer.json()["message"]) == (405, "Method not allowed")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1.0/data", {"status": "fail", "data": "Resource not found."}),
        (f"{BASE}/import", {"status": "fail", "data": "Resource not found."}),
        (f"{BASE}/import/run/history/1", {"status": "fail", "data": "Resource not found."}),
        (f"{BASE}/trigger", {"status": "fail", "message": "Resource not found"}),
        (f"{BASE}/trigger/a/b", {"status": "fail", "message": "Resource not found"}),
    ],
)
def test_nothing_is_at_other_paths(caller: Caller, path: str, body: object) -> None:
    answer = caller.web.post(path, headers=caller.headers)
    assert (answer.status_code, answer.json()) == (404, body)
