"""The first slice of the native API, through `rowport serve`."""

from __future__ import annotations

import json
import select
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rowport.model.ids import new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

PATIENCE_S = 60.0
MIXED = b"email,Full name,age\na@x.org,Ann,30\nb@x.org,Bob,old\n"
BOUNDARY = "b0und"


@pytest.fixture(scope="module")
def api(home: Home) -> Iterator[httpx.Client]:
    """A client of a running server."""
    server = home.start("serve", "--port", "0", "--json", "--workers", "1")
    assert server.stdout
    line = server.stdout.readline()
    assert line, server.communicate()
    url, headers = json.loads(line)["url"], home.token()
    with httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_S) as client:
        yield client
    server.terminate()
    server.communicate(timeout=PATIENCE_S)
    assert server.returncode == 0


def send(api: httpx.Client, content: bytes = MIXED, **words: str | list[str]) -> httpx.Response:
    """Ask for an import."""
    file = {"file": ("people.csv", content, "text/csv")}
    return api.post("/v1/imports", data={"type": "people", **words}, files=file)


def ended(api: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """Wait for the end of an import."""
    assert answer.status_code == 202, answer.text
    while True:
        imported: dict[str, Any] = api.get(answer.headers["location"]).json()
        if imported["finished_at"]:
            return imported
        time.sleep(0.02)


LATE = (
    b"POST %b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer no\r\n"
    b"Content-Type: application/json\r\nContent-Length: 20\r\n\r\n"
)


@pytest.mark.parametrize(("path", "status"), [(b"/v1/imports", b" 401 "), (b"/nowhere", b" 404 ")])
def test_a_connection_outlives_a_body_that_comes_late_and_unwanted(
    api: httpx.Client, path: bytes, status: bytes
) -> None:
    place = (api.base_url.host, api.base_url.port or 80)
    with socket.create_connection(place, timeout=PATIENCE_S) as line:
        for _ in range(20):
            line.sendall(LATE % path)
            ready, _, _ = select.select([line], [], [], 0.02)  # the server may answer at once
            line.sendall(b"x" * 20)
            assert status in line.recv(65536), ready


def assert_problem(answer: httpx.Response, status: int, said: str) -> dict[str, Any]:
    """See that the answer is a problem document that says what is wrong."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert said in document["detail"], document
    assert {"type", "title", "detail", "code", "retryable"} <= document.keys()
    return document


def test_the_server_is_alive_and_ready(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    ready = api.get("/readyz").json()
    assert ready["status"] == "ready"
    assert ready["workers"] >= 0


def test_a_file_sent_is_imported(api: httpx.Client, home: Home) -> None:
    answer = send(api)
    created = answer.json()
    assert answer.headers["location"] == f"/v1/imports/{created['id']}"
    imported = ended(api, answer)
    assert imported["result"] == "partial"
    assert imported["counts"]["total"] == 2
    assert imported["counts"]["failed"] == 1
    assert imported["files"][0]["name"] == "people.csv"
    assert home.ask("status", imported["id"]) == imported


def test_every_option_can_be_said(api: httpx.Client) -> None:
    words: dict[str, str | list[str]] = {
        "key": "email",
        "mode": "validate",
        "on_match": "skip",
        "policy": "max_errors=5",
        "map": ["Mail=email", "Who="],
    }
    imported = ended(api, send(api, b"Mail,Who\nz@x.org,Zoe\n", **words))
    assert imported["options"] == {
        "key": ["email"],
        "mode": "validate",
        "on_match": "skip",
        "policy": "max_errors=5",
        "mapping": {"Mail": "email", "Who": ""},
        "format": {},
    }
    assert imported["counts"]["total"] == 1
    assert imported["mapping"] == {"Mail": "email"}


def test_how_the_file_is_read_can_be_said(api: httpx.Client) -> None:
    words: dict[str, str | list[str]] = {
        "encoding": "utf-16-le",
        "delimiter": "~",
        "quote": "",
        "header_row": "2",
    }
    content = "made by us\nemail~Full name\ny@x.org~Zoë, the 1st\n".encode("utf-16-le")
    imported = ended(api, send(api, content, **words))
    assert imported["options"]["format"] == {**words, "header_row": 2}
    assert (imported["result"], imported["counts"]["total"]) == ("succeeded", 1)
    assert_problem(send(api, has_header="no"), 422, "neither true nor false")


def test_imports_are_paged_through_newest_first(api: httpx.Client) -> None:
    made = [send(api).json()["id"] for _ in range(6)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while len(seen) < 6:
        page = api.get("/v1/imports", params={"limit": "2", **cursor}).json()
        assert len(page["items"]) == 2
        seen += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == made[::-1]
    assert len(set(seen)) == len(seen)


def test_the_last_page_says_so(api: httpx.Client) -> None:
    ended(api, send(api))
    assert api.get("/v1/imports", params={"limit": "200"}).json()["next_cursor"] is None


def test_a_large_file_is_taken_whole(api: httpx.Client) -> None:
    lines = b"".join(b"u%d@x.org,%s\n" % (number, b"n" * 90) for number in range(120_000))
    imported = ended(api, send(api, b"email,Full name\n" + lines, mode="validate"))
    assert imported["files"][0]["size_bytes"] > 12_000_000
    assert imported["counts"]["total"] == 120_000


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/imports/17", "UUID"),
        ("/v1/imports/%00", "UUID"),
        ("/v1/imports/%ff%fe", "UUID"),
        ("/v1/imports?limit=0", "1 to 200"),
        ("/v1/imports?limit=201", "1 to 200"),
        ("/v1/imports?limit=%00", "1 to 200"),
        ("/v1/imports?limit=%C2%B2", "1 to 200"),
        ("/v1/imports?limit=1&limit=2", "twice"),
        ("/v1/imports?cursor=", "cursor"),
        ("/v1/imports?cursor=%00", "cursor"),
        ("/v1/imports?cursor=%ff", "cursor"),
        ("/v1/imports?cursor=AAAA", "cursor"),
        ("/v1/imports?status=%00", "unknown here"),
        ("/v1/imports?%00=1", "unknown here"),
    ],
)
def test_a_question_that_cannot_be_is_refused(api: httpx.Client, path: str, said: str) -> None:
    assert_problem(api.get(path), 400, said)


def test_what_is_not_there_is_not_found(api: httpx.Client) -> None:
    missing = assert_problem(api.get(f"/v1/imports/{new_uuid()}"), 404, "There is no import")
    assert missing["type"] == "urn:rowport:problem:import_not_found"
    assert_problem(api.get("/v1/nothing"), 404, "")
    assert_problem(api.delete("/v1/imports"), 405, "")
    assert_problem(send(api, type="nobody"), 404, "no record type 'nobody'")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ({"mode": "guess"}, 422, "upsert"),
        ({"policy": "max_errors=x"}, 422, "whole number"),
        ({"key": "shoe"}, 422, "'shoe' is not a field"),
        ({"map": "email"}, 422, "HEADER=FIELD"),
        ({"map": "email=shoe"}, 422, "no such field"),
        ({"type": ["people", "contacts"]}, 400, "twice"),
        ({"type": "pe\x00ple"}, 400, "NUL"),
        ({"type": "p" * 5000}, 400, "characters"),
        ({"colour": "red"}, 400, "unknown"),
    ],
)
def test_a_form_that_cannot_be_is_refused(
    api: httpx.Client, words: dict[str, Any], status: int, said: str
) -> None:
    assert_problem(send(api, **words), status, said)


def test_an_empty_file_is_refused(api: httpx.Client) -> None:
    assert_problem(send(api, b""), 422, "empty")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"data": {"type": "people"}, "files": {"x": (None, "y")}}, "unknown"),
        ({"files": {"type": (None, "people")}}, "`file` is missing"),
        ({"files": {"file": ("a.csv", b"x")}}, "`type` is missing"),
        ({"files": {"file": (None, "text"), "type": (None, "people")}}, "no file name"),
        ({"files": {"file": ("a.csv", b"x"), "type": ("b.csv", b"people")}}, "not a file"),
        ({"files": [("file", ("a", b"x")), ("file", ("b", b"x"))], "data": {"type": "x"}}, "twice"),
        ({"json": {"type": "people"}}, "`source`"),
        ({"content": b""}, "multipart/form-data"),
    ],
)
def test_a_body_that_is_no_such_form_is_refused(
    api: httpx.Client, form: dict[str, Any], said: str
) -> None:
    assert_problem(api.post("/v1/imports", **form), 400, said)


@pytest.mark.parametrize(
    "body",
    [
        b"garbage",
        b"--b0und\r\n",
        b'--b0und\r\nContent-Disposition: form-data; name="type"\r\n\r\n\xff\xfe\r\n--b0und--\r\n',
        b'--b0und\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b0und--\r\n',
        (
            b'--b0und\r\nContent-Disposition: form-data; name="type"\r\n'
            b"Content-Type: text/plain; charset=klingon\r\n\r\nx\r\n--b0und--\r\n"
        ),
        b'--b0und\r\nContent-Disposition: form-data; name="file"; filename="a',
    ],
)
def test_broken_bytes_are_refused(api: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    assert_problem(api.post("/v1/imports", content=body, headers=headers), 400, "")


@pytest.mark.parametrize("name", ["../../etc/passwd", "CON", "a\u202eb.csv", "x" * 900, "é 株.csv"])
def test_a_file_name_is_data_and_never_a_path(api: httpx.Client, home: Home, name: str) -> None:
    answer = api.post(
        "/v1/imports", data={"type": "people"}, files={"file": (name, MIXED, "text/csv")}
    )
    assert ended(api, answer)["files"][0]["name"] == name
    assert not [path for path in home.path.rglob("*") if name[-9:] in path.name]


def test_a_name_too_long_is_refused(api: httpx.Client) -> None:
    answer = api.post("/v1/imports", data={"type": "people"}, files={"file": ("x" * 2000, MIXED)})
    assert_problem(answer, 400, "name")


def test_rows_come_in_pages(api: httpx.Client) -> None:
    imported = ended(api, send(api, mode="validate"))
    path = f"/v1/imports/{imported['id']}/rows"
    first = api.get(path, params={"limit": 1}).json()
    assert [row["row"] for row in first["items"]] == [1]
    second = api.get(path, params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [(row["row"], row["outcome"]) for row in second["items"]] == [(2, "failed")]
    assert second["items"][0]["errors"][0]["value"] == "old"
    assert second["next_cursor"] is None
    failed = api.get(path, params={"outcome": "failed"}).json()
    assert failed == {"items": second["items"], "next_cursor": None}


@pytest.mark.parametrize(
    "words",
    [{"cursor": "x"}, {"cursor": "AAAA"}, {"outcome": "bad"}, {"limit": "0"}, {"page": "1"}],
)
def test_a_page_of_rows_that_cannot_be_is_refused(api: httpx.Client, words: dict[str, str]) -> None:
    imported = ended(api, send(api, mode="validate"))
    answer = api.get(f"/v1/imports/{imported['id']}/rows", params=words)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"


def test_errors_come_by_kind(api: httpx.Client) -> None:
    imported = ended(api, send(api, mode="validate"))
    told = api.get(f"/v1/imports/{imported['id']}/errors").json()
    [group] = told["items"]
    assert (group["code"], group["field"], group["count"]) == ("type-error", "age", 1)
    assert (group["examples"][0]["row"], group["examples"][0]["value"]) == (2, "old")


@pytest.mark.parametrize("what", ["rows", "errors"])
def test_rows_of_an_import_that_is_not_there_are_not_found(api: httpx.Client, what: str) -> None:
    answer = api.get(f"/v1/imports/{new_uuid()}/{what}")
    assert (answer.status_code, answer.json()["code"]) == (404, "import_not_found")


def test_a_priority_is_given_and_changed(api: httpx.Client) -> None:
    assert_problem(send(api, priority="urgent"), 422, "low, normal, high")
    sent = ended(api, send(api, priority="high"))
    assert sent["priority"] == "high"
    path = f"/v1/imports/{sent['id']}"
    assert_problem(api.patch(path, json={"priority": "low"}), 409, "until it ends")
    assert_problem(api.patch(path, json={"priority": "urgent"}), 422, "low, normal, high")
    assert_problem(api.patch(path, json={"urgency": 3}), 400, "urgency")
    waiting = send(api, b"Full name\nAnn\n").json()
    path = f"/v1/imports/{waiting['id']}"
    assert waiting["priority"] == "normal"
    changed = api.patch(path, json={"priority": "low"})
    assert (changed.status_code, changed.json()["priority"]) == (200, "low")
    assert api.get(path).json()["priority"] == "low"
    api.post(path + "/cancel")
