"""Who may call what: every route of the native API, found in the application itself."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from litestar.testing import TestClient
from psycopg import sql

from rowport.api.app import ROUTES, create_app
from rowport.bootstrap import Rowport
from rowport.model.access import Scope
from rowport.model.ids import new_uuid
from rowport.model.imports import ImportOptions
from rowport.wire.feed_documents import read_feed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from rowport.model.imports import Import
    from rowport.model.organizations import Organization

SCHEMA = {"fields": [{"name": "email", "type": "string"}], "primaryKey": "email"}
FILE = {"file": ("people.csv", b"email\na@example.com\n", "text/csv")}
TUS = {"Tus-Resumable": "1.0.0"}
CLOSED_PORT = "127.0.0.1:9"
OPEN = {"/healthz", "/readyz", "/metrics", "/v1/files/{link}", "/v1/files/{link}/{name}"}
REQUESTS: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/imports"): {"data": {"type": "people"}, "files": FILE},
    ("POST", "/v1/imports/{import_id}/fix"): {"files": FILE},
    ("PATCH", "/v1/imports/{import_id}"): {"json": {"name": "again"}},
    ("PUT", "/v1/types/{name}"): {"json": {"schema": SCHEMA}},
    ("POST", "/v1/uploads"): {"headers": {**TUS, "Upload-Length": "3"}},
    ("PATCH", "/v1/uploads/{upload_id}"): {
        "headers": {
            **TUS,
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        },
        "content": b"abc",
    },
    ("DELETE", "/v1/uploads/{upload_id}"): {"headers": TUS},
    ("PUT", "/v1/webhooks/{webhook}"): {"json": {"url": f"http://{CLOSED_PORT}/"}},
    ("PUT", "/v1/feeds/{feed}"): {
        "json": {"type": "people", "source": {"kind": "url", "url": "https://example.com/a.csv"}}
    },
    ("POST", "/v1/webhooks/{webhook}/replay"): {"json": {}},
    ("POST", "/v1/tokens"): {"json": {"name": "t", "scopes": ["import:read"]}},
    ("POST", "/v1/organizations"): {"json": {"slug": "again"}},
    ("PATCH", "/v1/organizations/{organization}"): {"json": {"time_zone": "Asia/Tokyo"}},
}
"""What a route must be sent to be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation."""

    method: str
    path: str
    scope: Scope | None

    @property
    def has_names(self) -> bool:
        """Whether the path names a thing."""
        return "{" in self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def calls() -> list[Call]:
    """Give every operation of the native API."""
    app = create_app(services=None, count_workers=lambda: 0)  # type: ignore[arg-type]  # none is called
    found = [
        Call(
            method=str(method),
            path=route.path_format,
            scope=handler.opt["scope"] if "scope" in handler.opt else pytest.fail(route.path),
        )
        for route in app.routes
        for method, (handler, _) in sorted(getattr(route, "route_handler_map", {}).items())
        if method != "OPTIONS"  # tells which methods there are, and nothing else
    ]
    return sorted(found, key=str)  # the paths of a handler come in no order


CALLS = sorted(calls(), key=str)  # in one order in every process
CLOSED = [call for call in CALLS if call.scope is not None]
MAKES = {
    ("PUT", "/v1/types/{name}"),
    ("PUT", "/v1/feeds/{feed}"),
    ("PUT", "/v1/webhooks/{webhook}"),
}
"""What makes the thing that its path names."""
EVERYWHERE = "/v1/organizations"
"""Below it an admin sees what is anybody's."""
NAMING = [
    call
    for call in CLOSED
    if call.has_names
    and (call.method, call.path) not in MAKES
    and not call.path.startswith(EVERYWHERE)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An organization with something of everything."""

    rowport: Rowport
    organization: Organization
    imported: Import
    type_name: str
    record_id: UUID

    def names(self) -> dict[str, object]:
        """What stands in paths; what an earlier call deleted is there again."""
        self.rowport.services.record_types.put(self.organization, self.type_name, SCHEMA)
        webhook, _ = self.rowport.services.webhooks.put(
            self.organization.id, f"{self.organization.slug:_<6}hook", f"http://{CLOSED_PORT}/"
        )
        feed = self.rowport.services.feeds.put(
            self.organization.id,
            f"{self.organization.slug:_<6}feed",
            read_feed(
                {
                    "type": self.type_name,
                    "source": {"kind": "url", "url": "https://example.com/a.csv"},
                }
            ),
        )
        return {
            "feed": feed.name,
            "import_id": self.imported.id,
            "artifact": "failed.csv",
            "name": self.type_name,
            "record_id": self.record_id,
            "upload_id": self.rowport.services.uploads.create(
                self.organization.id, size_bytes=3
            ).id,
            "webhook": webhook.name,
            "token_id": bearing(self.rowport, self)[1],
            "organization": self.organization.id,
        }


def missing() -> dict[str, object]:
    """Names of what is nowhere, as long as those of what is."""
    return {
        "import_id": new_uuid(),
        "artifact": "failed.csv",
        "name": "none__things",
        "record_id": new_uuid(),
        "upload_id": new_uuid(),
        "webhook": "none__hook",
        "feed": "none__feed",
        "token_id": new_uuid(),
        "organization": new_uuid(),
    }


@pytest.fixture(scope="module")
def rowport(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rowport]:
    home = tmp_path_factory.mktemp("access")
    with (
        pytest.MonkeyPatch.context() as world,
        Rowport(home=home, database_url=shared_database_url) as opened,
    ):
        world.setenv("ROWPORT_OUTBOUND_ALLOW", CLOSED_PORT)
        opened.migrate()
        yield opened


@pytest.fixture(scope="module")
def api(rowport: Rowport) -> Iterator[TestClient[Any]]:
    app = create_app(services=rowport.services, count_workers=rowport.alive_workers)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def furnish(rowport: Rowport, slug: str) -> Place:
    services = rowport.services
    organization = services.access.create_organization(slug)
    services.record_types.put(organization, "people", SCHEMA)
    imported = services.imports.create(
        organization.id,
        "people",
        file_name="people.csv",
        parts=iter([b"email\na@example.com\n"]),
        options=ImportOptions(),
    )
    return Place(
        rowport=rowport,
        organization=organization,
        imported=imported,
        type_name=f"{slug:_<6}things",
        record_id=write_record(rowport, organization, f"{slug:_<6}things"),
    )


def write_record(rowport: Rowport, organization: Organization, type_name: str) -> UUID:
    """Make a record type with one record, as an import would."""
    record_type = rowport.services.record_types.put(organization, type_name, SCHEMA)
    record_id = new_uuid()
    with rowport.database.transaction() as tx:
        tx.connection.execute(
            sql.SQL(
                "INSERT INTO {} (rowport_id, rowport_import, rowport_row, email)"
                " VALUES (%(id)s, gen_random_uuid(), 1, 'a@example.com')"
            ).format(sql.Identifier(record_type.table_schema, record_type.table_name)),
            {"id": record_id},
        )
    return record_id


@pytest.fixture(scope="module")
def mine(rowport: Rowport) -> Place:
    return furnish(rowport, "mine")


@pytest.fixture(scope="module")
def theirs(rowport: Rowport) -> Place:
    return furnish(rowport, "theirs")


def bearing(
    rowport: Rowport, place: Place, *scopes: Scope, expires_at: datetime | None = None
) -> tuple[dict[str, str], UUID]:
    """Make a token; give the header that carries it, and its id."""
    access = rowport.services.access
    user = access.ensure_user(place.organization, email="someone@example.com")
    issued = access.issue(user, name="t", scopes=frozenset(scopes), expires_at=expires_at)
    return {"Authorization": f"Bearer {issued.secret}"}, issued.id


def ask(api: TestClient[Any], call: Call, names: dict[str, object], headers: dict[str, str]) -> Any:  # noqa: ANN401  the client's answer
    path = call.path
    for name, value in names.items():
        path = path.replace(f"{{{name}}}", str(value))
    assert "{" not in path, f"say what stands in {call.path}"
    request = dict(REQUESTS.get((call.method, call.path), {}))
    headers = {**request.pop("headers", {}), **headers}
    accept = {"Accept": "application/json"}  # not a stream, which would not end
    return api.request(call.method, path, headers={**accept, **headers}, **request)


def test_every_route_says_who_may_call_it() -> None:
    for handler in ROUTES:
        assert "scope" in handler.opt, f"{handler.paths} declares no scope"
    assert {call.path for call in CALLS if call.scope is None} == OPEN
    assert all(isinstance(call.scope, Scope) for call in CLOSED)


@pytest.mark.parametrize("call", CLOSED, ids=str)
def test_nobody_unknown_is_let_in(
    rowport: Rowport, api: TestClient[Any], mine: Place, call: Call
) -> None:
    assert call.scope is not None
    soon = datetime.now(UTC) + timedelta(milliseconds=50)
    expired, _ = bearing(rowport, mine, Scope.ADMIN, expires_at=soon)
    revoked, token_id = bearing(rowport, mine, Scope.ADMIN)
    good, _ = bearing(rowport, mine, Scope.ADMIN)
    rowport.services.access.revoke(mine.organization.id, token_id)
    secret = good["Authorization"].removeprefix("Bearer ")
    basic = base64.b64encode(f"{secret}:".encode()).decode()
    while datetime.now(UTC) <= soon:
        pass
    for headers in (
        {},
        expired,
        revoked,
        {"Authorization": "Bearer rp_unknown"},
        {"Authorization": "Bearer "},
        {"Authorization": secret},
        {"Authorization": f"Basic {basic}"},
        {"X-Api-Key": secret},
        {"Cookie": f"token={secret}"},
    ):
        answer = ask(api, call, mine.names(), headers)
        assert answer.status_code == 401, (headers, answer.text)
        assert answer.headers["www-authenticate"] == 'Bearer realm="rowport"'
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthorized"


@pytest.mark.parametrize("call", CLOSED, ids=str)
def test_a_token_allows_what_its_scopes_say(
    rowport: Rowport, api: TestClient[Any], mine: Place, call: Call
) -> None:
    assert call.scope is not None
    wrong, _ = bearing(rowport, mine, *(frozenset(Scope) - {call.scope, Scope.ADMIN}))
    answer = ask(api, call, mine.names(), wrong)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert call.scope in answer.json()["detail"]
    none, _ = bearing(rowport, mine)
    assert ask(api, call, mine.names(), none).status_code == 403


@pytest.mark.parametrize("call", NAMING, ids=str)
def test_a_foreign_thing_is_answered_as_a_missing_one(
    rowport: Rowport, api: TestClient[Any], mine: Place, theirs: Place, call: Call
) -> None:
    assert call.scope is not None
    headers, _ = bearing(rowport, mine, call.scope)
    names, nowhere = theirs.names(), missing()
    foreign, absent = (ask(api, call, each, headers) for each in (names, nowhere))
    assert foreign.status_code == absent.status_code == 404, (foreign.text, absent.text)
    said = foreign.content
    for name, value in names.items():
        said = said.replace(str(value).encode(), str(nowhere[name]).encode())
    assert said == absent.content
    assert headerless(foreign) == headerless(absent)


def test_a_name_that_is_taken_elsewhere_is_free_here(
    rowport: Rowport, api: TestClient[Any], mine: Place, theirs: Place
) -> None:
    headers, _ = bearing(rowport, mine, Scope.TYPE_WRITE, Scope.IMPORT_READ)
    path = f"/v1/types/{theirs.names()['name']}"
    body = {"schema": {"fields": [{"name": "other"}]}}
    made = api.put(path, json=body, headers={**headers, "If-None-Match": "*"})
    assert (made.status_code, made.json()["table"]) == (201, f"data_mine.{theirs.type_name}")
    assert api.get(f"{path}/records", headers=headers).json()["items"] == []
    kept = rowport.services.record_types.get(theirs.organization.id, theirs.type_name)
    assert (kept.version, kept.schema.document) == (1, SCHEMA)
    assert api.delete(path, headers=headers).status_code == 204


def headerless(answer: Any) -> dict[str, str]:  # noqa: ANN401  the client's answer
    """Give the headers without those that differ from call to call."""
    return {name: value for name, value in answer.headers.items() if name != "date"}


@pytest.mark.parametrize("call", CLOSED, ids=str)
def test_the_right_token_is_let_in(
    rowport: Rowport, api: TestClient[Any], mine: Place, theirs: Place, call: Call
) -> None:
    assert call.scope is not None
    for scope in {call.scope, Scope.ADMIN}:
        headers, _ = bearing(rowport, mine, scope)
        answer = ask(api, call, mine.names(), headers)
        assert answer.status_code not in {401, 403, 404, 405, 500}, answer.text
        assert str(theirs.imported.id) not in answer.text


@pytest.mark.parametrize("call", CLOSED, ids=str)
def test_no_nul_in_an_address_breaks_it(
    rowport: Rowport, api: TestClient[Any], mine: Place, call: Call
) -> None:
    assert call.scope is not None
    headers, _ = bearing(rowport, mine, call.scope)
    query = Call(method=call.method, path=f"{call.path}?status=%00", scope=call.scope)
    answer = ask(api, query, mine.names(), headers)
    assert answer.status_code == 400, answer.text
    if call.has_names:
        names: dict[str, object] = dict.fromkeys(missing(), "%00")
        assert ask(api, call, names, headers).status_code in {400, 404, 422}


def test_a_revoked_token_ends_at_the_next_request(
    rowport: Rowport, api: TestClient[Any], mine: Place
) -> None:
    headers, token_id = bearing(rowport, mine, Scope.IMPORT_READ)
    assert api.get("/v1/imports", headers=headers).status_code == 200
    rowport.services.access.revoke(mine.organization.id, token_id)
    assert api.get("/v1/imports", headers=headers).status_code == 401


def test_it_is_noted_once_a_minute_that_a_token_was_used(
    rowport: Rowport, api: TestClient[Any], mine: Place
) -> None:
    access, organization_id = rowport.services.access, mine.organization.id
    headers, token_id = bearing(rowport, mine, Scope.IMPORT_READ)
    assert access.token(organization_id, token_id).last_used_at is None
    api.get("/v1/imports", headers=headers)
    first = access.token(organization_id, token_id).last_used_at
    api.get("/v1/imports", headers=headers)
    assert first is not None
    assert access.token(organization_id, token_id).last_used_at == first
    with rowport.database.transaction() as tx:
        tx.connection.execute(
            "UPDATE rowport.tokens SET last_used_at = last_used_at - interval '61 s' WHERE id = %s",
            [token_id],
        )
    api.get("/v1/imports", headers=headers)
    last = access.token(organization_id, token_id).last_used_at
    assert last is not None
    assert last > first


def test_what_is_for_everybody_asks_for_nothing(rowport: Rowport, api: TestClient[Any]) -> None:
    del rowport
    assert api.get("/healthz").status_code == api.get("/readyz").status_code == 200
    assert api.get("/v1/files/unsigned").status_code == 404
