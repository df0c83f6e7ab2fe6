"""The bulk import of users: new, addUsers, run, status, clear."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.dialects.rocketchat.conftest import Client, Workspace, user

from rowport.dialects.rocketchat.errors import LOGGED_OUT, NOT_PERMITTED

if TYPE_CHECKING:
    from collections.abc import Callable

FIVE = (
    ("POST", "import.new"),
    ("POST", "import.addUsers"),
    ("POST", "import.run"),
    ("GET", "import.status"),
    ("POST", "import.clear"),
)


@pytest.mark.parametrize(("method", "name"), FIVE)
def test_who_is_not_logged_in_is_told_in_four_keys(
    workspace: Workspace, method: str, name: str
) -> None:
    stranger = Client(http=workspace.admin.http, headers={})
    answer = stranger.call(method, name)
    assert answer.status_code == 401
    assert answer.json() == {
        "success": False,
        "error": LOGGED_OUT,
        "status": "error",
        "message": LOGGED_OUT,
    }


def test_both_headers_are_needed_and_must_belong_together(workspace: Workspace) -> None:
    mine, other = workspace.admin.headers, workspace.plain.headers
    wrong: list[dict[str, str]] = [
        {"X-Auth-Token": mine["X-Auth-Token"]},
        {"X-User-Id": mine["X-User-Id"]},
        {**mine, "X-User-Id": other["X-User-Id"]},
        {**mine, "X-Auth-Token": "\u00ff"},
        {**mine, "X-Auth-Token": "x" * 10_000},
        {"Authorization": f"Bearer {mine['X-Auth-Token']}"},
    ]
    for headers in wrong:
        raw = {k: v.encode("latin-1") for k, v in headers.items()}
        answer = workspace.admin.http.get("/api/v1/import.status", headers=raw)  # type: ignore[arg-type]  # httpx takes bytes
        assert answer.status_code == 401, headers


@pytest.mark.parametrize(("method", "name"), FIVE)
def test_who_may_not_run_imports_is_told_so(workspace: Workspace, method: str, name: str) -> None:
    answer = workspace.plain.call(method, name)
    assert answer.status_code == 403
    assert answer.json() == {"success": False, "error": NOT_PERMITTED}


def test_a_fresh_workspace_has_no_operation(admin: Client) -> None:
    assert admin.get("import.status") == {"state": "none", "success": True}
    assert admin.get("getCurrentImportOperation") == {"success": True}
    assert admin.get("getLatestImportOperations") == []
    assert admin.done("import.clear") == {"success": True}
    assert admin.refused("import.addUsers", {"users": [user(1)]}) == {
        "success": False,
        "error": "Import operation not initialized.",
    }
    assert admin.done("import.addUsers", {"users": []}) == {"success": True}
    assert admin.refused("import.run") == {"success": False, "error": "error-operation-not-found"}


def test_a_new_operation_has_no_count(admin: Client) -> None:
    made = admin.done("import.new")
    operation = made["operation"]
    assert list(made) == ["operation", "success"]
    assert list(operation) == [
        "_id", "type", "importerKey", "ts", "status", "valid", "user", "_updatedAt",
    ]  # fmt: skip
    assert operation["type"] == operation["importerKey"] == "api"
    assert operation["status"] == "importer_new"
    assert operation["valid"] is True
    assert operation["user"] == admin.headers["X-User-Id"]
    assert admin.get("import.status") == {"state": "new", "operation": operation, "success": True}
    assert admin.refused("import.run")["error"] == "error-invalid-operation-status"


def test_users_are_counted_as_they_are_staged(admin: Client) -> None:
    admin.done("import.new")
    assert admin.done("import.addUsers", {"users": [user(1), user(2)]}) == {"success": True}
    status = admin.get("import.status")
    assert status["state"] == "ready"
    assert status["operation"]["status"] == "importer_user_selection"
    assert status["operation"]["count"] == {"total": 2, "users": 2}
    assert status["operation"]["_updatedAt"] > status["operation"]["ts"]
    admin.done("import.addUsers", {"users": [user(3)]})
    assert admin.get("import.status")["operation"]["count"] == {"total": 3, "users": 3}


BROKEN: list[tuple[object, str]] = [
    ({}, "must have required property 'users'"),
    ({"users": "x"}, "must be array"),
    ({"users": [{"importIds": ["1"]}]}, "must have required property 'emails'"),
    ({"users": [{"emails": ["a"]}]}, "must have required property 'importIds'"),
    ({"users": [user(1, emails="a@b")]}, "must be array"),
    ({"users": [user(1, roles="user")]}, "must be array"),
    ({"users": [user(1, utcOffset="abc")]}, "must be number"),
    ({"users": [], "x": 1}, "must NOT have additional properties"),
    ([], "must be object"),
    ("text", "must be object"),
]


@pytest.mark.parametrize(("body", "text"), BROKEN)
def test_a_body_that_is_not_right_stages_nobody(admin: Client, body: object, text: str) -> None:
    admin.done("import.new")
    admin.done("import.addUsers", {"users": [user(1)]})
    assert admin.refused("import.addUsers", body) == {
        "success": False,
        "errorType": "invalid-params",
        "error": text,
    }
    assert admin.get("import.status")["operation"]["count"] == {"total": 1, "users": 1}


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"emails": []}, "Users are missing required data."),
        ({"emails": [None]}, "Users are missing required data."),
        ({"importIds": []}, "Users are missing required data."),
        (
            {"roles": ["user", "astronaut"]},
            "One or more of the users have been assigned invalid roles.",
        ),
    ],
)
def test_one_wrong_user_keeps_all_out(admin: Client, wrong: dict[str, object], text: str) -> None:
    admin.done("import.new")
    refused = admin.refused("import.addUsers", {"users": [user(1), user(2, **wrong)]})
    assert refused == {"success": False, "error": text}
    assert admin.get("import.status")["state"] == "new"


def test_a_body_that_cannot_be_read_counts_as_empty(admin: Client) -> None:
    for raw in (b"{", b"\xff", b"[" * 100_000, b""):
        answer = admin.call("POST", "import.addUsers", content=raw)
        assert answer.json()["error"] == "must have required property 'users'", raw
    form = admin.call("POST", "import.addUsers", data={"users": "x"})
    assert form.json()["error"] == "must be array"


def test_values_are_turned_to_their_types(workspace: Workspace) -> None:
    status = workspace.admin.ran(
        user(1, importIds=[1523], utcOffset="-3.5", deleted="true", shoe={"size": 9}, password="x")  # noqa: S106  not one
    )
    assert status["operation"]["count"] == {"total": 1, "users": 1, "completed": 1, "error": 0}
    [record] = workspace.records()
    assert record["importIds"] == ["1523"]
    assert float(record["utcOffset"]) == -3.5
    assert record["deleted"] is True
    assert record["extra"] == {"shoe": {"size": 9}}
    assert record["hasPassword"] is True
    assert "password" not in record


def test_roles_are_whole_words_and_joined_with_the_default(workspace: Workspace) -> None:
    workspace.admin.ran(user(1, roles=["admin", "user"]), user(2), user(3, roles=["bot"]))
    roles = [record["roles"] for record in workspace.records()]
    assert roles == [["admin", "user"], ["user"], ["bot", "user"]]


def test_roles_of_the_organization_exist(make_workspace: Callable[..., Workspace]) -> None:
    workspace = make_workspace(roles=["astronaut"])
    workspace.admin.ran(user(1, roles=["astronaut"]))
    assert workspace.records()[0]["roles"] == ["astronaut", "user"]


def test_an_operation_runs_to_its_end(admin: Client) -> None:
    admin.done("import.new")
    admin.done("import.addUsers", {"users": [user(n) for n in range(3)]})
    assert admin.done("import.run") == {"success": True}
    assert admin.get("import.status")["state"] in {"importing", "done"}
    operation = admin.until("done")["operation"]
    assert operation["status"] == "importer_done"
    assert operation["valid"] is True
    assert operation["count"] == {"total": 3, "users": 3, "completed": 3, "error": 0}
    again = admin.refused("import.addUsers", {"users": [user(9)]})
    assert again["error"] == "The current import operation is already finished."
    assert admin.refused("import.run")["error"] == "error-invalid-operation-status"


def test_a_user_who_exists_already_fails_and_the_others_load(workspace: Workspace) -> None:
    admin = workspace.admin
    admin.ran(user(1), user(2))
    status = admin.ran(
        user(1, username="somebody"),  # the address exists
        user(3, username="U2"),  # the name exists, in another case
        user(4),
        user(4, username="twin"),  # twice in the staging area
        user(5),
        user(6, username=None),
        user(7, username=None),
    )
    assert status["operation"]["count"] == {"total": 7, "users": 7, "completed": 4, "error": 3}
    found = [(record["email"], record["username"]) for record in workspace.records()]
    assert sorted(found) == [
        ("u1@example.org", "u1"),
        ("u2@example.org", "u2"),
        ("u4@example.org", "u4"),
        ("u5@example.org", "u5"),
        ("u6@example.org", None),
        ("u7@example.org", None),
    ]


def test_counters_never_fall_and_never_pass_the_total(admin: Client) -> None:
    admin.done("import.new")
    users = [user(number % 490) for number in range(500)]
    admin.done("import.addUsers", {"users": users})
    admin.done("import.run")
    before = (0, 0)
    while True:
        status = admin.get("import.status")
        count = status["operation"]["count"]
        now = (count.get("completed", 0), count.get("error", 0))
        assert now >= before
        assert sum(now) <= count["total"] == 500
        before = now
        if status["state"] == "done":
            break
        busy = admin.post("import.addUsers", {"users": [user(1)]}).json()
        assert busy["error"] in {
            "The current import operation can not receive new data.",
            "The current import operation is already finished.",
        }
    assert before == (490, 10)


def test_failed_users_stay_staged_with_reasons_and_can_be_run_again(workspace: Workspace) -> None:
    admin = workspace.admin
    admin.ran(user(1, name="old"))
    operation = admin.ran(user(1, name="new"), user(2))["operation"]
    imported = workspace.rowport.services.imports.by_oid(
        workspace.organization.id, operation["_id"]
    )
    [failed] = workspace.rowport.services.rows.failed(workspace.organization.id, imported.id).rows
    assert [error.code for error in failed.errors] == ["record-exists"]

    data = admin.get("getImportFileData")
    assert [one["email"] for one in data["users"]] == ["u1@example.org"]
    assert admin.get("import.status")["state"] == "ready"
    admin.done("startImport", {"input": {"users": {"all": True}}})
    again = admin.until("done")["operation"]
    assert again["_id"] != operation["_id"]
    assert again["count"] == {"total": 1, "users": 1, "completed": 1, "error": 0}
    assert {r["email"]: r["name"] for r in workspace.records()}["u1@example.org"] == "new"
    assert admin.get("getImportFileData")["users"] == []


def test_what_failed_can_also_be_run_again_as_it_was(workspace: Workspace) -> None:
    admin = workspace.admin
    admin.ran(user(1))
    admin.ran(user(1), user(2))
    admin.get("getImportFileData")
    admin.done("import.addUsers", {"users": [user(3)]})
    admin.done("import.run")
    count = admin.until("done")["operation"]["count"]
    assert count == {"total": 2, "users": 2, "completed": 1, "error": 1}


@pytest.mark.parametrize("state", ["new", "ready", "done"])
def test_a_new_operation_takes_the_place_of_the_one_before(admin: Client, state: str) -> None:
    first = admin.done("import.new")["operation"]
    if state != "new":
        admin.done("import.addUsers", {"users": [user(1)]})
    if state == "done":
        admin.done("import.run")
    admin.until(state)
    second = admin.done("import.new")["operation"]
    assert admin.get("import.status")["state"] == "new"
    assert admin.get("getImportFileData")["users"] == []
    valid = {one["_id"]: one["valid"] for one in admin.get("getLatestImportOperations")}
    assert valid == {first["_id"]: False, second["_id"]: True}


def test_a_new_operation_ends_one_that_runs(admin: Client) -> None:
    admin.done("import.new")
    admin.done("import.addUsers", {"users": [user(number) for number in range(3000)]})
    admin.done("import.run")
    admin.done("import.new")
    admin.done("import.addUsers", {"users": [user(9000)]})
    assert admin.get("import.status")["operation"]["count"] == {"total": 1, "users": 1}
    old = admin.get("getLatestImportOperations")[-1]
    assert old["valid"] is False
    assert old["status"] in {"importer_import_cancelled", "importer_done"}


@pytest.mark.parametrize(
    ("staged", "status"), [([], "importer_new"), ([user(1)], "importer_user_selection")]
)
def test_a_cleared_operation_is_an_error_in_its_own_status(
    admin: Client, staged: list[dict[str, Any]], status: str
) -> None:
    admin.done("import.new")
    admin.done("import.addUsers", {"users": staged})
    assert admin.done("import.clear") == {"success": True}
    said = admin.get("import.status")
    assert said["state"] == "error"
    assert said["operation"]["valid"] is False
    assert said["operation"]["status"] == status
    refused = admin.refused("import.addUsers", {"users": [user(2)]})
    assert refused["error"] == "Import operation not initialized."
    assert admin.refused("import.run")["error"] == "error-operation-not-found"


def test_what_is_done_stays_done_when_it_is_cleared(admin: Client) -> None:
    admin.ran(user(1))
    admin.done("import.clear")
    said = admin.get("import.status")
    assert said["state"] == "done"
    assert said["operation"]["valid"] is False


def test_clearing_a_run_interrupts_it(admin: Client) -> None:
    admin.done("import.new")
    admin.done("import.addUsers", {"users": [user(number) for number in range(5000)]})
    admin.done("import.run")
    admin.done("import.clear")
    said = admin.get("import.status")
    assert said["state"] in {"canceled", "done"}
    assert said["operation"]["valid"] is True
    finished = admin.refused("import.addUsers", {"users": [user(1)]})
    assert finished["error"] == "The current import operation is already finished."


def test_of_two_runs_at_once_one_starts(admin: Client) -> None:
    admin.done("import.new")
    admin.done("import.addUsers", {"users": [user(number) for number in range(20)]})
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: admin.post("import.run").status_code, range(4)))
    assert sorted(answers) == [200, 400, 400, 400]
    assert admin.until("done")["operation"]["count"]["completed"] == 20


def test_a_user_with_a_nul_fails_alone(admin: Client) -> None:
    count = admin.ran(user(1, name="a\x00b"), user(2))["operation"]["count"]
    assert count == {"total": 2, "users": 2, "completed": 1, "error": 1}


def test_other_workspaces_are_not_seen(make_workspace: Callable[..., Workspace]) -> None:
    one, other = make_workspace(), make_workspace()
    one.admin.ran(user(1))
    assert other.admin.get("import.status")["state"] == "none"
    assert other.admin.get("getLatestImportOperations") == []
    assert other.admin.ran(user(1))["operation"]["count"]["completed"] == 1


def test_times_have_three_digits_and_a_z(admin: Client) -> None:
    operation = admin.done("import.new")["operation"]
    for name in ("ts", "_updatedAt"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", operation[name])
