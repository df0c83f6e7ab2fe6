"""Plannr's import API through a running server: create, map, start, show."""

from __future__ import annotations

import csv
import io
import json
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import jsonschema
import psycopg
import pytest
from psycopg import sql

from rowport.dialects import plannr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.dialects.conftest import Served

PATH = "/api/v1/import"
SCHEMAS = Path(plannr.__file__).parent / "schemas"
PATIENCE_S = 60.0
HEADERS = {"first_name": "fname", "last_name": "lname", "email": "email"}
UNKNOWN = "4d94adac-7d98-4a3e-b307-652953eec54b"


def fits(document: object, schema: str) -> None:
    """See that an answer has the shape of its schema."""
    jsonschema.validate(document, json.loads((SCHEMAS / f"{schema}.json").read_text()))


@pytest.fixture(scope="module")
def api(web: httpx.Client, credentials: dict[str, Any]) -> Iterator[httpx.Client]:
    """A client as the documentation shows one."""
    mine = credentials["plannr"]
    headers = {
        "Authorization": f"Bearer {mine['token']}",
        "X-PLANNR-ACCOUNT-UUID": mine["account_uuid"],
        "Accept": "application/json",
    }
    with httpx.Client(base_url=web.base_url, headers=headers, timeout=PATIENCE_S) as client:
        yield client


def people(*emails: str) -> bytes:
    """A file with a row for each."""
    rows = "".join(f"Ann,Lee,{email}\n" for email in emails)
    return f"fname,lname,email\n{rows}".encode()


def fresh() -> str:
    return f"{uuid4().hex}@example.com"


def send(api: httpx.Client, content: bytes, *, mode: str = "store", **more: Any) -> httpx.Response:  # noqa: ANN401  httpx's
    data = {"type": "clients", "mode": mode, **more.pop("data", {})}
    files = more.pop("files", {"file": ("clients.csv", content, "text/csv")})
    return api.post(PATH, data=data, files=files, **more)


def created(api: httpx.Client, content: bytes, *, mode: str = "store") -> dict[str, Any]:
    answer = send(api, content, mode=mode)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    fits(document, "import")
    return document


