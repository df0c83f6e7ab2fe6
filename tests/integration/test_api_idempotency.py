"""`Idempotency-Key`: sent twice is done once, whatever happened in between."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from rowport.bootstrap import open_rowport
from rowport.model.ids import new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conftest import Home

PATIENCE_S = 90.0
ROWS = b"email\na@x.org\n"
HEADER = "Idempotency-Key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server, and the database behind it."""

    http: httpx.Client
    database_url: str

    def create(
        self, key: str, content: bytes = ROWS, *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send a file under a key; each sending has a boundary of its own."""
        return self.http.post(
            "/v1/imports",
            data={"type": "people", "mode": "validate"},
            files={"file": ("people.csv", content, "text/csv")},
            headers={HEADER: key, **(headers or {})},
        )

    def behind(self, statement: str, key: str) -> list[tuple[Any, ...]]:
        """Ask the database, or let time pass in it."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), [key])
            return cursor.fetchall() if cursor.description else []

    def imports(self) -> int:
        """Count the imports."""
        [(count,)] = self.behind("SELECT count(*) FROM rowport.imports WHERE %s <> ''", "all")
        return int(count)


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    process = home.start("serve", "--port", "0", "--json", "--workers", "0")
    assert process.stdout
    url = json.loads(process.stdout.readline())["url"]
    with httpx.Client(base_url=url, headers=home.token(), timeout=PATIENCE_S) as client:
        yield Server(http=client, database_url=home.ask("db", "url")["database_url"])
    process.terminate()
    process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def key() -> str:
    return f"key {new_uuid()}"


def test_the_same_again_is_answered_byte_for_byte(server: Server, key: str) -> None:
    before = server.imports()
    first, again = server.create(key), server.create(key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    for name in ("content-type", "location"):
        assert first.headers[name] == again.headers[name]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert server.imports() == before + 1
    assert server.create(f"{key}2").json()["id"] != first.json()["id"]


def test_another_request_under_the_key_is_refused(server: Server, key: str) -> None:
    path = server.create(key).headers["location"]
    for other in (
        server.create(key, ROWS + b"b@x.org\n"),
        server.http.post(f"{path}/cancel", headers={HEADER: key}),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_key_is_of_one_token(server: Server, key: str, home: Home) -> None:
    mine = server.create(key)
    another = server.create(key, headers=home.token())
    assert (another.status_code, another.json()["id"] == mine.json()["id"]) == (202, False)


def test_what_still_runs_is_told(server: Server, key: str) -> None:
    server.create(key)
    server.behind(
        "UPDATE rowport.replays SET status = NULL, created_at = now() WHERE key = %s", key
    )
    answer = server.create(key)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_use")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("since", ["'-infinity'", "now() - interval '5 minutes 1 second'"])
def test_what_was_cut_off_is_made_under_the_same_id(server: Server, key: str, since: str) -> None:
    first = server.create(key)
    before = server.imports()
    cut = f"UPDATE rowport.replays SET status = NULL, body = NULL, created_at = {since}"  # noqa: S608  our own words
    server.behind(cut + " WHERE key = %s", key)
    again = server.create(key)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["location"] == first.headers["location"]
    assert server.imports() == before
    assert server.create(key).content == again.content


def test_a_day_later_the_key_is_free(server: Server, key: str) -> None:
    first = server.create(key)
    [(left,)] = server.behind(
        "SELECT expires_at - clock_timestamp() FROM rowport.replays WHERE key = %s", key
    )
    assert 23.9 < left.total_seconds() / 3600 <= 24
    server.behind("UPDATE rowport.replays SET expires_at = now() WHERE key = %s", key)
    assert server.create(key).json()["id"] != first.json()["id"]


def test_what_was_refused_keeps_no_answer(server: Server, key: str) -> None:
    refused = server.http.post(
        "/v1/imports",
        data={"type": "nobody"},
        files={"file": ("people.csv", ROWS)},
        headers={HEADER: key},
    )
    assert refused.status_code == 404
    assert server.create(key).status_code == 202


def test_an_action_is_done_once(server: Server, key: str) -> None:
    path = server.create(key).headers["location"]
    first, again = (
        server.http.post(f"{path}/cancel", headers={HEADER: f"{key} c"}) for _ in range(2)
    )
    assert (first.status_code, first.content) == (202, again.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert server.http.post(f"{path}/cancel").status_code == 409


def test_200_creates_at_once_under_one_key_make_one_import(server: Server, key: str) -> None:
    before = server.imports()
    with ThreadPoolExecutor(40) as crowd:
        answers = list(crowd.map(lambda _: server.create(key), range(200)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() <= {202, 409}
    assert statuses[202] >= 1
    assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
    assert server.create(key).status_code == 202
    assert server.imports() == before + 1


@pytest.mark.parametrize("keys", [[""], ["x" * 256], ["a", "b"], ["\u00e9"], ["a\tb"]])
def test_a_key_that_cannot_be_is_refused(server: Server, keys: Sequence[str]) -> None:
    before = server.imports()
    sent = [(HEADER.encode(), key.encode("latin-1")) for key in keys]
    answer = server.http.post(
        "/v1/imports", data={"type": "people"}, files={"file": ("p.csv", ROWS)}, headers=sent
    )
    assert (answer.status_code, HEADER in answer.json()["detail"]) == (400, True)
    assert server.imports() == before


def test_a_token_s_secret_is_not_kept(server: Server, key: str, home: Home) -> None:
    answer = server.http.post(
        "/v1/tokens",
        json={"name": "t", "scopes": ["admin"]},
        headers={HEADER: key, **home.token("admin")},
    )
    assert (answer.status_code, "secret" in answer.json()["detail"]) == (400, True)
    assert server.behind("SELECT 1 FROM rowport.replays WHERE key = %s", key) == []


def test_a_key_opens_nothing_without_a_token(server: Server, key: str) -> None:
    path = server.create(key).headers["location"]
    with httpx.Client(base_url=server.http.base_url) as nobody:
        for place in ("/v1/imports", f"{path}/cancel"):
            assert nobody.post(place, headers={HEADER: key}).status_code == 401


def test_old_answers_are_forgotten(server: Server, key: str, home: Home) -> None:
    server.create(key)
    server.create(f"{key} kept")
    server.behind(
        "UPDATE rowport.replays SET expires_at = now() - '2 h'::interval WHERE key = %s", key
    )
    with open_rowport(home=home.path, database_url=server.database_url) as rowport:
        assert rowport.services.retention.drop_old_replays() >= 1
    [(left,)] = server.behind("SELECT count(*) FROM rowport.replays WHERE key LIKE %s", f"{key}%")
    assert left == 1
