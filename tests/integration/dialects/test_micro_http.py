"""Micro's API over HTTP, on a real server with real workers."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import psycopg
import pytest
from jsonschema import Draft202012Validator
from tests.conftest import PATIENCE_S, until

import rowport.dialects.micro
from rowport.bootstrap import open_rowport
from rowport.model.imports import ImportOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.dialects.conftest import Served

SCHEMAS: Final = {
    path.stem: Draft202012Validator(json.loads(path.read_text()))
    for path in (Path(rowport.dialects.micro.__file__).parent / "schemas").glob("*.json")
}
JSON: Final = {"content-type": "application/json"}


class Micro:
    """A client that checks every answer against its schema."""

    def __init__(self, url: str, credentials: dict[str, Any]) -> None:
        self.team: str = credentials["team_id"]
        self.object_type: str = credentials["object_type"]
        self.key: str = credentials["api_key"]
        self.http = httpx.Client(base_url=url, timeout=PATIENCE_S)
        self.http.headers["x-api-key"] = self.key

    def ask(self, method: str, path: str, schema: str, **options: Any) -> httpx.Response:  # noqa: ANN401  httpx'
        answer = self.http.request(method, f"/v2/prism/{self.team}/{path}", **options)
        checked(answer, schema)
        return answer

    def create(
        self,
        objects: list[Any],
        *,
        object_type: str | None = None,
        key: str | None = None,
        **options: Any,  # noqa: ANN401  the API's
    ) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        body = {"objects": [{"default": each} for each in objects], "options": options}
        path = f"{object_type or self.object_type}/import"
        return self.ask("POST", path, "job", json=body, headers=headers)

    def job(self, job_id: str) -> httpx.Response:
        return self.ask("GET", f"imports/{job_id}", "job")

    def ended(self, created: httpx.Response) -> dict[str, Any]:
        assert created.status_code == 202, created.text
        seen: list[int] = []

        def is_over() -> bool:
            document = self.http.get(created.headers["location"]).json()
            seen.append(document["processed"])
            return bool(document["status"] != "processing")

        until(is_over)
        assert seen == sorted(seen)
        document: dict[str, Any] = self.job(created.json()["job_id"]).json()
        return document


def checked(answer: httpx.Response, schema: str) -> None:
    """See that an answer is what its schema allows, and bears its id."""
    SCHEMAS[schema if answer.is_success else "error"].validate(answer.json())
    assert answer.headers["x-request-id"]
    if answer.is_error:
        assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


def person(email: str | None = None, **more: object) -> dict[str, object]:
    """A contact nobody else made."""
    return {"first_name": "A", "last_name": "B", "email": email or fresh(), **more}


def fresh() -> str:
    return f"{uuid.uuid4().hex}@example.org"


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture(scope="module")
def micro(dialect_server: Served) -> Iterator[Micro]:
    made = Micro(dialect_server.url, dialect_server.credentials["micro"])
    with made.http:
        yield made


@pytest.fixture(scope="module")
def other(dialect_server: Served) -> Iterator[Micro]:
    made = Micro(dialect_server.url, dialect_server.credentials["other"]["micro"])
    with made.http:
        yield made


# ------------------------------------------------------------------------------------- creating


def test_a_small_import_is_answered_with_its_results(micro: Micro) -> None:
    answer = micro.create([person(), person(), {"first_name": "no address"}])
    assert answer.status_code == 200
    document = answer.json()
    assert document["job_id"] is None
    assert "expires_at" not in document
    assert [document[k] for k in ("status", "total", "processed", "succeeded", "failed")] == [
        "complete",
        3,
        3,
        2,
        1,
    ]
    assert [r["created"] for r in document["results"]] == [True, True, False]
    assert "email" in document["results"][2]["error"]["message"]


def test_an_import_without_objects_is_complete(micro: Micro) -> None:
    document = micro.create([]).json()
    assert (document["status"], document["total"], document["results"]) == ("complete", 0, [])


def test_an_object_without_any_value_is_a_row_too(micro: Micro) -> None:
    document = micro.create([{}, {"name": None}, {"name": ""}], object_type="organization").json()
    assert document["total"] == document["succeeded"] == 3
    assert [r["created"] for r in document["results"]] == [True] * 3


def test_a_job_whose_rows_all_failed_is_complete(micro: Micro) -> None:
    document = micro.create([{"email": "no address"}, {}]).json()
    assert (document["status"], document["failed"]) == ("complete", 2)


def test_a_small_import_is_not_found_afterwards(micro: Micro, dialect_server: Served) -> None:
    email = fresh()
    micro.create([person(email)])
    with psycopg.connect(dialect_server.database_url) as connection:
        found = connection.execute(
            "SELECT rowport_import FROM data_demo.clients WHERE email = %s", [email]
        ).fetchone()
    assert found
    assert code(micro.job(str(found[0]))) == (404, "not_found")


def test_ninety_nine_rows_are_answered_at_once_and_a_hundred_are_not(micro: Micro) -> None:
    assert micro.create([person() for _ in range(99)]).status_code == 200
    answer = micro.create([person() for _ in range(100)])
    assert answer.status_code == 202
    document = answer.json()
    assert document["status"] == "processing"
    assert document["total"] == 100
    assert answer.headers["location"] == f"/v2/prism/{micro.team}/imports/{document['job_id']}"
    assert document.keys().isdisjoint({"results", "error"})
    micro.ended(answer)


def test_results_stand_in_the_order_of_the_request_across_chunks(micro: Micro) -> None:
    people = [person() if n % 3 else person("no address") for n in range(230)]
    document = micro.ended(micro.create(people))
    assert document["total"] == document["processed"] == 230
    assert [r["created"] for r in document["results"]] == [bool(n % 3) for n in range(230)]
    assert len({r["id"] for r in document["results"] if r["id"]}) == document["succeeded"]


def test_every_object_type_can_be_imported(micro: Micro) -> None:
    values = {
        "identity": {"name": "I", "email": "i@x.org"},
        "organization": {"name": "O", "employees": 3, "tags": ["a", "b"]},
        "action": {"title": "A", "status": "doing", "due_date": "2026-01-31", "is_private": True},
        "document": {"title": "D"},
        "deal": {"name": "D", "value": 1.5},
        "engagement": {"subject": "E", "occurred_at": "2026-01-31T12:00:00Z"},
        "contact": person(),
    }
    for object_type, value in values.items():
        [told] = micro.create([value], object_type=object_type).json()["results"]
        assert told["created"], (object_type, told)


def test_a_select_value_may_be_the_id_of_its_option(micro: Micro) -> None:
    found = micro.ask("GET", "deal/properties", "properties").json()
    [stage] = [p for p in found.values() if p["slug"] == "stage"]
    ids = [option["id"] for option in stage["options"]]
    [told, wrong] = micro.create(
        [{"name": "D", "stage": ids[0]}, {"stage": "never"}], object_type="deal"
    ).json()["results"]
    assert told["created"]
    assert "stage" in wrong["error"]["message"] or "never" in wrong["error"]["message"]


# -------------------------------------------------------------------------------------- dedupe


def test_a_hit_leaves_the_record_unchanged(micro: Micro, dialect_server: Served) -> None:
    email = fresh()
    [made] = micro.create([person(email)], dedupe_by="email").json()["results"]
    document = micro.create([person(email, first_name="Z")], dedupe_by="email").json()
    assert document["results"] == [{"id": made["id"], "created": False, "existing": True}]
    assert document["succeeded"] == 1
    with psycopg.connect(dialect_server.database_url) as connection:
        query = "SELECT first_name FROM data_demo.clients WHERE rowport_id = %s"
        assert connection.execute(query, [made["id"]]).fetchone() == ("A",)


def test_an_equal_key_in_one_request_is_existing_with_the_first_rows_id(micro: Micro) -> None:
    email = fresh()
    first, second, third = micro.create(
        [person(email), person(), person(email)], dedupe_by="email"
    ).json()["results"]
    assert third == {"id": first["id"], "created": False, "existing": True}
    assert second["id"] != first["id"]


def test_case_and_blanks_make_no_difference_unless_asked_for(micro: Micro) -> None:
    name = uuid.uuid4().hex
    rows: list[Any] = [{"name": f"Straße {name}"}, {"name": f" STRASSE {name.upper()} "}]
    folded = micro.create(rows, object_type="organization", dedupe_by="name").json()["results"]
    assert [r["existing"] for r in folded] == [False, True]
    exact = micro.create(
        rows, object_type="organization", dedupe_by="name", caseInsensitive=False
    ).json()["results"]
    assert [r["existing"] for r in exact] == [True, False]


def test_a_row_without_the_value_is_created(micro: Micro) -> None:
    rows: list[Any] = [{"name": "x"}, {"name": "y", "domain": None}]
    for _ in range(2):
        told = micro.create(rows, object_type="organization", dedupe_by="domain").json()["results"]
        assert [r["created"] for r in told] == [True, True]


def test_equal_keys_far_apart_are_one_record(micro: Micro) -> None:
    emails = [fresh() for _ in range(120)]
    rows = [person(email) for email in emails] + [person(email.upper()) for email in emails]
    results = micro.ended(micro.create(rows, dedupe_by="email"))["results"]
    assert all(r["created"] for r in results[:120])
    assert [r["id"] for r in results[120:]] == [r["id"] for r in results[:120]]
    assert all(r["existing"] for r in results[120:])


def test_without_a_dedupe_key_a_taken_key_fails_its_row_alone(micro: Micro) -> None:
    email = fresh()
    micro.create([person(email)])
    again, new = micro.create([person(email), person()]).json()["results"]
    assert again["error"]["code"] == "record_exists"
    assert new["created"]


# ----------------------------------------------------------------------------------------- jobs


def test_a_job_of_another_team_is_not_found(micro: Micro, other: Micro) -> None:
    created = micro.create([person() for _ in range(100)])
    job_id = created.json()["job_id"]
    theirs = other.job(job_id)
    missing = other.job(str(uuid.uuid4()))
    assert code(theirs) == code(missing) == (404, "not_found")
    assert theirs.json()["error"]["message"] == missing.json()["error"]["message"]
    micro.ended(created)


@pytest.mark.parametrize("job_id", ["x", "%00", "1" * 5000, "..%2f", "%ff", "{}", "0" * 32])
def test_what_is_no_id_is_not_found(micro: Micro, job_id: str) -> None:
    assert code(micro.job(job_id)) == (404, "not_found")


def test_a_job_is_gone_after_seven_days(micro: Micro, dialect_server: Served) -> None:
    created = micro.create([person() for _ in range(100)])
    document = micro.ended(created)
    with psycopg.connect(dialect_server.database_url) as connection:
        change = "UPDATE rowport.imports SET created_at = created_at - %s::interval WHERE id = %s"
        connection.execute(change, ["6 days 23 hours", document["job_id"]])
        connection.commit()
        assert micro.job(document["job_id"]).status_code == 200
        connection.execute(change, ["1 hour", document["job_id"]])
        connection.commit()
    assert code(micro.job(document["job_id"])) == (404, "not_found")


def test_an_import_of_the_native_api_is_a_job_too(micro: Micro, dialect_server: Served) -> None:
    token = dialect_server.credentials["native"]["token"]
    content = f"email,first_name\n{fresh()},A\nno address,B\n"
    answer = micro.http.post(
        "/v1/imports",
        data={"type": "clients"},
        files={"file": ("c.csv", content, "text/csv")},
        headers={"authorization": f"Bearer {token}"},
    )
    job_id = answer.json()["id"]
    until(lambda: micro.job(job_id).json()["status"] == "complete")
    document = micro.job(job_id).json()
    assert (document["succeeded"], document["failed"]) == (1, 1)
    assert [r["created"] for r in document["results"]] == [True, False]


def test_a_draft_is_not_shown_and_a_canceled_job_has_failed(
    micro: Micro, dialect_server: Served
) -> None:
    url, home = dialect_server.database_url, dialect_server.home.path
    with open_rowport(home=home, database_url=url, migrate=False) as engine:
        team = uuid.UUID(micro.team)
        draft = engine.services.preparing.draft(team, "clients", options=ImportOptions())
        assert micro.job(str(draft.id)).status_code == 404
        engine.services.imports.cancel(team, draft.id)
    told = micro.job(str(draft.id)).json()
    assert (told["status"], told["error"]["code"]) == ("failed", "canceled")


# ---------------------------------------------------------------------------------- idempotency


def test_the_same_request_under_a_key_is_answered_alike(micro: Micro) -> None:
    people, key = [person()], str(uuid.uuid4())
    first = micro.create(people, key=key)
    again = micro.create(people, key=key)
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)


def test_a_replay_of_a_large_import_leads_to_the_same_job(micro: Micro) -> None:
    people, key = [person() for _ in range(100)], "k" * 255
    first = micro.create(people, key=key)
    again = micro.create(people, key=key)
    assert again.status_code == 202
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replay"] == "true"
    micro.ended(first)


def test_a_key_used_with_another_body_is_a_mismatch(micro: Micro) -> None:
    key = str(uuid.uuid4())
    micro.create([person()], key=key)
    answer = micro.create([person()], key=key)
    assert code(answer) == (409, "idempotency_key_mismatch")
    assert answer.headers["x-should-retry"] == "false"


def test_a_request_that_was_refused_keeps_no_answer(micro: Micro) -> None:
    key = str(uuid.uuid4())
    assert code(micro.create([{"nope": 1}], key=key)) == (400, "invalid_request")
    assert micro.create([person()], key=key).status_code == 200


def test_teams_share_no_keys(micro: Micro, other: Micro) -> None:
    key = str(uuid.uuid4())
    micro.create([person()], key=key)
    assert "idempotent-replay" not in other.create([person()], key=key).headers


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_that_is_too_short_or_too_long_is_refused(micro: Micro, key: str) -> None:
    answer = micro.create([person()], key=key)
    assert code(answer) == (400, "invalid_request")
    assert answer.json()["error"]["errors"][0]["field"] == ".headers.idempotency-key"


# --------------------------------------------------------------------------------------- errors


def test_without_a_key_nobody_is_let_in(micro: Micro, dialect_server: Served) -> None:
    path = f"/v2/prism/{micro.team}/imports/{uuid.uuid4()}"
    native = dialect_server.credentials["native"]["token"]
    url = dialect_server.url + path
    for headers, status in [
        ({}, 401),
        ({"x-api-key": ""}, 401),
        ({"authorization": f"Bearer {micro.key}"}, 401),
        ({"authorization": f"Bearer {native}"}, 401),
        ({"x-api-key": "rp_wrong"}, 403),
        ({"x-api-key": "x" * 10_000}, 401),
    ]:
        answer = httpx.get(url, headers=headers)
        checked(answer, "job")
        assert answer.status_code == status, headers


def test_a_key_of_another_team_is_forbidden(micro: Micro, other: Micro) -> None:
    path = f"/v2/prism/{other.team}/contact/import"
    assert code(micro.http.post(path, json={"objects": []})) == (403, "forbidden")
    unknown = f"/v2/prism/{uuid.uuid4()}/contact/import"
    assert code(micro.http.post(unknown, json={"objects": []})) == (403, "forbidden")


@pytest.mark.parametrize("team", ["x", "%00", "%ff", "9" * 3000])
def test_a_team_that_is_no_uuid_is_refused(micro: Micro, team: str) -> None:
    answer = micro.http.get(f"/v2/prism/{team}/properties")
    checked(answer, "properties")
    assert code(answer) == (400, "invalid_request")


@pytest.mark.parametrize("object_type", ["event", "comment", "nope", "%00", "CONTACT"])
def test_an_unknown_object_type_is_not_found(micro: Micro, object_type: str) -> None:
    assert code(micro.create([], object_type=object_type)) == (404, "not_found")
    assert code(micro.ask("GET", f"{object_type}/properties", "properties"))[0] == 404


@pytest.mark.parametrize("body", ["", "{", "[]", '{"objects": 1}', '{"objects": [{"default": 1}]}'])
def test_a_malformed_body_is_refused_with_its_places(micro: Micro, body: str) -> None:
    answer = micro.ask("POST", "contact/import", "job", content=body, headers=JSON)
    assert code(answer) == (400, "invalid_request")
    assert answer.json()["error"]["errors"][0]["field"].startswith(".body")


def test_an_unknown_slug_is_refused_where_it_stands(micro: Micro) -> None:
    answer = micro.create([person(), person(nope=1)])
    assert code(answer) == (400, "invalid_request")
    [issue] = answer.json()["error"]["errors"]
    assert issue["field"] == ".body.objects[1].default.nope"


def test_too_many_rows_or_bytes_are_refused(micro: Micro) -> None:
    many = micro.create([{}] * 10_001)
    assert code(many) == (413, "payload_too_large")
    large = b" " * (10 * 1024 * 1024) + b'{"objects": []}'
    answer = micro.ask("POST", "contact/import", "job", content=large, headers=JSON)
    assert code(answer) == (413, "payload_too_large")


def test_a_body_that_is_no_json_by_its_own_word_is_refused(micro: Micro) -> None:
    answer = micro.ask("POST", "contact/import", "job", data={"objects": "1"})
    assert code(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("GET", "contact/import", (405, "method_not_allowed")),
        ("DELETE", "imports/x", (405, "method_not_allowed")),
        ("GET", "imports", (404, "not_found")),
        ("GET", "", (404, "not_found")),
        ("GET", "a/b/c/d", (404, "not_found")),
    ],
)
def test_errors_of_http_itself_come_in_the_envelope(
    micro: Micro, method: str, path: str, wanted: tuple[int, str]
) -> None:
    assert code(micro.ask(method, path, "job")) == wanted


@pytest.mark.parametrize("path", ["/v2", "/v2/realtime/ticket", "/v2/prism", "/v2//prism/"])
def test_no_error_of_its_version_comes_in_another_envelope(micro: Micro, path: str) -> None:
    answer = micro.http.post(path)
    checked(answer, "job")
    assert code(answer) == (404, "not_found")


def test_an_id_of_the_client_is_echoed(micro: Micro) -> None:
    headers = {"x-request-id": "abc-1"}
    fine = micro.ask("GET", "properties", "all_properties", headers=headers)
    assert fine.headers["x-request-id"] == "abc-1"
    missing = micro.ask("GET", f"imports/{uuid.uuid4()}", "job", headers=headers)
    assert missing.json()["error"]["request_id"] == "abc-1"


@pytest.mark.parametrize(
    "value", ["a\u0000b", "\ud800", "=1+1", "'quoted", "a\nb", "🦀", "x" * 99_999]
)
def test_odd_values_cost_at_most_their_own_row(micro: Micro, value: str) -> None:
    body = json.dumps({"objects": [{"default": person(first_name=value)}, {"default": person()}]})
    answer = micro.ask("POST", "contact/import", "job", content=body, headers=JSON)
    if answer.status_code == 400:
        assert value == "\ud800"  # no Unicode text, so no JSON text that could be kept
    else:
        assert answer.json()["results"][1]["created"]


# ----------------------------------------------------------------------------------- properties


def test_the_properties_of_a_contact_are_the_fields_of_clients(micro: Micro) -> None:
    found = micro.ask("GET", "contact/properties", "properties").json()
    slugs = [p["slug"] for p in found.values()]
    assert slugs == ["first_name", "last_name", "email"]
    every = micro.ask("GET", "properties", "all_properties").json()
    assert every["contact"] == found
    assert len(every) == 7


def test_properties_can_be_searched(micro: Micro) -> None:
    found = micro.ask("GET", "contact/properties", "properties", params={"term": "MAIL"}).json()
    assert [p["slug"] for p in found.values()] == ["email"]
    bad = micro.ask("GET", "contact/properties", "properties", params={"list_id": "x"})
    assert code(bad) == (400, "invalid_request")
