"""Operations that begin with a file, and the published end-to-end list in its own order."""

from __future__ import annotations

import base64
import io
import re
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import PATIENCE_S
from tests.integration.dialects.rocketchat.conftest import Client, Workspace, user

from rowport.dialects.rocketchat.errors import NOT_PERMITTED

if TYPE_CHECKING:
    from collections.abc import Callable

MEMBERS = (
    b"username,email,status,billing-active,has-2fa,has-sso,userid,fullname,displayname\n"
    b"ann,ann@example.org,Admin,1,0,0,U1,Ann A,\n"
    b"bot,bot@example.org,Bot,1,0,0,U2,Robot,Robby\n"
    b"gone,gone@example.org,Deactivated,0,0,0,U3,Gone,\n"
    b"ghost,,Member,0,0,0,U4,Ghost,\n"
)


def zipped(**files: str) -> bytes:
    """Make a zip; `__` in a name is a folder's slash."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/") + ".csv", content)
    return buffer.getvalue()


def upload(content: bytes, key: str, name: str = "people.zip") -> dict[str, str]:
    """Make the body of an upload."""
    return {
        "binaryContent": base64.b64encode(content).decode(),
        "contentType": "application/zip",
        "fileName": name,
        "importerKey": key,
    }


def step(client: Client) -> str:
    """Give the step of the current operation."""
    return str(client.get("getImportProgress")["step"])


def wait_for_step(client: Client, *steps: str) -> str:
    """Poll until the operation is at one of these steps."""
    deadline = time.monotonic() + PATIENCE_S
    while (now := step(client)) not in steps:
        assert time.monotonic() < deadline, now
    return now


def test_the_official_end_to_end_list_passes(
    make_workspace: Callable[..., Workspace], file_server: str
) -> None:
    workspace = make_workspace(ssrf_allowlist=[file_server])
    admin, plain = workspace.admin, workspace.plain
    admin.done("import.new")
    assert admin.get("getCurrentImportOperation")["operation"] is not None
    assert admin.done("downloadPendingFiles")["count"] >= 0
    assert admin.done("downloadPendingAvatars")["count"] >= 0
    refused = plain.call("GET", "getLatestImportOperations")
    assert (refused.status_code, refused.json()["error"]) == (403, NOT_PERMITTED)
    assert isinstance(admin.get("getLatestImportOperations"), list)
    progress = admin.get("getImportProgress")
    assert {type(progress[key]) for key in ("key", "name", "step")} == {str}
    assert isinstance(progress["count"], dict)
    data = admin.get("getImportFileData")
    assert isinstance(data["users"], list)
    assert isinstance(data["channels"], list)
    assert data["message_count"] >= 0
    inside = {"fileUrl": "http://127.0.0.1:3000/api/v1/info", "importerKey": "slack-users"}
    assert admin.refused("downloadPublicImportFile", inside) == {
        "success": False,
        "error": "error-ssrf-validation-failed",
    }
    assert step(admin) == "importer_import_failed"
    allowed = {"fileUrl": f"http://{file_server}/members.csv", "importerKey": "slack-users"}
    assert admin.done("downloadPublicImportFile", allowed) == {"success": True}
    assert wait_for_step(admin, "importer_file_loaded", "importer_import_failed") == (
        "importer_file_loaded"
    )
    forbidden = plain.post("uploadImportFile", upload(b"", "csv"))
    assert (forbidden.status_code, forbidden.json()["error"]) == (403, NOT_PERMITTED)
    answer = admin.call("GET", "getCurrentImportOperation?any=test")
    assert answer.status_code == 400
    assert answer.json()["success"] is False


def test_a_zip_of_csv_files_goes_from_upload_to_done(workspace: Workspace) -> None:
    admin = workspace.admin
    content = zipped(
        Users="ann,ann@example.org,Ann\nbob,bob@example.org,Bob\nshort\n",
        channels='general,ann,public,"ann;bob"\n',
        general__messages="ann,1500000000000,hello\n",
    )
    assert admin.done("uploadImportFile", upload(content, "csv")) == {"success": True}
    operation = admin.get("import.status")["operation"]
    assert admin.get("import.status")["state"] == "loading"
    assert operation["status"] == "importer_file_loaded"
    assert operation["type"] == "CSV"
    assert operation["importerKey"] == "csv"
    who = admin.headers["X-User-Id"]
    assert re.fullmatch(rf"\d+_{who}_people\.zip", operation["file"])
    assert operation["contentType"] == "application/zip"
    assert "count" not in operation
    busy = admin.refused("import.addUsers", {"users": [user(1)]})
    assert busy["error"] == "The current import operation can not receive new data."

    data = admin.get("getImportFileData")
    assert list(data) == ["name", "users", "channels", "contacts", "message_count", "success"]
    assert data["users"][0] == {
        "user_id": "ann",
        "username": "ann",
        "email": "ann@example.org",
        "is_deleted": False,
        "is_bot": False,
        "do_import": True,
        "is_email_taken": False,
    }
    assert admin.get("import.status")["operation"]["count"] == {"total": 3, "users": 3}
    chosen = {"users": {"all": False, "list": ["ann", "short"]}}
    assert admin.done("startImport", {"input": chosen}) == {"success": True}
    done = admin.until("done")["operation"]
    assert done["count"] == {"total": 2, "users": 2, "completed": 1, "error": 1}
    assert [record["name"] for record in workspace.records()] == ["Ann"]
    assert admin.get("getImportProgress") == {
        "key": "csv",
        "name": "CSV",
        "step": "importer_done",
        "count": {"completed": 1, "total": 2, "error": 1},
        "success": True,
    }


def test_a_started_import_updates_who_exists(workspace: Workspace) -> None:
    admin = workspace.admin
    admin.ran(user(1, username="ann", emails=["ann@example.org"], name="Before"))
    admin.done("uploadImportFile", upload(zipped(users="ann,ann@example.org,After\n"), "csv"))
    admin.get("getImportFileData")
    admin.done("startImport", {"input": {"users": {"all": True, "list": []}}})
    assert admin.until("done")["operation"]["count"]["completed"] == 1
    assert [record["name"] for record in workspace.records()] == ["After"]


def test_a_list_of_slack_members_is_taken(workspace: Workspace) -> None:
    admin = workspace.admin
    admin.done("uploadImportFile", upload(MEMBERS, "slack-users", "members.csv"))
    users = admin.get("getImportFileData")["users"]
    assert [(u["user_id"], u["is_bot"], u["is_deleted"]) for u in users] == [
        ("ann@example.org", False, False),
        ("bot@example.org", True, False),
        ("gone@example.org", False, True),
    ]
    assert admin.get("getImportProgress")["name"] == "Slack_Users"
    admin.done("import.run")
    admin.until("done")
    ann, bot, gone = workspace.records()
    assert (ann["name"], ann["roles"]) == ("Ann A", ["admin", "user"])
    assert (bot["name"], bot["type"]) == ("Robby", "bot")
    assert gone["deleted"] is True


def test_contacts_land_in_their_own_record_type(workspace: Workspace) -> None:
    admin = workspace.admin
    content = (
        b"id,name,phones,emails,manager,shoe size\n"
        b"c1,Ann,+1;+2,ann@example.org;a@example.org,bob,9\n"
        b",,,,bob,10\n"
        b",Cid,,,,\n"
    )
    admin.done("uploadImportFile", upload(content, "omnichannel_contact", "contacts.csv"))
    data = admin.get("getImportFileData")
    assert [one["name"] for one in data["contacts"]] == ["Ann", "Cid"]
    assert data["contacts"][0]["phones"] == ["+1", "+2"]
    refused = admin.refused("import.addUsers", {"users": [user(1)]})
    assert "takes contacts" in refused["error"]
    admin.done("startImport", {"input": {"contacts": {"all": False, "list": ["c1"]}}})
    count = admin.until("done")["operation"]["count"]
    assert count == {"total": 1, "contacts": 1, "completed": 1, "error": 0}
    [record] = workspace.records("rocketchat_contacts")
    assert record["customFields"] == {"shoe size": "9"}
    assert record["contactManager"] == "bob"


def test_the_older_body_of_start_names_users_one_by_one(workspace: Workspace) -> None:
    admin = workspace.admin
    content = zipped(users="ann,ann@example.org,Ann\nbob,bob@example.org,Bob\n")
    admin.done("uploadImportFile", upload(content, "csv"))
    admin.get("getImportFileData")
    chosen = [
        {"user_id": "ann", "username": "ann", "do_import": False, "is_bot": False},
        {"user_id": "bob", "username": "bob", "do_import": True, "is_bot": False},
    ]
    admin.done("startImport", {"input": {"users": chosen, "channels": []}})
    admin.until("done")
    assert [record["username"] for record in workspace.records()] == ["bob"]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"no zip", "csv"),
        (zipped(channels="general,ann,public,ann\n"), "csv"),
        (b"", "slack-users"),
        (b"\xff\xfe\x00", "slack-users"),
        (b"id,name\n", "omnichannel_contact"),
        (b"PK\x03\x04", "slack"),
    ],
)
def test_a_file_without_records_fails_when_it_is_prepared(
    admin: Client, content: bytes, key: str
) -> None:
    admin.done("uploadImportFile", upload(content, key))
    assert step(admin) == "importer_file_loaded"
    answer = admin.call("GET", "getImportFileData")
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert step(admin) == "importer_import_failed"
    assert admin.get("import.status")["state"] == "error"


def test_what_no_importer_takes_is_refused(admin: Client) -> None:
    assert admin.refused("uploadImportFile", upload(b"x", "png")) == {
        "success": False,
        "error": "The importer (png) has no import class defined. [error-importer-not-defined]",
        "errorType": "error-importer-not-defined",
        "details": "uploadImportFile",
    }
    body = {"fileUrl": "https://example.org/x", "importerKey": "png"}
    refused = admin.refused("downloadPublicImportFile", body)
    assert refused["details"] == "downloadImportFile"
    bad = {**upload(b"x", "csv"), "binaryContent": "no base64!"}
    assert "base64" in admin.refused("uploadImportFile", bad)["error"]
    assert "NUL" in admin.refused("uploadImportFile", upload(b"x", "csv", "a\x00"))["error"]
    less = upload(b"x", "csv")
    del less["fileName"]
    error = admin.refused("uploadImportFile", less)["error"]
    assert error == "must have required property 'fileName'"
    assert admin.get("import.status")["state"] == "none"


def test_paths_of_the_server_are_not_read(admin: Client) -> None:
    body = {"fileUrl": "/etc/passwd", "importerKey": "csv"}
    assert admin.refused("downloadPublicImportFile", body) == {
        "success": False,
        "error": "/etc/passwd [error-import-file-missing]",
        "errorType": "error-import-file-missing",
        "details": "downloadPublicImportFile",
    }


@pytest.mark.parametrize("path", ["moved", "cut"])
def test_no_redirect_is_followed_and_no_part_is_taken_for_a_file(
    make_workspace: Callable[..., Workspace], file_server: str, path: str
) -> None:
    admin = make_workspace(ssrf_allowlist=[file_server]).admin
    body = {"fileUrl": f"http://{file_server}/{path}", "importerKey": "slack-users"}
    admin.done("downloadPublicImportFile", body)
    wait_for_step(admin, "importer_import_failed")
    assert admin.get("import.status")["state"] == "error"


def test_base64_may_be_wrapped_unpadded_and_of_the_other_alphabet(workspace: Workspace) -> None:
    zed = b"zed,zed@example.org,Member,0,0,0,U5,>>>>>????? Z,\n"
    admin, body = workspace.admin, upload(MEMBERS + zed, "slack-users")
    text = body["binaryContent"]
    assert {"+", "/"} <= set(text), "the alphabets differ in these"
    lines = "\r\n".join(text[begin : begin + 76] for begin in range(0, len(text), 76))
    for spelled in (lines, text.rstrip("="), text.replace("+", "-").replace("/", "_")):
        admin.done("uploadImportFile", {**body, "binaryContent": spelled})
        assert len(admin.get("getImportFileData")["users"]) == 4
    refused = admin.refused("uploadImportFile", {**body, "binaryContent": "abcde"})
    assert "base64" in refused["error"]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"users": 5}, "must be object"),
        ({"users": {"all": "x"}}, "must be boolean"),
        ({"users": {"list": "x"}}, "must be array"),
        ({"users": [{}]}, "must have required property 'user_id'"),
        ({"channels": "x"}, "must be object"),
        ({"contacts": {"list": "x"}}, "must be array"),
    ],
)
def test_every_part_of_a_choice_is_checked(
    admin: Client, chosen: dict[str, object], message: str
) -> None:
    refused = admin.refused("startImport", {"input": chosen})
    assert refused == {"success": False, "errorType": "invalid-params", "error": message}


def test_nothing_can_be_asked_of_files_without_an_operation(admin: Client) -> None:
    missing = {
        "success": False,
        "error": "Import Operation Not Found [error-operation-not-found]",
        "errorType": "error-operation-not-found",
    }
    data = admin.call("GET", "getImportFileData")
    assert data.json() == {**missing, "details": "getImportFileData"}
    progress = admin.call("GET", "getImportProgress")
    assert progress.json() == {**missing, "details": "getImportProgress"}
    start = admin.refused("startImport", {"input": {}})
    assert start == {**missing, "details": "startImport"}


def test_nothing_is_ever_pending(admin: Client) -> None:
    assert admin.done("downloadPendingFiles") == {"count": 0, "success": True}
    status = admin.get("import.status")
    assert status["state"] == "done"
    assert status["operation"]["importerKey"] == "pending-files"
    assert status["operation"]["type"] == "Pending Files"
    assert admin.done("downloadPendingAvatars", {}) == {"count": 0, "success": True}
    assert admin.get("getImportProgress")["name"] == "Pending Avatars"
    assert admin.refused("downloadPendingFiles", {"x": 1})["errorType"] == "invalid-params"


@pytest.mark.parametrize(
    "name",
    [
        "getCurrentImportOperation",
        "getImportProgress",
        "getImportFileData",
        "getLatestImportOperations",
        "importers.list",
    ],
)
def test_reading_takes_no_query(admin: Client, name: str) -> None:
    answer = admin.call("GET", f"{name}?any=test")
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "errorType": "error-invalid-params",
        "error": "must NOT have additional properties",
    }
    assert admin.get("import.status?any=test")["state"] == "none"


def test_the_importers_are_a_bare_array(admin: Client) -> None:
    assert admin.get("importers.list") == [
        {"key": "csv", "name": "CSV"},
        {"key": "slack", "name": "Slack"},
        {"key": "slack-users", "name": "Slack_Users"},
        {"key": "omnichannel_contact", "name": "omnichannel_contacts_importer"},
    ]


def test_progress_of_an_api_operation(admin: Client) -> None:
    admin.done("import.new")
    assert admin.get("getImportProgress") == {
        "key": "api",
        "name": "API",
        "step": "importer_new",
        "count": {"completed": 0, "total": 0, "error": 0},
        "success": True,
    }


def test_a_slack_export_gives_its_users(admin: Client) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        users: Any = (
            '[{"id": "U1", "name": "ann", "tz_offset": -12600, "deleted": false,'
            ' "profile": {"real_name": "Ann", "email": "ann@example.org"}}]'
        )
        archive.writestr("users.json", users)
        archive.writestr("channels.json", '[{"name": "general"}]')
        archive.writestr("general/2020-01-01.json", "[]")
    admin.done("uploadImportFile", upload(buffer.getvalue(), "slack"))
    assert [one["user_id"] for one in admin.get("getImportFileData")["users"]] == ["U1"]
    admin.done("import.run")
    assert admin.until("done")["operation"]["count"]["completed"] == 1
