"""Plannr's API as it is configured: its limit, its prefix, and how the outside reaches it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from tests.integration.dialects.conftest import serve
from tests.integration.dialects.plannr.conftest import (
    PATH,
    UNKNOWN,
    client_of,
    fits,
    imported,
    people,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from tests.integration.dialects.conftest import Served


PREFIX: Final = "/crm"
PUBLIC: Final = "https://crm.example"


@pytest.fixture(scope="module")
def limited(dialect_server: Served) -> Iterator[str]:
    """A second server on the same home: documented limits, a prefix, a public URL."""
    home = replace(dialect_server.home, environment={})
    for url in serve(
        home,
        WORKERS="1",
        ROWPORT_DIALECT_PREFIXES=f"plannr={PREFIX}",
        ROWPORT_PUBLIC_URL=PUBLIC,
    ):
        yield url + PREFIX


def test_urls_are_those_that_the_outside_sees(limited: str, dialect_server: Served) -> None:
    with client_of(limited, dialect_server.credentials["other"]["plannr"]) as client:
        shown = imported(client, people("no address"), mode="validate")
        report = shown["error_report"]
        assert report["download_url"].startswith(f"{PUBLIC}/v1/files/")
        assert report["download_url"].endswith(f"/{report['filename']}")
        page = client.get(PATH, params={"per_page": "1"}).json()
        assert page["meta"]["path"] == PUBLIC + PREFIX + PATH
        assert page["links"]["last"].startswith(f"{PUBLIC}{PREFIX}{PATH}?per_page=1&page=")
        assert list(client.delete(PATH).json()) == ["message"]


def test_the_501st_call_of_a_minute_has_to_wait(
    limited: str, web: httpx.Client, dialect_server: Served
) -> None:
    credentials = dialect_server.credentials
    with client_of(limited, credentials["plannr"]) as client:
        turn, answer = 0, client.get(f"{PATH}/{UNKNOWN}")
        while answer.status_code == 404 and turn < 600:
            assert int(answer.headers["x-ratelimit-remaining"]) >= 499 - turn
            turn, answer = turn + 1, client.get(f"{PATH}/{UNKNOWN}")
        assert answer.status_code == 429
        assert turn >= 500
        assert answer.json() == {"message": "Too Many Attempts."}
        fits(answer.json(), "error")
        assert answer.headers["x-ratelimit-limit"] == "500"
        assert answer.headers["x-ratelimit-remaining"] == "0"
        assert int(answer.headers["retry-after"]) >= 1
        assert int(answer.headers["x-ratelimit-reset"]) > 1_700_000_000
    with client_of(limited, credentials["other"]["plannr"]) as other:
        assert other.get(PATH).status_code == 200
    assert web.get(PATH).status_code == 401
