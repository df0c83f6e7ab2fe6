"""One running server with all dialects set up, shared by the tests of a process."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.conftest import PATIENCE_S, Home

from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = {"ROWPORT_RATE_LIMITS": "off", "ROWPORT_CHUNK_ROWS": "50"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server."""

    url: str
    home: Home
    credentials: dict[str, Any]
    """What `rowport dialects setup --demo --json` printed."""
    database_url: str
    """For tests that look behind the server, or let time pass."""


def serve(home: Home, **environment: str) -> Iterator[str]:
    """Run a server on a home; gives its URL."""
    told = replace(home, environment={**home.environment, **environment})
    workers = environment.get("WORKERS", "2")
    with told.start("serve", "--port", "0", "--json", "--workers", workers) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line, process.communicate()
        try:
            yield json.loads(line)["url"]
        finally:  # also when the test that asked for it has failed
            process.terminate()
            process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0


@pytest.fixture(scope="session")
def dialect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without rate limits, with two workers and chunks of 50 rows."""
    room = tmp_path_factory.mktemp("dialects")
    home = Home(path=room / "home", room=room, environment=ENVIRONMENT)
    with EmbeddedPostgres(home.path) as database:
        for url in serve(home):
            yield Served(
                url=url,
                home=home,
                credentials=home.ask("dialects", "setup", "--demo", "--url", url),
                database_url=database.url(),
            )
    EmbeddedPostgres(home.path).discard()


@pytest.fixture(scope="session")
def credentials(dialect_server: Served) -> dict[str, Any]:
    """What each dialect's set-up gave, by the dialect's name."""
    return dialect_server.credentials


@pytest.fixture(scope="session")
def web(dialect_server: Served) -> Iterator[httpx.Client]:
    """A client of that server, with nobody's credentials."""
    with httpx.Client(base_url=dialect_server.url, timeout=PATIENCE_S) as client:
        yield client
