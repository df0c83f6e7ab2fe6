"""Events as they happen, through a real server: nothing missing, nothing twice, whatever breaks."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from rowport.bootstrap import Rowport, open_rowport
from rowport.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

PATIENCE_S = 90.0
FILE = b"email,Full name,age\na@x.org,Ann,30\n"
STREAM = {"Accept": "text/event-stream"}
PAGE = {"Accept": "application/json"}


@contextmanager
def serving(home: Home, workers: int) -> Iterator[httpx.Client]:
    """A client of a running server."""
    with home.start("serve", "--port", "0", "--json", "--workers", str(workers)) as server:
        try:
            assert server.stdout
            line = server.stdout.readline()
            assert line, server.communicate()
            url, token = json.loads(line)["url"], home.token()
            with httpx.Client(base_url=url, timeout=PATIENCE_S, headers=token) as client:
                yield client
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def api(home: Home) -> Iterator[httpx.Client]:
    """A client of a server that works on imports."""
    with serving(home, 1) as client:
        yield client


def create(api: httpx.Client) -> str:
    """Start an import; give its path."""
    answer = api.post(
        "/v1/imports", data={"type": "people"}, files={"file": ("p.csv", FILE, "text/csv")}
    )
    assert answer.status_code == 202, answer.text
    path: str = answer.headers["location"]
    return path


@dataclass(slots=True)
class Heard:
    """What a stream said."""

    positions: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    data: list[dict[str, Any]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Take a line."""
        name, _, rest = line.partition(": ")
        if name == "id":
            self.positions.append(int(rest))
        elif name == "event":
            self.kinds.append(rest)
        elif name == "data":
            self.data.append(json.loads(rest))
        elif line.startswith(":"):
            self.comments.append(rest)