def mapped(api: httpx.Client, uuid: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer = api.post(f"{PATH}/map/{uuid}", json={"headers": headers or HEADERS})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    fits(document, "import")
    return document


def ended(api: httpx.Client, uuid: str) -> dict[str, Any]:
    """Start an import and poll as clients do."""
    answer = api.post(f"{PATH}/start/{uuid}")
    assert answer.status_code == 200, answer.text
    fits(answer.json(), "import")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        shown: dict[str, Any] = api.get(f"{PATH}/{uuid}").json()
        fits(shown, "import")
        if shown["status"] in {"completed", "failed", "cancelled"}:
            return shown
    raise AssertionError(shown)


def imported(
    api: httpx.Client,
    content: bytes,
    *,
    mode: str = "store",
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    uuid = created(api, content, mode=mode)["uuid"]
    mapped(api, uuid, headers)
    return ended(api, uuid)


def stored(dialect_server: Served, email: str) -> list[tuple[Any, ...]]:
    """What the database holds of a client of the demonstration organization."""
    table = sql.Identifier(*_table(dialect_server))
    query = sql.SQL("SELECT first_name, last_name FROM {} WHERE email = %s").format(table)
    with psycopg.connect(dialect_server.database_url) as connection:
        return connection.execute(query, [email]).fetchall()


def _table(dialect_server: Served) -> tuple[str, str]:
    query = (
        "SELECT t.table_schema, t.table_name FROM rowport.record_types AS t JOIN "
        "rowport.organizations AS o ON o.id = t.organization_id "
        "WHERE o.slug = 'demo' AND t.name = 'clients'"
    )
    with psycopg.connect(dialect_server.database_url) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return row[0], row[1]


def refusal(answer: httpx.Response, errors: dict[str, list[str]]) -> None:
    """See that the answer is a validation error with these messages."""
    assert answer.status_code == 422, answer.text
    document = answer.json()
    fits(document, "error")
    assert document["errors"] == errors
    assert document["message"].startswith(next(iter(errors.values()))[0])


def test_a_new_import_is_read_and_waits_for_its_mapping(
    api: httpx.Client, credentials: dict[str, Any]
) -> None:
    shown = created(api, people(fresh(), fresh()))
    assert shown["status"] == "pending"
    assert shown["headers"] == ["fname", "lname", "email"]
    assert shown["mapping"] == {}
    assert (shown["total_jobs"], shown["jobs_remaining"], shown["failed_jobs"]) == (2, 2, 0)
    assert (shown["progress"], shown["errors"], shown["error_report"]) == (0, [], None)
    assert (shown["type"], shown["mode"]) == ("clients", "store")
    assert shown["account"]["email"] == "admin@demo.example"
    assert shown["account"]["role"] == "admin"
    assert credentials["plannr"]["account_uuid"] == credentials["organization"]["id"]


def test_the_keys_stand_in_their_order(api: httpx.Client) -> None:
    assert list(created(api, people(fresh()))) == [
        "uuid", "created_at", "updated_at", "type", "mode", "headers", "mapping", "status",
        "total_jobs", "progress", "jobs_remaining", "failed_jobs", "error_report", "errors",
        "account",
    ]  # fmt: skip


def test_an_import_is_not_started_before_it_is_mapped_even_if_its_headers_are_the_fields(
    api: httpx.Client,
) -> None:
    content = b"first_name,last_name,email\nAnn,Lee," + fresh().encode() + b"\n"
    shown = created(api, content)
    assert (shown["status"], shown["mapping"]) == ("pending", {})
    refusal(
        api.post(f"{PATH}/start/{shown['uuid']}"),
        {"status": ["The import must be mapped before it can be started."]},
    )


def test_a_mapping_is_answered_in_the_reverse_of_its_request(api: httpx.Client) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    shown = mapped(api, uuid)
    assert shown["status"] == "mapped"
    assert shown["mapping"] == {"fname": "first_name", "lname": "last_name", "email": "email"}
    again = mapped(api, uuid, {"email": "email"})
    assert again["mapping"] == {"email": "email"}


def test_a_mapping_without_a_required_field_leaves_the_import_pending(api: httpx.Client) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    shown = mapped(api, uuid, {"first_name": "fname"})
    assert (shown["status"], shown["mapping"]) == ("pending", {"fname": "first_name"})
    assert api.post(f"{PATH}/start/{uuid}").status_code == 422


def test_rows_are_stored_and_the_end_is_told(api: httpx.Client, dialect_server: Served) -> None:
    email = fresh()
    shown = imported(api, people(email, fresh()))
    assert (shown["status"], shown["progress"], shown["jobs_remaining"]) == ("completed", 100, 0)
    assert (shown["total_jobs"], shown["failed_jobs"], shown["error_report"]) == (2, 0, None)
    assert stored(dialect_server, email) == [("Ann", "Lee")]


def test_store_creates_and_never_changes(api: httpx.Client, dialect_server: Served) -> None:
    email = fresh()
    imported(api, people(email))
    again = imported(api, f"fname,lname,email\nBob,Lee,{email}\nAnn,Lee,{fresh()}\n".encode())
    assert (again["status"], again["failed_jobs"]) == ("completed", 1)
    assert stored(dialect_server, email) == [("Ann", "Lee")]


def test_update_changes_and_never_creates(api: httpx.Client, dialect_server: Served) -> None:
    email, unknown = fresh(), fresh()
    imported(api, people(email))
    content = f"fname,lname,email\nBob,Lee,{email}\nAnn,Lee,{unknown}\n".encode()
    shown = imported(api, content, mode="update")
    assert (shown["mode"], shown["status"], shown["failed_jobs"]) == ("update", "completed", 1)
    assert stored(dialect_server, email) == [("Bob", "Lee")]
    assert stored(dialect_server, unknown) == []


def test_update_erases_by_an_empty_cell_and_leaves_what_is_not_mapped(
    api: httpx.Client, dialect_server: Served
) -> None:
    email = fresh()
    imported(api, people(email))
    headers = {"first_name": "fname", "email": "email"}
    imported(api, f"fname,lname,email\n,Kay,{email}\n".encode(), mode="update", headers=headers)
    assert stored(dialect_server, email) == [(None, "Lee")]


def test_validate_writes_nothing(api: httpx.Client, dialect_server: Served) -> None:
    email = fresh()
    shown = imported(api, people(email, "no address"), mode="validate")
    assert (shown["mode"], shown["status"], shown["failed_jobs"]) == ("validate", "completed", 1)
    assert stored(dialect_server, email) == []


def test_a_failed_row_is_told_as_it_was_mapped(api: httpx.Client) -> None:
    shown = imported(api, people("no address", fresh()))
    [error] = shown["errors"]
    assert list(error) == ["client", "errors"]
    assert error["client"] == {"first_name": "Ann", "last_name": "Lee", "email": "no address"}
    assert list(error["errors"]) == ["email"]
    assert shown["failed_jobs"] == 1


def test_the_first_25_failed_rows_are_told_in_order(api: httpx.Client) -> None:
    rows = "".join(f"Row {n},Lee,no address {n}\n" for n in range(1, 121))
    shown = imported(api, f"fname,lname,email\n{rows}".encode())
    assert (shown["status"], shown["failed_jobs"], shown["progress"]) == ("failed", 120, 100)
    assert [e["client"]["first_name"] for e in shown["errors"]] == [
        f"Row {n}" for n in range(1, 26)
    ]


def test_the_error_report_is_the_file_it_says(api: httpx.Client, web: httpx.Client) -> None:
    shown = imported(api, people("no address", fresh(), "=1+1"))
    report = shown["error_report"]
    assert report["filename"] == f"errors_{shown['uuid']}.csv"
    assert (report["extension"], report["status"], report["progress"]) == ("csv", "uploaded", "100")
    answer = web.get(report["download_url"])
    assert answer.status_code == 200
    assert len(answer.content) == int(report["size"])
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["email"] for row in rows] == ["no address", "'=1+1"]
    assert api.get(f"{PATH}/{shown['uuid']}").json()["error_report"]["uuid"] == report["uuid"]


def test_a_file_without_rows_fails(api: httpx.Client) -> None:
    shown = created(api, b"fname,lname,email\n")
    assert (shown["status"], shown["progress"], shown["total_jobs"]) == ("failed", 100, 0)
    answer = api.post(f"{PATH}/map/{shown['uuid']}", json={"headers": HEADERS})
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("The import has failed: ")


def test_nothing_can_be_done_twice(api: httpx.Client) -> None:
    uuid = imported(api, people(fresh()))["uuid"]
    twice = {"status": ["The import has already been started."]}
    refusal(api.post(f"{PATH}/start/{uuid}"), twice)
    refusal(api.post(f"{PATH}/map/{uuid}", json={"headers": HEADERS}), twice)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"headers": ["The headers field is required."]}),
        ({"headers": {}}, {"headers": ["The headers field is required."]}),
        ({"headers": []}, {"headers": ["The headers field is required."]}),
        ({"headers": {"email": None}}, {"headers": ["The headers field is required."]}),
        ([], {"headers": ["The headers field is required."]}),
        ({"headers": "email"}, {"headers": ["The headers must be an array."]}),
        ({"headers": 7}, {"headers": ["The headers must be an array."]}),
        ({"headers": ["email"]}, {"headers.0": ["The selected headers.0 is invalid."]}),
        ({"headers": {"nick": "fname"}}, {"headers.nick": ["The selected headers.nick is invalid."]}),
        ({"headers": {"email": "mail"}}, {"headers.email": ["The selected headers.email is invalid."]}),
        ({"headers": {"email": "\0"}}, {"headers.email": ["The selected headers.email is invalid."]}),
        ({"headers": {"email": ["email"]}}, {"headers.email": ["The headers.email must be a string."]}),
        (
            {"headers": {"first_name": "fname", "last_name": "fname", "email": "email"}},
            {
                "headers.first_name": ["The headers.first_name field has a duplicate value."],
                "headers.last_name": ["The headers.last_name field has a duplicate value."],
            },
        ),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_is_refused(
    api: httpx.Client, body: object, errors: dict[str, list[str]]
) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    answer = api.post(f"{PATH}/map/{uuid}", json=body)
    refusal(answer, errors)
    if len(errors) > 1:
        assert answer.json()["message"].endswith(" (and 1 more error)")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 5000, b'{"headers": {"email": "\\ud800"}}']
)
def test_a_mapping_that_is_no_json_is_a_missing_one(api: httpx.Client, body: bytes) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    answer = api.post(f"{PATH}/map/{uuid}", content=body)
    refusal(answer, {"headers": ["The headers field is required."]})


