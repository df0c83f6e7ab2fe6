"""Micro under pressure: its limits, its prefix, much at once, and very many rows."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from litestar.testing import TestClient
from tests.conftest import PATIENCE_S, until

from rowport.api.app import create_app
from rowport.api.mounting import Mounted
from rowport.bootstrap import Rowport, open_rowport
from rowport.dialects.micro import creating, dialect
from rowport.model.access import Scope
from rowport.wire.dialect import Front
from rowport.wire.limits import Limiter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.dialects.conftest import Served

MONTH_S = 30 * 24 * 3600
PREFIX = "/behind/proxy"


class Clock:
    """A clock that stands still until it is told to go."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def rowport(dialect_server: Served) -> Iterator[Rowport]:
    """The engine behind the server."""
    home = dialect_server.home.path
    with open_rowport(home=home, database_url=dialect_server.database_url) as opened:
        yield opened


def key_of(rowport: Rowport, team: str, *scopes: Scope) -> str:
    """Give a new API key."""
    services = rowport.services
    organization = services.access.ensure_organization(
        "demo", "Demo organization", time_zone="Asia/Calcutta"
    )
    assert str(organization.id) == team
    user = services.access.ensure_user(organization, email="micro@demo.example")
    return services.access.issue(user, name="test", scopes=frozenset(scopes)).secret


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(rowport: Rowport, clock: Clock) -> Iterator[TestClient[Any]]:
    """Our own server behind a prefix, with limits by the test's clock."""
    app = create_app(
        services=rowport.services,
        count_workers=rowport.alive_workers,
        front=Front(services=rowport.services, limiter=Limiter(is_on=True, clock=clock)),
        dialects=[Mounted(dialect=dialect(), prefix=PREFIX)],
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_ten_calls_a_second_and_a_thousand_a_month_are_let_through(
    rowport: Rowport, here: TestClient[Any], clock: Clock, credentials: dict[str, Any]
) -> None:
    team = credentials["micro"]["team_id"]
    path = f"{PREFIX}/v2/prism/{team}/imports/{uuid.uuid4()}"
    headers = {"x-api-key": key_of(rowport, team, Scope.IMPORT_READ)}
    for _ in range(100):
        burst = [here.get(path, headers=headers) for _ in range(11)]
        assert [answer.status_code for answer in burst] == [404] * 10 + [429]
        assert burst[-1].headers["retry-after"] == "1"
        clock.now += 1
    refused = here.get(path, headers=headers)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == MONTH_S - 100
    another = {"x-api-key": key_of(rowport, team, Scope.IMPORT_READ)}
    assert here.get(path, headers=another).status_code == 404


def test_a_key_may_do_only_what_its_scopes_say(
    rowport: Rowport, here: TestClient[Any], credentials: dict[str, Any]
) -> None:
    team = credentials["micro"]["team_id"]
    root = f"{PREFIX}/v2/prism/{team}"
    reader = {"x-api-key": key_of(rowport, team, Scope.IMPORT_READ)}
    writer = {"x-api-key": key_of(rowport, team, Scope.IMPORT_WRITE)}
    assert here.get(f"{root}/properties", headers=reader).status_code == 200
    assert here.get(f"{root}/properties", headers=writer).status_code == 403
    for headers in (reader, writer):
        answer = here.post(f"{root}/contact/import", headers=headers, json={"objects": []})
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "forbidden"


def test_behind_a_prefix_the_location_bears_it(
    rowport: Rowport, here: TestClient[Any], credentials: dict[str, Any]
) -> None:
    team = credentials["micro"]["team_id"]
    scopes = (Scope.IMPORT_READ, Scope.IMPORT_WRITE, Scope.IMPORT_RUN)
    headers = {"x-api-key": key_of(rowport, team, *scopes)}
    rows = [{"default": {"email": f"{uuid.uuid4().hex}@x.org"}} for _ in range(100)]
    path = f"{PREFIX}/v2/prism/{team}/contact/import"
    answer = here.post(path, headers=headers, json={"objects": rows})
    assert answer.status_code == 202
    assert answer.headers["location"].startswith(f"{PREFIX}/v2/prism/{team}/imports/")
    assert here.get(answer.headers["location"], headers=headers).status_code == 200


def test_a_small_import_that_takes_too_long_is_answered_as_a_large_one(
    rowport: Rowport,
    here: TestClient[Any],
    credentials: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(creating, "PATIENCE_S", 0.0)
    team = credentials["micro"]["team_id"]
    scopes = (Scope.IMPORT_READ, Scope.IMPORT_WRITE, Scope.IMPORT_RUN)
    headers = {"x-api-key": key_of(rowport, team, *scopes)}
    body = {"objects": [{"default": {"email": f"{uuid.uuid4().hex}@x.org"}}]}
    answer = here.post(f"{PREFIX}/v2/prism/{team}/contact/import", headers=headers, json=body)
    assert answer.status_code == 202
    assert answer.json()["status"] == "processing"
    assert "results" not in answer.json()
    assert here.get(answer.headers["location"], headers=headers).status_code == 200


def test_a_revoked_key_is_forbidden(
    rowport: Rowport, here: TestClient[Any], credentials: dict[str, Any]
) -> None:
    team = credentials["micro"]["team_id"]
    secret = key_of(rowport, team, Scope.IMPORT_READ)
    path = f"{PREFIX}/v2/prism/{team}/properties"
    assert here.get(path, headers={"x-api-key": secret}).status_code == 200
    token = rowport.services.access.authenticate(secret).token_id
    rowport.services.access.revoke(uuid.UUID(team), token)
    assert here.get(path, headers={"x-api-key": secret}).status_code == 403


def test_what_nobody_foresaw_comes_in_the_envelope(
    rowport: Rowport, here: TestClient[Any], credentials: dict[str, Any]
) -> None:
    team = credentials["micro"]["team_id"]
    headers = {"x-api-key": key_of(rowport, team, Scope.IMPORT_READ)}
    rowport.services.record_types.set_attributes(
        uuid.UUID(team), "micro_deal", {"micro": {"object_type": "deal", "lists": {"x": 1}}}
    )
    answer = here.get(f"{PREFIX}/v2/prism/{team}/deal/properties", headers=headers)
    rowport.services.record_types.set_attributes(
        uuid.UUID(team), "micro_deal", {"micro": {"object_type": "deal"}}
    )
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"


def together(dialect_server: Served, bodies: list[Any], **headers: str) -> list[httpx.Response]:
    """Send requests at the same time."""
    micro = dialect_server.credentials["micro"]
    url = f"{dialect_server.url}/v2/prism/{micro['team_id']}/contact/import"
    told = {"x-api-key": micro["api_key"], **headers}

    def send(body: object) -> httpx.Response:
        return httpx.post(url, json=body, headers=told, timeout=PATIENCE_S)

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(send, bodies))


def test_the_same_request_sent_twice_at_once_is_done_once(dialect_server: Served) -> None:
    body = {"objects": [{"default": {"email": f"{uuid.uuid4().hex}@x.org"}}]}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answers = together(dialect_server, [body] * 4, **key)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    replays = [answer.headers.get("idempotent-replay") for answer in answers]
    assert sorted(map(str, replays)) == ["None", "true", "true", "true"]


def test_the_same_person_sent_by_many_at_once_is_one_record(dialect_server: Served) -> None:
    email = f"ann{uuid.uuid4().hex}@x.org"
    spelled = [email, email.upper(), email.title(), f" {email} "]
    bodies = [
        {"objects": [{"default": {"email": each}}], "options": {"dedupe_by": "email"}}
        for each in (spelled[0], spelled[1], spelled[2], spelled[0])
    ]
    results = [answer.json()["results"][0] for answer in together(dialect_server, bodies)]
    assert sorted(result["created"] for result in results) == [False, False, False, True]
    assert len({result["id"] for result in results}) == 1


def test_very_many_rows_of_another_face_come_as_a_stream_in_order(dialect_server: Served) -> None:
    rows = 10_050
    micro, native = (dialect_server.credentials[name] for name in ("micro", "native"))
    lines = [f"{uuid.uuid4().hex}@x.org" if n % 10 else "no address" for n in range(rows)]
    with httpx.Client(base_url=dialect_server.url, timeout=PATIENCE_S) as client:
        made = client.post(
            "/v1/imports",
            data={"type": "clients"},
            files={"file": ("c.csv", "email\n" + "\n".join(lines), "text/csv")},
            headers={"authorization": f"Bearer {native['token']}"},
        )
        path = f"/v2/prism/{micro['team_id']}/imports/{made.json()['id']}"
        client.headers["x-api-key"] = micro["api_key"]
        until(lambda: client.get(path).json()["status"] == "complete")
        document = client.get(path).json()
    assert document["total"] == rows
    assert [r["created"] for r in document["results"]] == [bool(n % 10) for n in range(rows)]