def follow(api: httpx.Client, path: str, **headers: str) -> Heard:
    """Follow an import to its end."""
    heard = Heard()
    with api.stream("GET", f"{path}/events", headers={**STREAM, **headers}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            heard.take(line)
    return heard


def test_an_import_is_told_from_its_making_to_its_end(api: httpx.Client) -> None:
    path = create(api)
    heard = follow(api, path)
    assert heard.kinds[0] == "import.created"
    assert heard.kinds[-1] == "import.completed"
    assert heard.positions == sorted(set(heard.positions))
    assert heard.comments[-1] == "the import has ended"
    last = heard.data[-1]
    assert set(last) == {"type", "timestamp", "data"}
    assert last["type"] == "import.completed"
    assert last["data"]["id"] == path.rpartition("/")[2]
    assert last["data"]["counts"]["created"] + last["data"]["counts"]["unchanged"] == 1


def test_who_comes_back_goes_on_behind_the_last_one(api: httpx.Client) -> None:
    path = create(api)
    heard = follow(api, path)
    behind = str(heard.positions[1])
    header = {"Last-Event-ID": behind}
    assert follow(api, path, **header).positions == heard.positions[2:]
    query = api.get(f"{path}/events?after={behind}", headers=STREAM)
    assert query.text.count("id: ") == len(heard.positions) - 2
    # An EventSource repeats its address and adds the header, which is the newer of the two.
    both = api.get(f"{path}/events?after=0", headers={**STREAM, **header})
    assert both.text.count("id: ") == len(heard.positions) - 2


def test_who_was_told_all_is_told_not_to_come_back(api: httpx.Client) -> None:
    path = create(api)
    last = str(follow(api, path).positions[-1])
    answer = api.get(f"{path}/events", headers={**STREAM, "Last-Event-ID": last})
    assert (answer.status_code, answer.content) == (204, b"")


def test_the_same_is_there_by_the_page(api: httpx.Client) -> None:
    path = create(api)
    heard = follow(api, path)
    found, cursor = [], "0"
    while cursor is not None:
        page = api.get(f"{path}/events?limit=2&cursor={cursor}", headers=PAGE).json()
        found += page["items"]
        cursor = page["next_cursor"]
    assert [event["position"] for event in found] == heard.positions
    assert [event["data"] for event in found] == [said["data"] for said in heard.data]
    everything = api.get("/v1/events?limit=200", headers=PAGE).json()["items"]
    assert set(heard.positions) <= {event["position"] for event in everything}


@pytest.mark.parametrize(
    ("query", "headers", "said"),
    [
        ("?after=-1", STREAM, "last event id"),
        ("?after=%00", PAGE, "last event id"),
        ("?after=1234567890123456789", STREAM, "last event id"),
        ("?after=1&cursor=1", PAGE, "`cursor`"),
        ("?limit=0", PAGE, "limit"),
        ("?since=1", STREAM, "unknown"),
        ("", {**STREAM, "Last-Event-ID": "x"}, "last event id"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    api: httpx.Client, query: str, headers: dict[str, str], said: str
) -> None:
    answer = api.get(f"/v1/events{query}", headers=headers)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("headers", [STREAM, PAGE])
def test_an_import_that_is_not_there_has_no_events(
    api: httpx.Client, headers: dict[str, str]
) -> None:
    path = "/v1/imports/01a2037b-a4db-707a-a7ae-d9de35d10f9e/events"
    answer = api.get(path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "import_not_found")


def test_a_head_of_a_stream_ends(api: httpx.Client) -> None:
    answer = api.head("/v1/events", headers=STREAM)
    assert (answer.status_code, answer.content) == (200, b"")


def answering(home: Home) -> int | None:
    """Find the process that answers: the last one of `rowport api`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            if "api" in words and str(home.path) in words:
                found.append(int(folder.name))
    return max(found, default=None)


class Reader(threading.Thread):
    """One that follows an import, breaks off now and then, and comes back."""

    def __init__(self, api: httpx.Client, path: str, seed: int) -> None:
        super().__init__()
        self._path = f"{path}/events"
        self._dice = random.Random(seed)  # noqa: S311  a dice
        self.positions: list[int] = []
        self.breaks = 0
        self.should_end = threading.Event()
        self._behind = 0
        self._client = httpx.Client(base_url=api.base_url, headers=api.headers, timeout=2)

    def run(self) -> None:
        """Follow until told to end."""
        while not self.should_end.is_set():
            with suppress(httpx.HTTPError):
                self._follow(self._dice.randint(3, 9))
            self.breaks += 1
            time.sleep(0.02)
        self._client.close()

    def _follow(self, most: int) -> None:
        headers = {**STREAM, "Last-Event-ID": str(self._behind)}
        with self._client.stream("GET", self._path, headers=headers) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    self._behind = int(line[4:])
                elif not line and self.positions[-1:] != [self._behind] and self._behind:
                    self.positions.append(self._behind)
                    most -= 1
                if not most or self.should_end.is_set():
                    return


def change(rowport: Rowport, paths: list[str], *, times: int, home: Home) -> None:
    """Change imports in a random order; in the middle of it the server is killed twice."""
    names = [path.rpartition("/")[2] for path in paths]
    dice = random.Random(3)  # noqa: S311  likewise
    with psycopg.connect(rowport.database_url, autocommit=True) as connection:
        for number in range(times):
            connection.execute(
                "UPDATE rowport.imports SET phase = %s WHERE id = %s",
                (f"{('loading', 'reading')[number // 2 % 2]}", dice.choice(names)),
            )
            with suppress(Unavailable), rowport.database.transaction() as tx:
                rowport.ledger.events.publish(tx)
            if number in {times // 3, times * 2 // 3} and (pid := answering(home)):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


def test_nothing_is_missing_and_nothing_twice_though_readers_and_server_break_off(
    home: Home,
) -> None:
    with serving(home, 0) as api, open_rowport(home=home.path, database_url=None) as rowport:
        paths = [create(api) for _ in range(3)]
        readers = [Reader(api, paths[n % 3], n) for n in range(12)]
        for reader in readers:
            reader.start()
        change(rowport, paths, times=240, home=home)
        kept = [_kept(rowport, path) for path in paths]
        deadline = time.monotonic() + PATIENCE_S
        try:
            for number, reader in enumerate(readers):
                while len(reader.positions) < len(kept[number % 3]):
                    assert time.monotonic() < deadline, "not all came in time"
                    time.sleep(0.02)
        finally:
            for reader in readers:
                reader.should_end.set()
            for reader in readers:
                reader.join(PATIENCE_S)
        assert [reader.positions for reader in readers] == [kept[n % 3] for n in range(12)]
        assert min(reader.breaks for reader in readers) >= 3


def _kept(rowport: Rowport, path: str) -> list[int]:
    with psycopg.connect(rowport.database_url) as connection:
        found = connection.execute(
            "SELECT position FROM rowport.events WHERE import_id = %s ORDER BY position",
            (path.rpartition("/")[2],),
        )
        return [row[0] for row in found]


def test_a_server_that_stops_ends_its_streams_first(home: Home) -> None:
    with home.start("serve", "--port", "0", "--json", "--workers", "0") as server:
        assert server.stdout
        url = json.loads(server.stdout.readline())["url"]
        headers = {**STREAM, **home.token()}
        with httpx.stream("GET", f"{url}/v1/events", headers=headers, timeout=PATIENCE_S) as answer:
            lines = answer.iter_lines()
            assert next(lines) == "retry: 1000"
            server.terminate()
            assert ": the server stops; come back with the last event id" in list(lines)
        server.communicate(timeout=PATIENCE_S)
        assert server.returncode == 0
