"""Record types, their templates and records in the native API, through `rowport serve`."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rowport.model.ids import new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

PATIENCE_S = 60.0
SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "sku", "type": "string", "constraints": {"required": True}},
        {"name": "price", "type": "number"},
        {"name": "seen", "type": "datetime"},
        {"name": "color", "type": "string", "constraints": {"enum": ["red", "blue"]}},
    ],
    "primaryKey": ["sku"],
}


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


def put(api: httpx.Client, name: str, **body: Any) -> httpx.Response:  # noqa: ANN401  JSON
    """Put a record type."""
    return api.put(f"/v1/types/{name}", json={"schema": SCHEMA, **body})


def wider(title: str) -> dict[str, Any]:
    """Give the schema with another title in it."""
    return {**SCHEMA, "title": title}


def load(api: httpx.Client, name: str, content: bytes) -> dict[str, Any]:
    """Import a file to its end."""
    sent = api.post("/v1/imports", data={"type": name}, files={"file": ("a.csv", content)})
    assert sent.status_code == 202, sent.text
    while True:
        imported: dict[str, Any] = api.get(sent.headers["location"]).json()
        if imported["finished_at"]:
            return imported
        time.sleep(0.02)


def test_a_type_is_made_changed_and_left_alone(api: httpx.Client, home: Home) -> None:
    made = put(api, "made")
    assert (made.status_code, made.headers["location"]) == (201, "/v1/types/made")
    assert (made.json()["version"], made.json()["key"]) == (1, ["sku"])
    same = put(api, "made")
    assert (same.status_code, same.json()) == (200, made.json())
    assert same.headers["etag"] == made.headers["etag"]
    changed = put(api, "made", schema=wider("Goods"), key=["sku", "color"])
    assert (changed.json()["version"], changed.json()["key"]) == (2, ["sku", "color"])
    assert changed.headers["etag"] != made.headers["etag"]
    assert api.get("/v1/types/made").json() == changed.json()
    assert home.ask("type", "show", "made") == changed.json()


def test_a_version_that_is_known_is_not_sent_again(api: httpx.Client) -> None:
    tag = put(api, "known").headers["etag"]
    again = api.get("/v1/types/known", headers={"If-None-Match": f'"x", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = api.get("/v1/types/known", headers={"If-None-Match": '"x"'})
    assert (other.status_code, other.headers["etag"]) == (200, tag)


def test_nobody_overwrites_what_they_have_not_seen(api: httpx.Client) -> None:
    old = put(api, "guarded").headers["etag"]
    new = put(api, "guarded", schema=wider("2")).headers["etag"]
    path, body = "/v1/types/guarded", {"schema": wider("3")}
    late = api.put(path, json=body, headers={"If-Match": old})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert api.delete(path, headers={"If-Match": old}).status_code == 412
    assert api.put(path, json=body, headers={"If-None-Match": "*"}).status_code == 412
    assert api.get(path).json()["version"] == 2
    assert api.put(path, json=body, headers={"If-Match": new}).json()["version"] == 3
    missing = api.put("/v1/types/unheard", json=body, headers={"If-Match": "*"})
    assert missing.status_code == 412
    assert api.get("/v1/types/unheard").status_code == 404


def test_of_many_who_change_one_version_one_does(api: httpx.Client) -> None:
    tag = put(api, "raced").headers["etag"]

    def change(number: int) -> int:
        body = {"schema": wider(str(number))}
        return api.put("/v1/types/raced", json=body, headers={"If-Match": tag}).status_code

    with ThreadPoolExecutor(6) as crowd:
        assert sorted(crowd.map(change, range(6))) == [200, *[412] * 5]


def test_types_are_paged_through_by_name(api: httpx.Client) -> None:
    for name in ("page.a", "page.b", "page.c"):
        put(api, name)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get("/v1/types", params={"limit": "2", **cursor}).json()
        seen += [each["name"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == sorted(set(seen))
    assert {"people", "contacts", "page.a", "page.b", "page.c"} <= set(seen)


def test_a_type_put_away_keeps_its_records_and_imports(api: httpx.Client) -> None:
    put(api, "gone")
    imported = load(api, "gone", b"sku,price\na,1\n")
    assert api.delete("/v1/types/gone").status_code == 204
    for answer in (
        api.get("/v1/types/gone"),
        api.get("/v1/types/gone/records"),
        api.get("/v1/types/gone/template.csv"),
        api.delete("/v1/types/gone"),
        api.post("/v1/imports", data={"type": "gone"}, files={"file": ("a.csv", b"sku\nb\n")}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "record_type_not_found")
    assert "gone" not in api.get("/v1/types?limit=200").text
    assert api.get(f"/v1/imports/{imported['id']}").json()["counts"]["created"] == 1
    back = put(api, "gone")
    assert (back.status_code, back.json()["version"]) == (201, 1)
    [record] = api.get("/v1/types/gone/records").json()["items"]
    assert record["values"]["sku"] == "a"


def test_a_type_that_others_refer_to_stays(api: httpx.Client) -> None:
    put(api, "target")
    fields = [{"name": "sku", "type": "string"}]
    key = {"fields": "sku", "reference": {"resource": "target", "fields": "sku"}}
    put(api, "pointer", schema={"fields": fields, "foreignKeys": [key]})
    refused = api.delete("/v1/types/target")
    assert (refused.status_code, refused.json()["code"]) == (409, "record_type_in_use")
    assert "pointer" in refused.json()["detail"]
    assert api.delete("/v1/types/pointer").status_code == 204
    assert api.delete("/v1/types/target").status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"schema": {"fields": [{"name": "a", "type": "shoe"}]}}, 422, "#/schema/fields/0/type"),
        (
            {"schema": {"fields": [{"name": "a", "constraints": {"pattern": "("}}]}},
            422,
            "#/schema/fields/0/constraints/pattern",
        ),
        (
            {"schema": {"fields": [{"name": "a", "lookup": {"type": "nobody", "by": "x"}}]}},
            422,
            "#/schema/fields/0/lookup/type",
        ),
        ({"schema": {"fields": []}}, 422, "#/schema/fields"),
        ({"schema": []}, 400, "#/schema"),
        ({"schema": SCHEMA, "key": ["sku", 7]}, 400, "#/key/1"),
        ({"schema": SCHEMA, "colour": 1}, 400, "#/colour"),
        ({"key": []}, 400, "#"),
    ],
)
def test_what_is_wrong_is_pointed_at(
    api: httpx.Client, body: dict[str, Any], status: int, pointer: str
) -> None:
    answer = api.put("/v1/types/wrong", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["detail"]) == (pointer, answer.json()["detail"])
    assert api.get("/v1/types/wrong").status_code == 404


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"method": "PUT", "url": "/v1/types/bad", "content": b"{"}, 400),
        ({"method": "PUT", "url": "/v1/types/bad", "content": b"[" * 100_000}, 400),
        ({"method": "PUT", "url": "/v1/types/bad", "content": b'"\xff"'}, 400),
        ({"method": "PUT", "url": "/v1/types/bad", "content": b" " * (16 * 1024**2 + 1)}, 413),
        ({"method": "PUT", "url": "/v1/types/bad?x=1", "json": {"schema": SCHEMA}}, 400),
        ({"method": "PUT", "url": "/v1/types/b%20d", "json": {"schema": SCHEMA}}, 422),
        ({"method": "PUT", "url": "/v1/types/%00", "json": {"schema": SCHEMA}}, 422),
        ({"method": "PUT", "url": "/v1/types/bad", "data": {"schema": "x"}}, 400),
        ({"method": "GET", "url": "/v1/types/%00"}, 404),
        ({"method": "DELETE", "url": "/v1/types/%00"}, 404),
        ({"method": "GET", "url": "/v1/types/%ff/records"}, 404),
        ({"method": "GET", "url": "/v1/types/people?x=1"}, 400),
        ({"method": "GET", "url": "/v1/types/people", "headers": {"If-None-Match": "x"}}, 400),
        ({"method": "GET", "url": "/v1/types?cursor=%00"}, 400),
        ({"method": "GET", "url": "/v1/types?limit=201"}, 400),
        ({"method": "GET", "url": "/v1/types/people/records?cursor=AAAA"}, 400),
        ({"method": "GET", "url": "/v1/types/people/records?order=x"}, 400),
        ({"method": "GET", "url": "/v1/types/people/records/7"}, 400),
        ({"method": "GET", "url": "/v1/types/people/template.exe"}, 404),
    ],
)
def test_what_cannot_be_asked_is_refused(
    api: httpx.Client, request_: dict[str, Any], status: int
) -> None:
    answer = api.request(**request_)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_records_are_read_as_they_were_loaded(api: httpx.Client) -> None:
    put(api, "goods")
    price = "12345678901234567890.123456789"
    imported = load(
        api, "goods", f"sku,price,seen\na,{price},2026-01-31T12:30:00+02:00\nb,,\nc,3,\n".encode()
    )
    first = api.get("/v1/types/goods/records", params={"limit": 2}).json()
    rest = api.get(
        "/v1/types/goods/records", params={"limit": 2, "cursor": first["next_cursor"]}
    ).json()
    records = [*first["items"], *rest["items"]]
    assert [(r["import_id"], r["row"]) for r in records] == [(imported["id"], n) for n in (1, 2, 3)]
    assert rest["next_cursor"] is None
    assert records[1]["values"] == {"sku": "b", "price": None, "seen": None, "color": None}
    assert records[0]["values"]["seen"] == "2026-01-31T10:30:00+00:00"
    one = api.get(f"/v1/types/goods/records/{records[0]['id']}")
    assert one.json() == records[0]
    assert f'"price":{price}' in one.text
    missing = api.get(f"/v1/types/goods/records/{new_uuid()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "record_not_found")


def test_templates_come_as_files_that_can_be_imported(api: httpx.Client) -> None:
    put(api, "blank")
    text = api.get("/v1/types/blank/template.csv")
    assert text.text == "sku,price,seen,color\r\ntext,1.5,2026-01-31T12:30:00Z,red\r\n"
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    assert text.headers["content-disposition"].startswith("attachment;")
    assert text.headers["x-content-type-options"] == "nosniff"
    book = api.get("/v1/types/blank/template.xlsx").content
    assert load(api, "blank", text.content)["counts"]["created"] == 1
    assert load(api, "blank", book)["counts"]["unchanged"] == 1
    missing = api.get("/v1/types/nobody/template.xlsx")
    assert (missing.status_code, missing.json()["code"]) == (404, "record_type_not_found")
