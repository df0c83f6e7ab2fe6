"""MoEngage's File Import API without workers and with a clock of our own.

Here imports stay in the state that they are put in, and limits hold.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from litestar.testing import TestClient

from rowport.api.app import create_app
from rowport.api.mounting import Mounted
from rowport.bootstrap import Rowport
from rowport.dialects.moengage import dialect
from rowport.model.access import Role
from rowport.model.feeds import ScheduleKind, SourceKind
from rowport.model.imports import ImportOptions
from rowport.model.states import ImportState, Phase
from rowport.ports.faces import NewFeed
from rowport.ports.ledger import Circumstances, ImportRef
from rowport.wire.dialect import Front, Stage
from rowport.wire.limits import Limiter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from litestar import Litestar

    from rowport.model.feeds import Feed
    from rowport.model.imports import Import
    from rowport.model.organizations import Organization

BASE: Final = "/v1.0/data/fileimports"
STATUS: Final = f"{BASE}/import/status"
HISTORY: Final = f"{BASE}/import/run/history"
SCHEMA: Final = {
    "fields": [{"name": "email", "type": "string", "constraints": {"required": True}}],
    "primaryKey": "email",
}
ZONE: Final = "Asia/Calcutta"
S: Final = ImportState


class Clock:
    """Time stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An organization that MoEngage's clients see, and a client of it."""

    rowport: Rowport
    organization: Organization
    client: TestClient[Litestar]
    clock: Clock
    credentials: dict[str, str]

    @property
    def headers(self) -> dict[str, str]:
        pair = "{workspace_id}:{api_key}".format(**self.credentials)
        return {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "MOE-APPKEY": self.credentials["workspace_id"],
        }

    def ask(self, path: str, said: object = None, **headers: str) -> httpx.Response:
        return self.client.post(path, json=said or {}, headers={**self.headers, **headers})

    def trigger(self, feed: Feed) -> httpx.Response:
        return self.ask(f"{BASE}/trigger/{feed.oid}")

    def feed(self) -> Feed:
        record_type = self.rowport.services.record_types.get(self.organization.id, "clients")
        made = NewFeed(
            name="daily",
            record_type_id=record_type.id,
            source_kind=SourceKind.UPLOAD,
            schedule_kind=ScheduleKind.PERIODIC,
        )
        return self.rowport.services.feeds.create(self.organization.id, made)

    def send(self, content: bytes = b"email\na@example.com\n", **around: Any) -> Import:  # noqa: ANN401  Circumstances'
        return self.rowport.services.imports.create(
            self.organization.id,
            "clients",
            file_name="clients.csv",
            parts=iter([content]),
            options=ImportOptions(),
            around=Circumstances(**around),
        )

    def plan(self, made: Import) -> None:
        self.rowport.new_works().planning.plan(ref_of(made))

    def move(self, made: Import, *states: ImportState) -> None:
        """Move an import from its state through others."""
        imports = self.rowport.ledger.imports
        for new in states:
            with self.rowport.database.transaction() as tx:
                old = imports.lock(tx, ref_of(made))
                assert old is not None
                phase = Phase.LOADING if new is S.RUNNING else None
                imports.move(tx, ref_of(made), old, new, phase=phase)


def ref_of(made: Import) -> ImportRef:
    return ImportRef(organization_id=made.organization_id, import_id=made.id)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    clock = Clock()
    with Rowport(home=tmp_path, database_url=database_url) as rowport:
        rowport.migrate()
        services = rowport.services
        organization = services.access.ensure_organization(
            "mine", "Mine", time_zone="Asia/Calcutta"
        )
        services.record_types.put(organization, "clients", SCHEMA)
        admin = services.access.ensure_user(organization, email="a@example.com", role=Role.ADMIN)
        stage = Stage(services=services, organization=organization, admin=admin, reader=admin)
        made = dialect()
        credentials = {key: str(value) for key, value in made.set_up(stage).items()}
        app = create_app(
            services=services,
            count_workers=lambda: 0,
            front=Front(services=services, limiter=Limiter(is_on=True, clock=clock)),
            dialects=[Mounted(dialect=made)],
        )
        with TestClient(app) as client:
            yield World(
                rowport=rowport,
                organization=organization,
                client=client,
                clock=clock,
                credentials=credentials,
            )


# ---------------------------------------------------------------------------------------- states

AFTER_PLAN: Final = {
    S.QUEUED: (),
    S.RUNNING: (S.RUNNING,),
    S.PAUSING: (S.PAUSING,),
    S.PAUSED: (S.PAUSING, S.PAUSED),
    S.CANCELING: (S.CANCELING,),
    S.CANCELED: (S.CANCELING, S.CANCELED),
}


def put_into(world: World, state: ImportState) -> Import:
    """Make an import that stands in `state`, by the ways that lead there."""
    preparing = world.rowport.services.preparing
    match state:
        case S.DRAFT:
            return preparing.draft(world.organization.id, "clients", options=ImportOptions())
        case S.RECEIVING:
            made = preparing.draft(world.organization.id, "clients", options=ImportOptions())
            world.move(made, S.RECEIVING)
            return made
        case S.READING:
            return world.send()
        case S.NEEDS_MAPPING:
            made = world.send(b"name\nAda\n")
        case S.READY:
            made = world.send(starts_by_itself=False)
        case S.FAILED:
            made = world.send(b"email\n")
        case _:
            made = world.send()
            world.plan(made)
            world.move(made, *AFTER_PLAN[state])
            return made
    world.plan(made)
    return made


