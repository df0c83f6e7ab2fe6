"""What is told to Prometheus is true, tells nothing of anybody, and costs little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from rowport.api.app import create_app
from rowport.api.metrics import CountsRequests
from rowport.bootstrap import Rowport
from rowport.model.access import Scope
from rowport.service import observing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.engine.conftest import Engine

SECRET = "opens-the-metrics-and-nothing-else"  # noqa: S105  of a test
ROWS = [("canary@x.org", "Ann", "1"), ("b@x.org", "Bob", "old"), ("c@x.org", "Cid", "3")]


def served(rowport: Rowport) -> TestClient[Any]:
    """Give a client of the application as the server runs it."""
    app = create_app(services=rowport.services, count_workers=rowport.alive_workers)
    measured: Any = CountsRequests(app, app.state.measures)
    return TestClient(measured, raise_server_exceptions=False)


@pytest.fixture
def api(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Any]]:
    monkeypatch.setattr(observing, "KEPT_S", 0.0)
    monkeypatch.setattr(observing, "SHARE", 0)
    monkeypatch.setenv("ROWPORT_METRICS_TOKEN", SECRET)
    with served(engine.rowport) as client:
        yield client


def bearing(secret: str) -> dict[str, str]:
    """Give the header that carries a secret."""
    return {"Authorization": f"Bearer {secret}"}


def told(api: TestClient[Any]) -> dict[str, float]:
    """Scrape; give each sample by its name and the values of its labels."""
    answer = api.get("/metrics", headers=bearing(SECRET))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["content-type"].count("charset") == 1
    return {
        " ".join(
            (sample.name, *(value for _, value in sorted(sample.labels.items())))
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_figures_are_those_of_the_ledger(engine: Engine, api: TestClient[Any]) -> None:
    before = told(api)
    assert before["rowport_imports completed"] == before["rowport_workers"] == 0
    assert before["rowport_oldest_waiting_import_seconds"] == 0
    engine.put()
    waiting = engine.land(ROWS)
    engine.age(waiting)
    then = told(api)
    assert then["rowport_imports reading"] == 1
    assert then["rowport_jobs control"] == 1
    assert 60 <= then["rowport_oldest_waiting_import_seconds"] < 3600
    engine.work(waiting)
    after = told(api)
    assert (after["rowport_imports reading"], after["rowport_imports completed"]) == (0, 1)
    assert (after["rowport_rows created"], after["rowport_rows failed"]) == (2, 1)
    assert after["rowport_chunks done"] == 1
    assert after["rowport_oldest_waiting_import_seconds"] == 0
    assert after["rowport_database_up"] == 1
    presence = engine.rowport.surroundings().presence
    presence.announce()
    assert told(api)["rowport_workers"] == 1
    presence.leave()


def test_requests_are_told_by_route_and_status(engine: Engine, api: TestClient[Any]) -> None:
    engine.put()
    imported = engine.run(ROWS)
    issued = engine.rowport.services.access.issue_in(
        engine.rowport.organization, name="t", scopes=frozenset({Scope.IMPORT_READ})
    )
    for _ in range(2):
        api.get(f"/v1/imports/{imported.id}", headers=bearing(issued.secret))
    api.get(f"/v1/imports/{imported.id}")
    api.get("/nowhere/canary")
    api.request("CANARY", "/v1/imports")
    found, name = told(api), "rowport_http_request_duration_seconds_count"
    assert found[f"{name} GET /v1/imports/{{import_id}} 200"] == 2
    assert found[f"{name} GET /v1/imports/{{import_id}} 401"] == 1
    assert found[f"{name} GET none 404"] == 1
    [of_no_method] = [key for key in found if key.startswith(f"{name} other ")]
    assert of_no_method.endswith(" 405")


def test_no_label_tells_of_anybody(engine: Engine, api: TestClient[Any]) -> None:
    engine.rowport.services.access.create_organization("canary")
    engine.put()
    imported = engine.run(ROWS)
    api.get(f"/v1/imports/{imported.id}?canary=1", headers=bearing("rp_canary"))
    text = api.get("/metrics", headers=bearing(SECRET)).text
    for word in ("canary", str(imported.id), "default", SECRET, "x.org"):
        assert word not in text


def test_it_takes_a_secret_of_its_own_or_an_admins_token(
    engine: Engine, api: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    access, organization = engine.rowport.services.access, engine.rowport.organization
    admin, usual = (
        access.issue_in(organization, name="t", scopes=frozenset(scopes)).secret
        for scopes in ({Scope.ADMIN}, frozenset(Scope) - {Scope.ADMIN})
    )

    def status(**headers: str) -> int:
        return int(api.get("/metrics", headers=headers).status_code)

    assert status() == status(**bearing(SECRET + "x")) == 401
    assert status(**bearing(usual)) == 403
    assert status(**bearing(admin)) == status(**bearing(SECRET)) == 200
    assert api.get("/v1/imports", headers=bearing(SECRET)).status_code == 401
    monkeypatch.delenv("ROWPORT_METRICS_TOKEN")
    assert status(**bearing(SECRET)) == 401
    assert status(**bearing(admin)) == 200
    monkeypatch.setenv("ROWPORT_METRICS", "open")
    assert status() == 200


def test_the_database_is_asked_once_for_many_who_ask(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_METRICS", "open")
    with served(engine.rowport) as api:
        api.get("/metrics")
        first = engine.rowport.services.observing.now()
        for _ in range(20):
            api.get("/metrics")
        assert engine.rowport.services.observing.now() is first


def test_a_database_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWPORT_METRICS_TOKEN", SECRET)
    gone = Rowport(home=tmp_path, database_url="postgresql://nobody@127.0.0.1:9/none")
    with gone, served(gone) as api:
        found = told(api)
        assert found["rowport_database_up"] == 0
        assert not [key for key in found if key.startswith("rowport_imports")]
