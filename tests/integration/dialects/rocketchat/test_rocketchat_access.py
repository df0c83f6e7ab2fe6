"""Log-in, versions, limits and HTTP's own errors."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest
from tests.conftest import PATIENCE_S
from tests.integration.dialects.rocketchat.conftest import Client, Workspace, running, user

from rowport.model.imports import ImportOptions
from rowport.ports.ledger import Circumstances

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.dialects.conftest import Served

    from rowport.bootstrap import Rowport


@pytest.fixture(scope="module")
def limited(dialect_server: Served) -> Iterator[httpx.Client]:
    """A second server of the same home, with the documented limits."""
    with (
        running(dialect_server.home, ROWPORT_RATE_LIMITS="documented") as url,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as client,
    ):
        yield client


def test_the_set_up_gives_pairs_that_work(credentials: dict[str, Any], web: httpx.Client) -> None:
    for told in (credentials["rocketchat"], credentials["other"]["rocketchat"]):
        assert list(told) == ["user_id", "auth_token", "plain_user_id", "plain_auth_token"]
        admin = {"X-Auth-Token": told["auth_token"], "X-User-Id": told["user_id"]}
        plain = {"X-Auth-Token": told["plain_auth_token"], "X-User-Id": told["plain_user_id"]}
        assert Client(http=web, headers=admin).get("import.status")["success"] is True
        assert Client(http=web, headers=plain).call("GET", "import.status").status_code == 403


def test_a_token_can_be_exchanged_for_a_pair(workspace: Workspace) -> None:
    stranger = Client(http=workspace.admin.http, headers={})
    token = workspace.admin.headers["X-Auth-Token"]
    email = f"ADMIN@{workspace.organization.slug.replace('rocket_', 'rocket')}.example"
    for body in (
        {"user": email, "password": token},
        {"user": {"email": email}, "password": token},
        {"user": "admin", "password": token},
        {"resume": token},
    ):
        data = stranger.done("login", body)["data"]
        pair = {"X-Auth-Token": data["authToken"], "X-User-Id": data["userId"]}
        assert data["authToken"] != token
        assert Client(http=stranger.http, headers=pair).get("import.status")["state"] == "none"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"user": "admin", "password": "wrong"},
        {"user": 1, "password": 2},
        {"resume": "\x00"},
    ],
)
def test_a_wrong_log_in_tells_nothing(admin: Client, body: object) -> None:
    answer = Client(http=admin.http, headers={}).post("login", body)
    assert answer.status_code == 401
    assert answer.json() == {
        "success": False,
        "error": "Unauthorized",
        "status": "error",
        "message": "Unauthorized",
    }


def test_a_token_of_somebody_else_is_no_password(workspace: Workspace) -> None:
    body = {"user": "plain", "password": workspace.admin.headers["X-Auth-Token"]}
    assert Client(http=workspace.admin.http, headers={}).post("login", body).status_code == 401


@pytest.mark.parametrize("version", [6, 7])
def test_earlier_versions_name_the_kind_of_a_refusal_in_its_text(
    make_workspace: Callable[..., Workspace], version: int
) -> None:
    workspace = make_workspace(version=version)
    error = "must have required property 'users' [invalid-params]"
    expected = {"success": False, "error": error, "errorType": "invalid-params"}
    assert workspace.admin.refused("import.addUsers", {}) == expected
    assert workspace.plain.refused("import.addUsers", {}) == expected  # the body is looked at first
    allowed = workspace.plain.post("import.addUsers", {"users": []})
    assert allowed.status_code == 403
    keys = [one["key"] for one in workspace.admin.get("importers.list")]
    assert ("omnichannel_contact" in keys) is (version == 7)
    workspace.admin.done("import.new")
    data = workspace.admin.get("getImportFileData")
    assert ("contacts" in data) is (version == 7)
    assert ("messages" in data) is (version == 6)


def test_version_8_asks_for_the_permission_first(workspace: Workspace) -> None:
    assert workspace.plain.post("import.addUsers", {}).status_code == 403


def test_the_eleventh_call_in_a_minute_is_too_many(
    make_workspace: Callable[..., Workspace], limited: httpx.Client
) -> None:
    workspace = make_workspace(limited)
    ends = set()
    for left in range(9, -1, -1):
        path = ("import.status", "import.status/", "/import.status//")[left % 3]
        answer = workspace.member.call("GET", path)
        assert answer.status_code == 200
        assert answer.headers["x-ratelimit-limit"] == "10"
        assert answer.headers["x-ratelimit-remaining"] == str(left)
        reset_s = int(answer.headers["x-ratelimit-reset"]) / 1000
        assert 0 < reset_s - time.time() < 61
        ends.add(reset_s)
    assert len(ends) == 1
    answer = workspace.member.call("GET", "import.status")
    assert answer.status_code == 429
    assert answer.headers["x-ratelimit-remaining"] == "0"
    body = answer.json()
    assert list(body) == ["success", "error"]
    assert body["error"].startswith("Error, too many requests. Please slow down. You must wait ")
    assert body["error"].endswith(
        " seconds before trying this endpoint again. [error-too-many-requests]"
    )
    # All calls come back at once when the minute is over, so that is what there is to wait for.
    assert 40 < int(body["error"].split("must wait ")[1].split()[0]) <= 60
    assert workspace.member.call("GET", "importers.list").status_code == 200  # another route
    for _ in range(12):
        free = workspace.admin.call("GET", "import.status")
        assert free.status_code == 200
        assert "x-ratelimit-limit" not in free.headers


def test_the_plain_user_of_an_earlier_version_is_limited_before_being_refused(
    make_workspace: Callable[..., Workspace], limited: httpx.Client
) -> None:
    plain = make_workspace(limited, version=7).plain
    answers = [plain.call("POST", "import.run").status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "import.nothing", 404),
        ("PUT", "import.run", 405),
        ("GET", "import.new", 405),
        ("DELETE", "uploadImportFile", 405),
        ("DELETE", "uploadImportFile/", 405),
        ("DELETE", "/uploadImportFile", 405),
    ],
)
def test_errors_of_http_have_the_shape_of_this_api(
    web: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = web.request(method, f"/api/v1/{path}")
    assert answer.status_code == status
    assert list(answer.json()) == ["success", "error"]
    assert answer.json()["success"] is False


def test_operations_that_other_faces_began_are_listed_and_never_current(
    credentials: dict[str, Any], web: httpx.Client, behind: Rowport
) -> None:
    told = credentials["rocketchat"]
    admin = Client(
        http=web, headers={"X-Auth-Token": told["auth_token"], "X-User-Id": told["user_id"]}
    )
    mine = admin.ran(user(1))["operation"]["_id"]
    organization_id = UUID(credentials["organization"]["id"])
    admin_id = behind.services.access.authenticate(told["auth_token"]).user.id
    draft = partial(behind.services.preparing.draft, organization_id, "clients")
    theirs = draft(options=ImportOptions(), around=Circumstances(created_by=admin_id))
    nobodys = draft(options=ImportOptions())
    assert admin.get("getCurrentImportOperation")["operation"]["_id"] == mine
    listed = {one["_id"]: one for one in admin.get("getLatestImportOperations")}
    assert listed[mine]["valid"] is True
    assert listed[theirs.oid]["importerKey"] == "csv"
    assert listed[theirs.oid]["valid"] is True
    assert listed[mine]["user"] == listed[theirs.oid]["user"] == told["user_id"]
    assert listed[nobodys.oid]["user"] == "system"