def test_a_mapping_of_megabytes_is_too_large(api: httpx.Client) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    answer = api.post(f"{PATH}/map/{uuid}", content=b" " * 1_100_000)
    assert (answer.status_code, answer.json()) == (413, {"message": "The POST data is too large."})


def test_everything_that_is_missing_is_told_at_once(api: httpx.Client) -> None:
    errors = {
        "type": ["The type field is required."],
        "mode": ["The mode field is required."],
        "file": ["The file field is required."],
    }
    for answer in (
        api.post(PATH),
        api.post(PATH, json={"type": "clients"}),
        api.post(PATH, data={"type": " "}, files={"other": ("a.csv", b"a\n", "text/csv")}),
        api.post(PATH, content=b"x", headers={"Content-Type": "multipart/form-data; boundary=b"}),
    ):
        refusal(answer, errors)
        assert answer.json()["message"] == "The type field is required. (and 2 more errors)"


@pytest.mark.parametrize(
    ("data", "file", "errors"),
    [
        ({"type": "charges"}, ("a.csv", b"a\n1\n"), {"type": ["The selected type is invalid."]}),
        ({"type": "\0"}, ("a.csv", b"a\n1\n"), {"type": ["The selected type is invalid."]}),
        ({"mode": "upsert"}, ("a.csv", b"a\n1\n"), {"mode": ["The selected mode is invalid."]}),
        ({"mode": ""}, ("a.csv", b"a\n1\n"), {"mode": ["The mode field is required."]}),
        ({}, ("a.xlsx", b"a\n1\n"), {"file": ["The file must be a file of type: csv."]}),
        ({}, ("a.csv", b"PK\x03\x04rest"), {"file": ["The file must be a file of type: csv."]}),
        ({}, ("a.csv", b""), {"file": ["The file must be a file of type: csv."]}),
        ({"type": "x", "mode": "y"}, ("a.csv", b"a\n1\n"), {
            "type": ["The selected type is invalid."], "mode": ["The selected mode is invalid."],
        }),
    ],
)  # fmt: skip
def test_an_import_that_cannot_be_is_refused(
    api: httpx.Client,
    data: dict[str, str],
    file: tuple[str, bytes],
    errors: dict[str, list[str]],
) -> None:
    refusal(send(api, b"", data=data, files={"file": file}), errors)


