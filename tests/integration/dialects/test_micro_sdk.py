"""Micro's official Python client (`micro-so` on PyPI), unchanged, against our server."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from litestar.testing import TestClient
from micro_so import ConflictError, Micro, NotFoundError, PermissionDeniedError
from tests.conftest import PATIENCE_S, until

from rowport.api.app import create_app
from rowport.api.mounting import Mounted
from rowport.bootstrap import open_rowport
from rowport.dialects.micro import dialect
from rowport.wire.dialect import Front
from rowport.wire.limits import Limiter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.dialects.conftest import Served


def objects(rows: int) -> list[Any]:
    """Contacts nobody else made."""
    return [
        {"default": {"first_name": "Ann", "email": f"{uuid.uuid4().hex}@x.org"}}
        for _ in range(rows)
    ]


class Wire:
    """What the client really sent and got."""

    def __init__(self, url: str, credentials: dict[str, Any], **options: Any) -> None:  # noqa: ANN401  Micro's
        self.answers: list[httpx.Response] = []
        hooks: dict[str, list[Any]] = {"response": [self.answers.append]}
        self.http = httpx.Client(base_url=url, event_hooks=hooks, timeout=PATIENCE_S)
        self.micro = Micro(
            api_key=credentials["api_key"],
            team_id=credentials["team_id"],
            base_url=url,
            http_client=self.http,
            **options,
        )
        self.contacts = self.micro.prism.objects.contacts


@pytest.fixture
def wire(dialect_server: Served) -> Iterator[Wire]:
    made = Wire(dialect_server.url, dialect_server.credentials["micro"])
    with made.http:
        yield made


def test_it_creates_and_reads_the_results(wire: Wire) -> None:
    made = wire.contacts.bulk_create(objects=objects(2), options={"dedupe_by": "email"})
    assert made.job_id is None
    assert made.status == "complete"
    assert made.results is not None
    assert [result.created for result in made.results] == [True, True]


def test_it_polls_a_large_import_to_its_end(wire: Wire) -> None:
    made = wire.contacts.bulk_create(objects=objects(150))
    assert made.status == "processing"
    assert made.results is None
    job_id = made.job_id
    assert job_id
    until(lambda: wire.micro.prism.imports.get(job_id).status != "processing")
    done = wire.micro.prism.imports.get(job_id)
    assert (done.status, done.total, done.succeeded, done.failed) == ("complete", 150, 150, 0)
    assert done.results is not None
    assert len(done.results) == 150
    assert done.created_at is not None
    assert done.expires_at is not None
    assert (done.expires_at - done.created_at).days == 7


def test_it_raises_not_found_with_the_envelope(wire: Wire) -> None:
    with pytest.raises(NotFoundError) as raised:
        wire.micro.prism.imports.get(str(uuid.uuid4()))
    body: Any = raised.value.body
    assert body["error"]["code"] == "not_found"
    assert len(wire.answers) == 1


def test_it_replays_under_an_idempotency_key(wire: Wire) -> None:
    key, wanted = str(uuid.uuid4()), objects(1)
    first = wire.contacts.bulk_create(objects=wanted, idempotency_key=key)
    again = wire.contacts.with_raw_response.bulk_create(objects=wanted, idempotency_key=key)
    assert again.headers["idempotent-replay"] == "true"
    assert again.parse() == first


def test_it_does_not_try_a_mismatch_again(wire: Wire) -> None:
    key = str(uuid.uuid4())
    wire.contacts.bulk_create(objects=objects(1), idempotency_key=key)
    wire.answers.clear()
    with pytest.raises(ConflictError):
        wire.contacts.bulk_create(objects=objects(1), idempotency_key=key)
    assert [answer.status_code for answer in wire.answers] == [409]


def test_it_is_refused_with_a_wrong_key(dialect_server: Served) -> None:
    credentials = {**dialect_server.credentials["micro"], "api_key": "rp_wrong"}
    made = Wire(dialect_server.url, credentials)
    with made.http, pytest.raises(PermissionDeniedError):
        made.micro.prism.properties.list("contact")


def test_it_reads_properties(wire: Wire) -> None:
    found: dict[str, Any] = wire.micro.prism.properties.list("contact")
    assert [each["slug"] for each in found.values()] == ["first_name", "last_name", "email"]
    assert wire.micro.prism.properties.list_all()["contact"] == found


def test_it_waits_and_tries_again_when_it_is_too_fast(
    dialect_server: Served, credentials: dict[str, Any]
) -> None:
    now = [1_000_000.0]
    answers: list[httpx.Response] = []

    def looked_at(answer: httpx.Response) -> None:
        answers.append(answer)
        now[0] += 1 if answer.status_code == 429 else 0  # the client waits as long

    url, home = dialect_server.database_url, dialect_server.home.path
    with open_rowport(home=home, database_url=url, migrate=False) as rowport:
        app = create_app(
            services=rowport.services,
            count_workers=rowport.alive_workers,
            front=Front(
                services=rowport.services, limiter=Limiter(is_on=True, clock=lambda: now[0])
            ),
            dialects=[Mounted(dialect=dialect())],
        )
        with TestClient(app) as http:
            http.event_hooks = {"response": [looked_at]}
            made = Micro(
                api_key=credentials["micro"]["api_key"],
                team_id=credentials["micro"]["team_id"],
                base_url=str(http.base_url),
                http_client=http,
            )
            for _ in range(13):
                made.prism.properties.list("contact")
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] + [200] * 3
    assert answers[10].headers["retry-after"] == "1"
    assert answers[10].json()["error"]["code"] == "rate_limited"
