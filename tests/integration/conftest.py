"""A PostgreSQL for the tests, and a fresh database for each of them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = count(1)


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server that lives as long as the test session (of one xdist worker)."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("home"))
    with server:
        yield server.url()
    server.discard()


@pytest.fixture
def database_url(database_server: str) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    name = f"test_{next(_numbers)}"
    database = sql.Identifier(name)
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        yield urlsplit(database_server)._replace(path=f"/{name}").geturl()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