def test_a_text_in_the_place_of_the_file_is_no_file(api: httpx.Client) -> None:
    data = {"type": "clients", "mode": "store"}
    parts = {**{n: (None, v.encode()) for n, v in data.items()}, "file": (None, b"a,b")}
    refusal(api.post(PATH, files=parts), {"file": ["The file must be a file of type: csv."]})


def test_times_are_told_in_the_zone_of_the_account(api: httpx.Client) -> None:
    shown = created(api, people(fresh()))
    for name in ("created_at", "updated_at"):
        at = datetime.fromisoformat(shown[name])
        assert at.microsecond == 0
        assert shown[name][-6:] in {"+00:00", "+01:00"}  # never +05:30, the organization's own


@pytest.mark.parametrize("what", ["", "map/", "start/"])
@pytest.mark.parametrize(
    "uuid", [UNKNOWN, "17", "%00", "%ff", "x" * 3000, f"{{{UNKNOWN}}}", UNKNOWN.replace("-", "")]
)
def test_what_is_not_there_is_not_found(api: httpx.Client, what: str, uuid: str) -> None:
    method = "POST" if what else "GET"
    answer = api.request(method, f"{PATH}/{what}{uuid}")
    assert answer.status_code == 404, answer.text
    assert answer.json() == {"message": "Import not found."}


