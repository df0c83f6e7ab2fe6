"""Workspaces, and clients that hold every answer to its schema."""

from __future__ import annotations

import http.server
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import jsonschema
import pytest
from tests.conftest import PATIENCE_S, Home

from rowport.bootstrap import Rowport, open_rowport
from rowport.dialects.rocketchat.schemas import ANSWERS, ERROR
from rowport.dialects.rocketchat.setup import PLAIN, RUNNER
from rowport.model.access import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx
    from tests.integration.dialects.conftest import Served

    from rowport.model.organizations import Organization

_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Somebody who calls the API."""

    http: httpx.Client
    headers: dict[str, str]

    def call(self, method: str, name: str, **options: Any) -> httpx.Response:  # noqa: ANN401  httpx's
        """Call an endpoint by its name; its answer must be of the published shape."""
        answer = self.http.request(method, f"/api/v1/{name}", headers=self.headers, **options)
        endpoint = name.partition("?")[0].strip("/")
        schema = ANSWERS[endpoint] if answer.status_code == 200 else ERROR
        jsonschema.validate(answer.json(), schema)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["pragma"] == "no-cache"
        return answer

    def get(self, name: str) -> Any:  # noqa: ANN401  JSON
        """Read something that must be there."""
        answer = self.call("GET", name)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, name: str, body: object = None) -> httpx.Response:
        """Send a body, or none."""
        return self.call("POST", name, **({} if body is None else {"json": body}))

    def done(self, name: str, body: object = None) -> dict[str, Any]:
        """Send what must succeed."""
        answer = self.post(name, body)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def refused(self, name: str, body: object = None) -> dict[str, Any]:
        """Send what must be refused with 400."""
        answer = self.post(name, body)
        assert answer.status_code == 400, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def until(self, *states: str) -> dict[str, Any]:
        """Poll until the operation is in one of these states."""
        deadline = time.monotonic() + PATIENCE_S
        while (status := self.get("import.status"))["state"] not in states:
            assert time.monotonic() < deadline, status
        found: dict[str, Any] = status
        return found

    def ran(self, *users: dict[str, Any]) -> dict[str, Any]:
        """Import users from beginning to end."""
        self.done("import.new")
        self.done("import.addUsers", {"users": users})
        self.done("import.run")
        return self.until("done", "error")


def user(number: int, **more: object) -> dict[str, Any]:
    """Make a user."""
    return {
        "emails": [f"u{number}@example.org"],
        "importIds": [str(number)],
        "username": f"u{number}",
        **more,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """An organization of its own."""

    organization: Organization
    admin: Client
    plain: Client
    member: Client
    """May run imports, and is no administrator."""
    rowport: Rowport

    def records(self, table: str = "rocketchat_users") -> list[dict[str, Any]]:
        """Read what was loaded."""
        record_type = self.rowport.services.record_types.get(self.organization.id, table)
        with self.rowport.database.transaction() as tx:
            cursor = tx.connection.execute(
                f'SELECT * FROM "{record_type.table_schema}"."{record_type.table_name}"'  # noqa: S608  our own names
                " ORDER BY rowport_row"
            )
            return list(cursor.fetchall())


@contextmanager
def running(home: Home, **environment: str) -> Iterator[str]:
    """Run a server of our own on a home; gives its URL."""
    told = replace(home, environment={**home.environment, **environment})
    with told.start("serve", "--port", "0", "--json", "--workers", "1") as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line, process.communicate()
        try:
            yield json.loads(line)["url"]
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)


@pytest.fixture(scope="session")
def behind(dialect_server: Served) -> Iterator[Rowport]:
    """The home of the server, from behind."""
    with open_rowport(home=dialect_server.home.path, database_url=None) as rowport:
        yield rowport


@pytest.fixture(scope="session")
def make_workspace(behind: Rowport, web: httpx.Client) -> Callable[..., Workspace]:
    """How workspaces are made; `settings` are those of the organization for this dialect."""

    def make(http: httpx.Client = web, **settings: object) -> Workspace:
        number = next(_numbers)
        access = behind.services.access
        attributes = {"rocketchat": settings} if settings else {}
        organization = access.ensure_organization(
            f"rocket_{number}", f"Rocket {number}", attributes=attributes
        )

        def client(name: str, role: Role, scopes: frozenset[Any]) -> Client:
            who = access.ensure_user(
                organization, email=f"{name}@rocket{number}.example", role=role
            )
            secret = access.issue(who, name="test", scopes=scopes).secret
            return Client(http=http, headers={"X-Auth-Token": secret, "X-User-Id": who.oid})

        return Workspace(
            organization=organization,
            admin=client("admin", Role.ADMIN, RUNNER),
            plain=client("plain", Role.MEMBER, PLAIN),
            member=client("member", Role.MEMBER, RUNNER),
            rowport=behind,
        )

    return make


@pytest.fixture
def workspace(make_workspace: Callable[..., Workspace]) -> Workspace:
    """A fresh workspace."""
    return make_workspace()


@pytest.fixture
def admin(workspace: Workspace) -> Client:
    """An administrator of a fresh workspace."""
    return workspace.admin


class _Files(http.server.BaseHTTPRequestHandler):
    """Serves a list of members: whole, moved, cut short and without an end."""

    content: ClassVar[bytes] = (
        b"username,email,status,a,b,c,d,fullname\nann,ann@example.org,Admin,,,,,Ann\n"
    )

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(302 if self.path == "/moved" else 200)
        if self.path == "/moved":
            self.send_header("Location", "/members.csv")
        if self.path != "/endless":
            missing = 10 if self.path == "/cut" else 0
            self.send_header("Content-Length", str(len(self.content) + missing))
        self.end_headers()
        self.wfile.write(self.content)
        if self.path == "/endless":
            self.rfile.read(1)  # until the other side has had enough

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def file_server() -> Iterator[str]:
    """`host:port` of a server with a file."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
