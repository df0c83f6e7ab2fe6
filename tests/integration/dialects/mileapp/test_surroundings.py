"""MileApp under its limits, behind a prefix and a public URL, and after thirty days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from litestar.testing import TestClient

from rowport.api.app import create_app
from rowport.api.mounting import Mounted
from rowport.bootstrap import Rowport, open_rowport
from rowport.dialects.mileapp import dialect
from rowport.wire.dialect import Front
from rowport.wire.limits import Limiter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.dialects.conftest import Served
    from tests.integration.dialects.mileapp.conftest import MileApp

PREFIX: Final = "/behind/proxy"
PUBLIC: Final = "https://imports.example.org"


class Clock:
    """A clock that stands still until it is told to go."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def rowport(dialect_server: Served) -> Iterator[Rowport]:
    """The engine behind the server."""
    home = dialect_server.home.path
    with open_rowport(home=home, database_url=dialect_server.database_url) as opened:
        yield opened


@pytest.fixture
def here(rowport: Rowport, clock: Clock) -> Iterator[TestClient[Any]]:
    """Our own server behind a prefix, with limits by the test's clock."""
    limiter = Limiter(is_on=True, clock=clock)
    front = Front(services=rowport.services, limiter=limiter, base_url=PUBLIC)
    app = create_app(
        services=rowport.services,
        count_workers=rowport.alive_workers,
        front=front,
        dialects=[Mounted(dialect=dialect(), prefix=PREFIX)],
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_hundred_calls_a_second_of_an_organization_are_let_through(
    here: TestClient[Any], clock: Clock, mile: MileApp, other: MileApp
) -> None:
    path = f"{PREFIX}/api/v3/hubs"
    mine = {"Authorization": f"Bearer {mile.given['token']}"}
    same = {"Authorization": f"Bearer {mile.given['readonly_token']}"}
    assert {here.get(path, headers=mine).status_code for _ in range(100)} == {200}
    refused = here.get(path, headers=same)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert refused.json() == {"status": False, "message": "Too Many Requests"}
    theirs = {"Authorization": f"Bearer {other.given['token']}"}
    assert here.get(path, headers=theirs).status_code == 200
    clock.now += 1
    assert here.get(path, headers=mine).status_code == 200


def test_urls_are_those_by_which_the_outside_reaches_us(
    here: TestClient[Any], mile: MileApp
) -> None:
    mile.upload("email\nann@x.org\n")
    mine = {"Authorization": f"Bearer {mile.given['token']}"}
    data = here.get(f"{PREFIX}/api/v3/import-monitoring?limit=1", headers=mine).json()["data"]
    assert data["path"] == f"{PUBLIC}{PREFIX}/api/v3/import-monitoring"
    assert data["first_page_url"] == f"{data['path']}?page=1"
    assert data["data"][0]["fileTemplate"].startswith(f"{PUBLIC}/v1/files/")


def test_what_is_wrong_behind_a_prefix_is_told_by_the_dialect(here: TestClient[Any]) -> None:
    answer = here.get(f"{PREFIX}/api/v3/import-monitoring")
    assert answer.status_code == 401
    assert answer.json()["failedCode"] == "auth-001"


def test_after_thirty_days_a_record_is_gone(dialect_server: Served, other: MileApp) -> None:
    record_id = other.upload("email\nold@x.org\n")["data"]["_id"]
    path = f"/api/v3/import-monitoring/{record_id}"
    listed = {"limit": "100", "sortOrder": "asc"}
    for days, status in [(29, 200), (30, 404)]:
        with psycopg.connect(dialect_server.database_url) as connection:
            connection.execute(
                "UPDATE rowport.imports SET created_at = now() - make_interval(days => %s)"
                " WHERE oid = %s",
                (days, record_id),
            )
        assert other.http.get(path).status_code == status
        page = other.get("/api/v3/import-monitoring", "records", query=listed)["data"]
        assert (record_id in [one["_id"] for one in page["data"]]) == (status == 200)


def test_setting_up_again_gives_fresh_tokens_for_the_same_things(dialect_server: Served) -> None:
    again = dialect_server.home.ask("dialects", "setup", "--demo")["mileapp"]
    first = dialect_server.credentials["mileapp"]
    assert list(again) == [
        "token", "readonly_token", "organizationId", "hubId", "dataTypeId", "hubDataTypeId",
        "flowId",
    ]  # fmt: skip
    assert {key for key in again if again[key] != first[key]} == {"token", "readonly_token"}