@pytest.mark.parametrize(
    ("word", "file_word", "states"),
    [
        ("SCHEDULED", "WAITING", [S.NEEDS_MAPPING, S.READY]),
        ("SCHEDULED", None, [S.DRAFT, S.RECEIVING]),
        ("QUEUED", "QUEUED", [S.QUEUED]),
        (
            "PROCESSING",
            "PROCESSING",
            [S.READING, S.RUNNING, S.PAUSING, S.PAUSED, S.CANCELING],
        ),
        ("FAILED", "FAILED", [S.FAILED, S.CANCELED]),
    ],
)
def test_each_state_is_said_and_found(
    world: World, word: str, file_word: str | None, states: list[ImportState]
) -> None:
    for state in states:
        made = put_into(world, state)
        stands = world.rowport.services.imports.get(world.organization.id, made.id).state
        assert stands is state
        asked = {"import_id": made.oid, "schedule_status": [word]}
        [shown] = world.ask(STATUS, asked).json()["data"]
        assert shown["status"] == word
        assert shown["last_run_status"] == (None if word == "SCHEDULED" else word)
        files = world.ask(HISTORY, {"import_id": made.oid, "file_status": file_word or []}).json()
        assert [file["file_status"] for file in files["data"]] == ([file_word] if file_word else [])


# ---------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("path", [STATUS, HISTORY])
def test_the_fifty_first_request_of_a_minute_is_too_many(world: World, path: str) -> None:
    made = world.send()
    codes = [world.ask(path, {"import_id": made.oid}).status_code for _ in range(51)]
    assert codes == [200] * 50 + [429]
    answer = world.ask(path, {"import_id": made.oid})
    assert answer.headers["retry-after"] == "60"  # when the minute is over
    body = answer.json()
    assert body["status"] == "fail"
    assert body["error"]["message"] == "Rate limits exceeded, please try after some time"
    assert body["error"]["type"] == "Rate Limits Exceeded"
    other = STATUS if path == HISTORY else HISTORY
    assert world.ask(other, {"import_id": made.oid}).status_code == 200
    world.clock.now_s += 59
    assert world.ask(path, {"import_id": made.oid}).status_code == 429
    world.clock.now_s += 1
    assert world.ask(path, {"import_id": made.oid}).status_code == 200


def test_a_refused_stranger_uses_up_nobodys_requests(world: World) -> None:
    for _ in range(60):
        world.ask(STATUS, **{"Authorization": "Basic eDp5", "MOE-APPKEY": "x"})
    assert world.ask(STATUS).status_code == 200


def test_a_feed_that_ran_in_the_last_five_minutes_rests(world: World) -> None:
    feed = world.feed()
    run = world.send(feed_id=feed.id)
    world.rowport.services.imports.cancel(world.organization.id, run.id)
    too_soon = world.trigger(feed)
    assert too_soon.status_code == 400
    assert too_soon.json() == {
        "status": "fail",
        "error_type": "ALREADY_EXISTS",
        "message": "Import has run in the last 5 min.",
    }
    let_rest(world, run)
    assert world.trigger(feed).json()["status"] == "success"
    assert world.trigger(feed).json()["error_type"] == "ALREADY_EXISTS"


def let_rest(world: World, run: Import) -> None:
    """Let five minutes pass since a run began."""
    with world.rowport.database.transaction() as tx:
        tx.connection.execute(
            "UPDATE rowport.imports SET created_at = %s WHERE id = %s",
            (datetime.now(UTC) - timedelta(minutes=5, seconds=1), run.id),
        )


def test_a_feed_that_is_running_is_not_triggered_again(world: World) -> None:
    feed = world.feed()
    run = world.send(feed_id=feed.id)
    let_rest(world, run)
    answer = world.trigger(feed)
    assert (answer.status_code, answer.json()["error_type"]) == (400, "INVALID_STATE")
    assert "running already" in answer.json()["message"]


# ---------------------------------------------------------------------------- who, how and where


def test_a_suspended_workspace_is_told_so(world: World) -> None:
    world.rowport.services.access.ensure_organization(
        "mine", "Mine", attributes={"moengage": {"is_suspended": True}}
    )
    answer = world.ask(STATUS)
    assert answer.status_code == 403
    assert answer.json()["error"]["message"].startswith("Your account is suspended.")


def test_a_key_of_another_workspace_opens_nothing(world: World) -> None:
    services = world.rowport.services
    foreign = services.access.ensure_organization("foreign", "Foreign")
    pair = f"{foreign.oid}:{world.credentials['api_key']}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    answer = world.ask(STATUS, **headers, **{"MOE-APPKEY": foreign.oid})
    assert (answer.status_code, answer.json()["title"]) == (401, "AuthenticationInvalid")


def test_a_revoked_key_opens_nothing(world: World) -> None:
    access = world.rowport.services.access
    principal = access.authenticate(world.credentials["api_key"])
    access.revoke(world.organization.id, principal.token_id)
    assert world.ask(STATUS).json()["title"] == "AuthenticationInvalid"


def test_a_prefix_moves_all_paths_and_their_errors(world: World) -> None:
    services = world.rowport.services
    app = create_app(
        services=services,
        count_workers=lambda: 0,
        front=Front(services=services, limiter=Limiter(is_on=False)),
        dialects=[Mounted(dialect=dialect(), prefix="/moengage")],
    )
    with TestClient(app) as client:
        moved = replace(world, client=client)
        assert moved.ask(f"/moengage{STATUS}").status_code == 200
        assert moved.ask(f"/moengage{BASE}/trigger").json()["message"] == "Resource not found"
        assert moved.ask(STATUS).headers["content-type"].startswith("application/problem+json")
