"""What MileApp's clients are refused, and how they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.dialects.mileapp.conftest import (
    MONITORING,
    UPLOAD,
    MileApp,
    checked,
    mail,
    rows,
)

if TYPE_CHECKING:
    import httpx


def test_uploads_that_cannot_be_are_refused_one_thing_after_the_other(mile: MileApp) -> None:
    given = {"dataTypeId": mile.given["dataTypeId"]}
    cases: list[tuple[dict[str, Any], int, str, str | None]] = [
        ({}, 400, "The file field is required.", "import-001"),
        ({"json": {"file": "x"}}, 400, "The file field is required.", "import-001"),
        ({"data": given}, 400, "The file field is required.", "import-001"),
        (
            {"files": {"file": (None, "x")}, "data": given},
            400,
            "The file field is required.",
            "import-001",
        ),
        (
            {"files": {"file": ("a.csv", "x")}},
            400,
            "The data type id field is required.",
            "import-001",
        ),
    ]
    message = "The file must be a file of type: csv, xls, xlsx."
    for name, content in [
        ("a.txt", "email\n"), ("a.csv", ""), ("a.xlsx", "email\n"), ("a.csv", "%PDF-1.7"),
        ("a.pdf", "%PDF-1.7"),
    ]:  # fmt: skip
        files = {"file": (name, content)}
        cases.append(({"files": files, "data": given}, 422, message, "import-002"))
    fine = {"file": ("a.csv", "email\n")}
    for type_id in ("x", "f" * 24, "\x00", "é" * 3000):
        data = {"dataTypeId": type_id}
        cases.append(({"files": fine, "data": data}, 422, "Data type not found", "import-002"))
    flow = {"flowId": mile.given["dataTypeId"]}
    cases.append(({"files": fine, "data": flow}, 422, "Flow not found", "import-002"))
    for request, status, said, code in cases:
        error = checked(mile.http.post(UPLOAD, **request), "error", status)
        assert error == {"status": False, "message": said, "failedCode": code}, request


@pytest.mark.parametrize(
    "part", [("a\x00.csv", "email\n", "text/csv"), ("a.csv", "email\n", "text/c\x00sv")]
)
def test_a_file_described_with_a_nul_is_refused(mile: MileApp, part: tuple[str, str, str]) -> None:
    name, content, kind = part
    body = (
        f'--b\r\nContent-Disposition: form-data; name="dataTypeId"\r\n\r\n'
        f"{mile.given['dataTypeId']}\r\n"
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n{content}\r\n--b--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    error = checked(mile.http.post(UPLOAD, content=body, headers=headers), "error", 400)
    assert error["message"].endswith(" characters and no NUL.")
    assert error["failedCode"] == "import-001"


def test_a_header_with_a_nul_fails_the_import_at_once(mile: MileApp) -> None:
    queued = mile.upload(b"email,first\0_name\n" + mail().encode() + b",Ann\n")
    done = mile.get(f"{MONITORING}/{queued['data']['_id']}", "record")["data"]
    assert done["status"] == "failed"
    assert done["errorMessage"] == (
        "File validation failed: clients.csv: the name of column 2, 'first\u2400_name', "
        "holds the character U+0000."
    )


def test_the_type_if_said_must_be_that_of_what_is_imported_into(mile: MileApp) -> None:
    error = mile.upload(
        rows(1),
        schema="error",
        status=422,
        into={"dataTypeId": mile.given["dataTypeId"], "type": "task"},
    )
    assert error["failedCode"] == "import-002"


def test_a_file_of_twenty_megabytes_is_the_largest(mile: MileApp) -> None:
    size = 20 * 1024 * 1024
    head = f"email,first_name\n{mail()},"
    fitting = head + "x" * (size - len(head))
    assert mile.upload(fitting)["data"]["totalRows"] == 1
    error = mile.upload(fitting + "x", schema="error", status=413)
    assert error == {"status": False, "message": "Payload Too Large"}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Bearer wrong")],
        [("Authorization", "Basic QTpC")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer " + "x" * 10_000)],
        [("Authorization", "Bearer \xff\xfe")],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("x-api-key", "wrong")],
    ],
)
def test_nobody_gets_in_without_a_token(web: httpx.Client, headers: list[tuple[str, str]]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    for method, path in [("GET", MONITORING), ("POST", UPLOAD), ("GET", f"{MONITORING}/x")]:
        error = checked(web.request(method, path, headers=raw), "error", 401)
        assert error["message"] == "Unauthorized"
        assert error["failedCode"] == "auth-001"


def test_a_token_that_may_only_read_imports_nothing(reader: MileApp) -> None:
    reader.get(MONITORING, "records")
    refused = [
        reader.http.post(UPLOAD, files={"file": ("a.csv", rows(1))}, data=reader.given),
        reader.http.post("/api/v3/data/bulk", json={"data": [{}]}),
        reader.http.post("/api/v3/data/bulk/upsert", json={"data": [{}]}),
        reader.http.post("/api/v3/import-config", json={}),
        reader.http.put(f"/api/v3/import-config/{'f' * 24}", json={}),
        reader.http.delete(f"/api/v3/import-config/{'f' * 24}"),
    ]
    for answer in refused:
        error = checked(answer, "error", 403)
        assert error["message"] == "You do not have permission to perform this action"
        assert error["failedCode"] == "auth-003"


def test_what_is_foreign_answers_exactly_as_what_is_missing(mile: MileApp, other: MileApp) -> None:
    record_id = mile.upload(rows(1))["data"]["_id"]
    answers = [
        other.http.get(f"{MONITORING}/{text}")
        for text in (record_id, "f" * 24, "x", record_id.upper(), "%00", "x" * 5000)
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {
        b'{"status":false,"message":"Import monitoring record not found","failedCode":"import-004"}'
    }
    error = other.upload(
        rows(1), schema="error", status=422, into={"dataTypeId": mile.given["dataTypeId"]}
    )
    assert error["message"] == "Data type not found"
    listed = other.get(MONITORING, "records", query={"dataTypeId": mile.given["dataTypeId"]})
    assert listed["data"]["total"] == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/api/v3/nothing", 404, "Not Found"),
        ("GET", "/api/v3", 404, "Not Found"),
        ("DELETE", MONITORING, 405, "Method Not Allowed"),
        ("GET", UPLOAD, 405, "Method Not Allowed"),
        ("POST", "/api/v3/flows", 405, "Method Not Allowed"),
    ],
)
def test_the_errors_of_http_have_mileapps_shape(
    mile: MileApp, method: str, path: str, status: int, message: str
) -> None:
    error = checked(mile.http.request(method, path), "error", status)
    assert error == {"status": False, "message": message}


def test_only_json_is_given(mile: MileApp) -> None:
    answer = mile.http.get(MONITORING, headers={"Accept": "text/html"})
    assert checked(answer, "error", 406) == {"status": False, "message": "Not Acceptable"}
    browser = {"Accept": "text/html,application/json;q=0.9"}
    assert mile.http.get(MONITORING, headers=browser).status_code == 200