def test_a_foreign_import_is_a_missing_one(
    api: httpx.Client, web: httpx.Client, credentials: dict[str, Any]
) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    token = credentials["other"]["plannr"]["token"]
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in (("GET", ""), ("POST", "map/"), ("POST", "start/")):
        answer = web.request(method, f"{PATH}/{path}{uuid}", headers=headers)
        assert (answer.status_code, answer.json()) == (404, {"message": "Import not found."})


def test_the_account_may_be_left_out_but_not_be_another(
    api: httpx.Client, credentials: dict[str, Any]
) -> None:
    name = "X-PLANNR-ACCOUNT-UUID"
    mine, other = (c["plannr"]["account_uuid"] for c in (credentials, credentials["other"]))
    assert api.get(PATH, headers={name: mine.upper()}).status_code == 200
    assert api.get(PATH, headers={name: ""}).status_code == 200
    for wrong in (other, "17", "x" * 5000):
        answer = api.get(PATH, headers={name: wrong})
        assert (answer.status_code, answer.json()) == (
            403,
            {"message": "This action is unauthorized."},
        )


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Bearer nonsense")],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic YTpi")],
        [("Authorization", "Bearer " + "x" * 10_000)],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("X-Api-Key", "a")],
    ],
)
def test_who_is_unknown_is_unauthenticated(
    web: httpx.Client, headers: list[tuple[str, str]]
) -> None:
    for method, path in (
        ("GET", PATH),
        ("POST", PATH),
        ("GET", f"{PATH}/{UNKNOWN}"),
        ("POST", f"{PATH}/map/{UNKNOWN}"),
        ("POST", f"{PATH}/start/{UNKNOWN}"),
    ):
        answer = web.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


def test_a_token_that_only_looks_may_only_look(
    web: httpx.Client, credentials: dict[str, Any]
) -> None:
    token = credentials["rocketchat"]["plain_auth_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert web.get(PATH, headers=headers).status_code == 200
    for path in (PATH, f"{PATH}/map/{UNKNOWN}", f"{PATH}/start/{UNKNOWN}"):
        answer = web.post(path, headers=headers)
        assert (answer.status_code, answer.json()) == (
            403,
            {"message": "This action is unauthorized."},
        )


def test_what_is_no_endpoint_is_told_in_the_same_shape(api: httpx.Client) -> None:
    for method, path, status in (
        ("DELETE", PATH, 405),
        ("PUT", f"{PATH}/{UNKNOWN}", 405),
        ("GET", f"{PATH}/a/b/c", 404),
    ):
        answer = api.request(method, path)
        assert answer.status_code == status, answer.text
        fits(answer.json(), "error")
        assert list(answer.json()) == ["message"]
    assert api.delete(PATH).headers["allow"]


def test_every_answer_tells_how_many_calls_are_left(api: httpx.Client) -> None:
    for path in (PATH, f"{PATH}/{UNKNOWN}", f"{PATH}?sort=x"):
        headers = api.get(path).headers
        assert headers["x-ratelimit-limit"] == "500"
        assert 0 <= int(headers["x-ratelimit-remaining"]) < 500
