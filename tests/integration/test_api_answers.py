"""What every answer carries, how often one may ask, and what no log may tell."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from tests.conftest import PATIENCE_S, until

from rowport.bootstrap import open_rowport
from rowport.service.links import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

CANARY = "c4n4ry"
GIVEN = f"rp_{CANARY}_admin_token_of_whoever_runs_it"
STRICT = {
    "fields": [
        {"name": "email", "type": "string", "format": "email", "constraints": {"required": True}},
        {"name": "age", "type": "integer"},
        {"name": "note", "type": "string", "constraints": {"unique": True, "maxLength": 60}},
    ],
    "primaryKey": "email",
}
BAD_ROWS = f"""email,age,note
{CANARY}1@x.org,{CANARY} years,{CANARY} a
{CANARY} no address,2,{CANARY} b
{CANARY}3@x.org,3,{CANARY} c
{CANARY}4@x.org,4,{CANARY} c
{CANARY}5@x.org,5,{CANARY} refused by a trigger
{CANARY}6@x.org,6,"{CANARY} open quote
"""


@contextmanager
def serving(home: Home, **environment: str) -> Iterator[httpx.Client]:
    """Run a server; nothing of what it says is lost."""
    told = replace(home, environment={**home.environment, **environment})
    with told.start("serve", "--port", "0", "--json", "--workers", "1") as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line, process.communicate()
        try:
            with httpx.Client(base_url=json.loads(line)["url"], timeout=PATIENCE_S) as client:
                yield client
        finally:  # also when the test has failed
            process.terminate()
            _, said = process.communicate(timeout=PATIENCE_S)
    (home.path / "logs" / "serve.log").write_text(said)


@pytest.fixture(scope="module")
def api(home: Home) -> Iterator[httpx.Client]:
    with serving(home) as client:
        client.headers.update(home.token())
        yield client


# ------------------------------------------------------------------------------------ headers


@pytest.mark.parametrize("path", ["/healthz", "/v1/imports", "/v1/imports/17", "/nowhere"])
def test_every_answer_is_safe_and_has_an_id(api: httpx.Client, path: str) -> None:
    answers = [api.get(path) for _ in range(2)]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["referrer-policy"] == "no-referrer"
    first, second = (answer.headers["x-request-id"] for answer in answers)
    assert first != second
    kept = {answer.headers.get("cache-control") for answer in answers}
    assert kept == ({"no-store"} if path.startswith("/v1/") else {None})


@pytest.mark.parametrize(
    ("said", "is_kept"), [("job-17.retry_2", True), ("x" * 129, False), ("a b", False), ("", False)]
)
def test_the_asker_may_choose_the_id(api: httpx.Client, said: str, *, is_kept: bool) -> None:
    answer = api.get("/v1/imports", headers={"X-Request-Id": said})
    assert (answer.headers["x-request-id"] == said) is is_kept
    assert answer.headers["x-request-id"]


def test_no_page_of_another_origin_may_read(home: Home, api: httpx.Client) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        api.options("/v1/imports", headers=asked),
        api.get("/v1/imports", headers=asked),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
    friend = "https://app.example"
    with serving(home, ROWPORT_CORS_ORIGINS=friend) as open_to_one:
        for origin, seen in ((friend, friend), ("https://evil.example", None)):
            asked["Origin"] = origin
            for answer in (
                open_to_one.options("/v1/imports", headers=asked),
                open_to_one.get("/v1/imports", headers={**asked, **api.headers}),
                open_to_one.get("/v1/imports", headers=asked),
            ):
                assert answer.headers.get("access-control-allow-origin") == seen
                assert "access-control-allow-credentials" not in answer.headers


# ------------------------------------------------------------------------------------- limits


def test_a_token_and_an_organization_may_call_so_often(home: Home) -> None:
    home.ask("org", "create", "busy")
    tokens = [home.ask("token", "create", "t", "--org", "busy")["secret"] for _ in range(2)]
    one, two = ({"Authorization": f"Bearer {secret}"} for secret in tokens)
    quiet = home.token()
    few = {"ROWPORT_TOKEN_CALLS": "4", "ROWPORT_ORGANIZATION_CALLS": "6"}
    with serving(home, **few) as api:
        for left in (3, 2, 1, 0):
            answer = api.get("/v1/imports", headers=one)
            assert answer.status_code == 200
            assert answer.headers["ratelimit-policy"] == '"token";q=4;w=60, "organization";q=6;w=60'
            assert f'"token";r={left};t=' in answer.headers["ratelimit"]
        refused = api.get("/v1/imports", headers=one)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert "This token may call 4 times a minute" in refused.json()["detail"]
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert refused.json()["retryable"] is True
        more = [api.get("/v1/imports", headers=two).status_code for _ in range(3)]
        assert more == [200, 200, 429]
        assert "organization" in api.get("/v1/imports", headers=two).json()["detail"]
        assert api.get("/v1/imports", headers=quiet).status_code == 200, "another pays for it"
        assert "ratelimit" not in api.get("/healthz").headers
    with serving(home, **few, ROWPORT_RATE_LIMITS="off") as api:
        answers = [api.get("/v1/imports", headers=one) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        assert "ratelimit" not in answers[0].headers


# --------------------------------------------------------------------------------------- logs


def live(home: Home, api: httpx.Client) -> None:
    """Do all that may go wrong with what nobody may read in a log."""
    api.headers["Authorization"] = f"Bearer {GIVEN}"
    put = api.put("/v1/types/canaries", json={"schema": STRICT})
    assert put.status_code == 201, put.text
    database_url = home.ask("db", "url")["database_url"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'not this one: %', NEW; END$$"
        )
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON data_default.canaries FOR EACH ROW"
            " WHEN (NEW.note LIKE '%refused%') EXECUTE FUNCTION public.refuse()"
        )
    for _ in range(2):
        page = ended(api, send(api, BAD_ROWS))
        assert CANARY in json.dumps(page), "the canary is where it belongs"
    ended(api, send(api, BAD_ROWS.replace("email", f"{CANARY} header")))
    send(api, f'{{"{CANARY}": ', name=f"{CANARY}.json")
    api.post("/v1/imports", data={"type": CANARY, "key": CANARY}, files={"file": (CANARY, b"x")})
    api.put(f"/v1/types/{CANARY}", json={"schema": {"fields": CANARY}})
    api.get("/v1/imports", headers={"Authorization": f"Bearer rp_{CANARY}"})
    api.get("/v1/imports", headers={"Authorization": f"Basic {CANARY}"})
    api.put("/v1/webhooks/w", json={"url": f"http://127.0.0.1:9/?{CANARY}"})
    api.post("/v1/webhooks/w/test")
    api.get(f"/v1/files/{CANARY}.{CANARY}")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE rowport.webhooks RENAME COLUMN url TO gone")
        answer = api.put("/v1/webhooks/w2", json={"url": f"http://127.0.0.1:9/?{CANARY}"})
        assert answer.status_code == 500, "the log should have something to tell"
        assert CANARY not in answer.text
        connection.execute("ALTER TABLE rowport.webhooks RENAME COLUMN gone TO url")


def send(api: httpx.Client, content: str, *, name: str = "c.csv") -> httpx.Response:
    return api.post("/v1/imports", data={"type": "canaries"}, files={"file": (name, content)})


def ended(api: httpx.Client, answer: httpx.Response) -> Any:  # noqa: ANN401  JSON
    """Wait until an import rests; give its rows."""
    assert answer.status_code == 202, answer.text
    path = answer.headers["location"]
    until(lambda: api.get(path).json()["state"] in {"completed", "failed", "needs_mapping"})
    return api.get(path).json() | api.get(f"{path}/rows").json()


def test_no_log_tells_a_token_or_a_cell(home: Home) -> None:
    debug = {
        "ROWPORT_LOG": "debug",
        "ROWPORT_ADMIN_TOKEN": GIVEN,
        "ROWPORT_OUTBOUND_ALLOW": "127.0.0.1:9",
    }
    with serving(home, **debug) as api:
        live(home, api)
        with open_rowport(home=home.path, database_url=None) as rowport:
            link = rowport.services.links.sign(
                Link(
                    organization_id=rowport.organization.id,
                    kind="template",
                    subject="canaries",
                    form="csv",
                    file_name=f"{CANARY}.csv",
                )
            )
        assert api.get(f"/v1/files/{link}").status_code == 200
        asked = api.get("/v1/imports", headers={"X-Request-Id": "told-in-the-log"})
        assert asked.status_code == 200
    texts = {
        path.relative_to(home.path): path.read_text(errors="replace")
        for path in home.path.rglob("*.log*")
    }
    api_log = next(text for path, text in texts.items() if path.name == "api.log")
    assert "told-in-the-log: GET /v1/imports: 200" in api_log
    assert "PUT '/v1/webhooks/w2': UndefinedColumn" in api_log
    assert {path.name for path in texts} >= {"api.log", "worker.log", "serve.log"}
    for path, text in texts.items():
        assert CANARY not in text, (path, [line for line in text.splitlines() if CANARY in line])
        assert link not in text, path
        assert "whsec_" not in text, path
