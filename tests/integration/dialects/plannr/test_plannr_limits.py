"""Plannr's limit: 500 calls a minute for each user."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.integration.dialects.conftest import serve
from tests.integration.dialects.plannr.conftest import PATH, UNKNOWN, client_of, fits

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from tests.integration.dialects.conftest import Served


@pytest.fixture(scope="module")
def limited(dialect_server: Served) -> Iterator[str]:
    """A second server on the same home, with the documented limits."""
    home = replace(dialect_server.home, environment={})
    yield from serve(home, WORKERS="1")


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
