"""Imports made of uploads and rows, prepared before they run, and what they leave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rowport.model.ids import new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

PATIENCE_S = 60.0
MIXED = b"email,Full name,age\na@x.org,Ann,30\nb@x.org,Bob,old\n"
PART = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
WAIT = {"Prefer": "respond-async, wait=30"}


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


def upload(api: httpx.Client, content: bytes, *, size: int | None = None) -> str:
    """Make an upload; give its id."""
    length = str(len(content) if size is None else size)
    made = api.post("/v1/uploads", headers={**PART, "Upload-Length": length}, content=content)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def create(api: httpx.Client, *, wait: bool = True, **body: Any) -> httpx.Response:  # noqa: ANN401  JSON
    """Ask for an import of people."""
    return api.post("/v1/imports", json={"type": "people", **body}, headers=WAIT if wait else {})


def ended(api: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """Wait for the end of an import."""
    document: dict[str, Any] = answer.json()
    while document["finished_at"] is None:
        document = api.get(f"/v1/imports/{document['id']}").json()
    return document


def settled(api: httpx.Client, answer: httpx.Response, state: str) -> httpx.Response:
    """Wait until an import is in a state."""
    assert answer.status_code == 202, answer.text
    while (found := api.get(answer.headers["location"])).json()["state"] != state:
        assert found.json()["finished_at"] is None, found.text
    return found


def test_an_upload_is_imported_and_both_go_their_own_ways(api: httpx.Client) -> None:
    identity = upload(api, MIXED)
    answer = create(api, source={"upload": identity}, name="Spring", mode="validate")
    imported = ended(api, answer)
    assert (imported["name"], imported["result"]) == ("Spring", "partial")
    assert imported["files"][0]["sha256"] == api.get(f"/v1/uploads/{identity}").json()["sha256"]
    assert create(api, source={"upload": identity}, mode="validate").status_code in {200, 202}
    gone = api.delete(f"/v1/uploads/{identity}", headers={"Tus-Resumable": "1.0.0"})
    assert gone.status_code == 204
    assert api.get(f"/v1/imports/{imported['id']}/artifacts/original").content == MIXED
    assert create(api, source={"upload": identity}).json()["code"] == "upload_not_found"


def test_an_upload_that_is_not_whole_is_not_imported(api: httpx.Client) -> None:
    refused = create(api, source={"upload": upload(api, b"email\n", size=9)})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "6 of its 9 bytes" in refused.json()["detail"]


def test_rows_are_imported_and_the_answer_waits_for_their_end(api: httpx.Client) -> None:
    rows = [{"email": "r1@x.org", "age": 7}, {"email": "r2@x.org", "age": "old"}]
    answer = create(api, source={"rows": rows})
    assert answer.headers["preference-applied"] == "wait=30"
    assert answer.status_code in {200, 202}  # 202 where 30 seconds were not enough
    imported = ended(api, answer)
    assert (imported["counts"]["created"], imported["counts"]["failed"]) == (1, 1)
    assert answer.headers["location"] == f"/v1/imports/{imported['id']}"


def test_one_that_does_not_wait_is_told_when_to_look(api: httpx.Client) -> None:
    answer = create(api, wait=False, source={"rows": [{"email": "s@x.org"}]}, mode="validate")
    assert answer.status_code == 202
    assert 1 <= int(answer.headers["retry-after"]) <= 30
    ended(api, answer)
    last = api.get(answer.headers["location"])
    assert "retry-after" not in last.headers
    same = api.get(answer.headers["location"], headers={"If-None-Match": last.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == last.headers["etag"]


def test_every_option_can_be_said_in_json(api: httpx.Client) -> None:
    told: dict[str, Any] = {
        "key": ["email"],
        "mode": "validate",
        "on_match": "skip",
        "policy": "max_errors=5",
        "mapping": {"Mail": "email", "Who": None},
        "options": {"delimiter": ";", "header_row": 2, "encoding": "utf-8"},
        "priority": "high",
    }
    content = b"made by us\nMail;Who\nz@x.org;Zoe\n"
    imported = ended(api, create(api, source={"upload": upload(api, content)}, **told))
    assert imported["options"] == {
        "key": ["email"],
        "mode": "validate",
        "on_match": "skip",
        "policy": "max_errors=5",
        "mapping": {"Mail": "email", "Who": ""},
        "format": {"delimiter": ";", "header_row": 2, "encoding": "utf-8"},
    }
    assert (imported["priority"], imported["counts"]["total"]) == ("high", 1)


def test_one_is_named_mapped_and_started_by_hand(api: httpx.Client) -> None:
    source = {"upload": upload(api, b"Adresse\nm@x.org\n")}
    waiting = settled(api, create(api, wait=False, source=source, start="manual"), "needs_mapping")
    path, tag = f"/v1/imports/{waiting.json()['id']}", waiting.headers["etag"]
    early = api.post(f"{path}/start")
    assert (early.status_code, early.json()["code"]) == (422, "mapping_incomplete")
    change = {"name": "By hand", "mapping": {"Adresse": "email"}}
    mapped = api.patch(path, json=change, headers={"If-Match": tag})
    assert mapped.status_code == 200, mapped.text
    assert (mapped.json()["state"], mapped.json()["name"]) == ("ready", "By hand")
    late = api.patch(path, json={"name": "Late"}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    renamed = api.patch(path, json={"name": "2"}, headers={"If-Match": mapped.headers["etag"]})
    assert renamed.json()["name"] == "2"
    started = api.post(f"{path}/start")
    assert (started.status_code, started.json()["state"]) == (202, "queued")
    assert ended(api, started)["counts"]["created"] == 1
    again = api.post(f"{path}/start")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    assert api.patch(path, json={"mapping": {}}).status_code == 409
    assert api.patch(path, json={"name": "Done"}).json()["name"] == "Done"


def test_a_token_that_may_not_run_may_name_and_map(api: httpx.Client, home: Home) -> None:
    made = ended(api, create(api, source={"rows": [{"email": "t@x.org"}]}, mode="validate"))
    path, headers = f"/v1/imports/{made['id']}", home.token("import:write")
    assert api.patch(path, json={"name": "x"}, headers=headers).status_code == 200
    refused = api.patch(path, json={"priority": "low"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


ROWS = {"rows": [{"email": "a@x.org"}]}


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 400, "#"),
        ({"source": {}}, 400, "#/source"),
        ({"source": {**ROWS, "upload": "x"}}, 400, "#/source"),
        ({"source": {"rows": []}}, 400, "#/source/rows"),
        ({"source": {"rows": [1]}}, 400, "#/source/rows/0"),
        ({"source": {"rows": [{}] * 10_001}}, 400, "#/source/rows"),
        ({"source": {"url": "http://x"}}, 400, "#/source/url"),
        ({"source": ROWS, "colour": 1}, 400, "#/colour"),
        ({"source": ROWS, "options": {"colour": 1}}, 400, "#/options/colour"),
        ({"source": ROWS, "options": {"header_row": 0}}, 400, "#/options/header_row"),
        ({"source": ROWS, "start": "soon"}, 400, "#/start"),
        ({"source": ROWS, "name": ""}, 400, "#/name"),
        ({"source": ROWS, "name": "a\x00"}, 400, "#/name"),
        ({"source": ROWS, "mapping": {"a": "\x00"}}, 400, "#/mapping/a"),
        ({"source": ROWS, "mode": "guess"}, 422, None),
        ({"source": ROWS, "key": ["shoe"]}, 422, None),
        ({"source": ROWS, "priority": "now"}, 422, None),
        ({"source": {"upload": "7"}}, 400, None),
        ({"source": {"upload": "01a2203d-0000-7000-8000-000000000000"}}, 404, None),
        ({"source": ROWS, "type": "nobody"}, 404, None),
    ],
)
def test_a_body_that_cannot_be_is_refused(
    api: httpx.Client, body: dict[str, Any], status: int, pointer: str | None
) -> None:
    answer = create(api, **body)
    assert answer.status_code == status, answer.text
    assert [e["pointer"] for e in answer.json().get("errors", [])] == [pointer] * bool(pointer)


def test_a_cell_with_nul_is_an_error_of_its_row_and_no_more(api: httpx.Client) -> None:
    rows = [{"email": "a\x00@x.org"}, {"email": "fine@x.org"}]
    imported = ended(api, create(api, source={"rows": rows}, mode="validate"))
    assert imported["counts"]["total"] == 2
    assert imported["counts"]["failed"] == 1


@pytest.mark.parametrize("body", [{}, {"colour": 1}, {"name": "a\x00"}, {"mapping": {"a": 1}}])
def test_a_change_that_cannot_be_is_refused(api: httpx.Client, body: dict[str, Any]) -> None:
    assert api.patch(f"/v1/imports/{new_uuid()}", json=body).status_code == 400


def test_what_an_import_leaves_comes_as_files(api: httpx.Client) -> None:
    content = b"email,Full name,age\n=1+1@x.org,=cmd(),old\nf@x.org,Fay,1\n"
    identity = ended(api, create(api, source={"upload": upload(api, content)}))["id"]
    path = f"/v1/imports/{identity}/artifacts"
    failed = api.get(f"{path}/failed.csv")
    assert failed.headers["content-type"] == "text/csv; charset=utf-8"
    assert failed.headers["content-disposition"].startswith("attachment;")
    assert failed.text.splitlines()[1].startswith("'=1+1@x.org,'=cmd(),old,1,2,")
    assert api.get(f"{path}/failed.xlsx").content.startswith(b"PK")
    [row] = api.get(f"{path}/failed.json").json()
    assert row["raw"] == ["=1+1@x.org", "=cmd()", "old"]
    assert [r["row"] for r in api.get(f"{path}/succeeded.json").json()] == [2]
    assert api.get(f"{path}/unprocessed.json").json() == []
    report = api.get(f"{path}/report.json").json()
    assert report["import"] == api.get(f"/v1/imports/{identity}").json()
    assert {group["field"] for group in report["errors"]} >= {"age"}
    original = api.get(f"{path}/original")
    assert original.content == content
    assert original.headers["content-type"].startswith("application/octet-stream")
    assert original.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ("failed.exe", 404),
        ("%00", 404),
        ("original?file=2", 404),
        ("original?file=0", 404),
        ("original?file=x", 400),
        ("failed.csv?file=1", 400),
    ],
)
def test_a_file_that_is_not_there_is_told_so(api: httpx.Client, what: str, status: int) -> None:
    made = ended(api, create(api, source=ROWS, mode="validate"))
    answer = api.get(f"/v1/imports/{made['id']}/artifacts/{what}")
    assert answer.status_code == status, answer.text
    for name in ("original", "failed.csv", "failed.json", "report.json"):
        missing = api.get(f"/v1/imports/{new_uuid()}/artifacts/{name}")
        assert (missing.status_code, missing.json()["code"]) == (404, "import_not_found")
