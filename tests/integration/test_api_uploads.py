"""Resumable uploads: what is cut off goes on where it stopped, and the bytes are the same."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from tests.conftest import EXECUTABLE, until
from tusclient.client import TusClient

from rowport.bootstrap import open_rowport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

PATIENCE_S = 60.0
TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}
NOWHERE = "01a2203d-0000-7000-8000-000000000000"
MEGABYTE = 1_000_000
LARGE = random.Random(6).randbytes(6 * MEGABYTE)  # noqa: S311  test data, no secret


class Server:
    """The process that answers, which can be killed and started again on its port."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = int(free.getsockname()[1])
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers=home.token(), timeout=PATIENCE_S
        )
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            [EXECUTABLE, "api", "--host", "127.0.0.1", "--port", str(self.port)],
            env={**os.environ, "ROWPORT_HOME": str(self._home.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(self._answers)

    def _answers(self) -> bool:
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """End it without a word, its children too."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:
            pass

    def create(self, size: int, **headers: str) -> str:
        """Make an upload; give its path."""
        answer = self.client.post(
            "/v1/uploads", headers={**TUS, "Upload-Length": str(size), **headers}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"])

    def offset(self, path: str) -> int:
        """Ask where the next part begins."""
        answer = self.client.head(path, headers=TUS)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.headers["tus-resumable"] == "1.0.0"
        return int(answer.headers["upload-offset"])

    def send(self, path: str, offset: int, data: bytes, **headers: str) -> httpx.Response:
        """Send a part."""
        headers = {**PART, "Upload-Offset": str(offset), **headers}
        return self.client.patch(path, headers=headers, content=data)

    def begin(self, path: str, offset: int, announced: int) -> socket.socket:
        """Begin a part on a connection of its own, of which the body is still to come."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        said = {**PART, "Upload-Offset": str(offset), "Content-Length": str(announced)}
        said["Authorization"] = self.client.headers["authorization"]
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        line.sendall(f"PATCH {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
        return line

    def cut(self, path: str, offset: int, data: bytes, announced: int) -> None:
        """Send a part whose connection ends before it does."""
        with self.begin(path, offset, announced) as line:
            line.sendall(data)

    def settled(self, path: str) -> int:
        """Wait until nobody writes; give where the next part begins."""
        until(lambda: self.send(path, self.offset(path), b"").status_code == 204)
        return self.offset(path)

    def finish(self, path: str, content: bytes) -> None:
        """Go on as clients do until all of it is there."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            offset = self.offset(path)
            answer = self.send(path, offset, content[offset:])
            if answer.status_code == 204:
                assert answer.headers["upload-offset"] == str(len(content))
                return
            assert answer.status_code in {409, 423}, answer.text  # the one before it still ends
            time.sleep(0.01)
        pytest.fail("it did not end in time")

    def holds(self, path: str, content: bytes) -> bool:
        """Tell whether the upload is this content, here and in the store."""
        told = self.client.get(path).json()["sha256"]
        stored = (self._home.path / "blobs" / "uploads" / path.rpartition("/")[2]).read_bytes()
        return told == hashlib.sha256(content).hexdigest() and stored == content


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    started = Server(home)
    yield started
    started.kill()
    started.client.close()


def meta(**words: str) -> str:
    """Say metadata as tus does."""
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in words.items())


def test_the_server_tells_what_it_speaks(server: Server) -> None:
    told = httpx.options(f"{server.client.base_url}/v1/uploads")
    assert (told.status_code, told.headers["tus-version"]) == (204, "1.0.0")
    assert told.headers["tus-max-size"] == str(64 * 1024**3)
    assert set(told.headers["tus-extension"].split(",")) == {
        "creation", "creation-with-upload", "termination", "checksum", "expiration",
    }  # fmt: skip
    assert "sha1" in told.headers["tus-checksum-algorithm"].split(",")


def test_an_upload_says_how_far_it_is(server: Server) -> None:
    said = meta(filename="é 株.csv", filetype="text/csv")
    path = server.create(10, **{"Upload-Metadata": said})
    assert server.send(path, 0, b"01234").headers["upload-offset"] == "5"
    answer = server.client.get(path)
    assert answer.headers["upload-length"] == "10"
    assert answer.headers["upload-metadata"] == said
    assert answer.headers["upload-expires"].endswith("GMT")
    document = answer.json()
    assert (document["name"], document["media_type"]) == ("é 株.csv", "text/csv")
    assert (document["size_bytes"], document["received_bytes"]) == (10, 5)
    assert document["sha256"] is None
    server.send(path, 5, b"56789")
    assert server.holds(path, b"0123456789")


def test_the_first_part_may_come_with_the_creation(server: Server) -> None:
    headers = {**PART, "Upload-Length": "6"}
    answer = server.client.post("/v1/uploads", headers=headers, content=b"abc")
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "3")
    assert server.send(answer.headers["location"], 3, b"def").status_code == 204
    assert server.holds(answer.headers["location"], b"abcdef")
    empty = server.create(0)
    assert server.holds(empty, b"")


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_a_cut_at_any_byte_loses_and_doubles_nothing(server: Server, first: int) -> None:
    content = LARGE[:300]
    for at in range(first, first + 100):
        path = server.create(len(content))
        server.cut(path, 0, content[:at], announced=len(content))
        server.finish(path, content)
        assert server.holds(path, content), at


def test_cuts_at_random_places_of_a_large_file_lose_and_double_nothing(server: Server) -> None:
    places = random.Random(45)  # noqa: S311  as above
    for _ in range(15):
        path = server.create(len(LARGE))
        for at in sorted(places.sample(range(len(LARGE)), 3)):
            offset = server.settled(path)
            server.cut(path, offset, LARGE[offset:at], announced=len(LARGE) - offset)
        server.finish(path, LARGE)
        assert server.holds(path, LARGE)


def test_what_was_cut_off_is_kept(server: Server) -> None:
    path = server.create(300)
    server.cut(path, 0, LARGE[:200], announced=300)
    until(lambda: server.offset(path) == 200)


def test_a_server_that_is_killed_over_and_over_loses_and_doubles_nothing(server: Server) -> None:
    size = 20 * MEGABYTE
    content = random.Random(20).randbytes(size)  # noqa: S311  as above
    path = server.create(size)
    offset = 0
    for number in range(1, 21):
        before, offset = offset, server.settled(path)
        assert offset >= before  # what was told to be safe is
        with server.begin(path, offset, size - offset) as line:
            line.sendall(content[offset : number * size // 21])
            server.kill()
        server.start()
    server.finish(path, content)
    assert server.holds(path, content)


def test_a_part_that_is_too_long_is_refused_and_changes_nothing(server: Server) -> None:
    path = server.create(100)
    server.send(path, 0, b"x" * 40)
    long = server.send(path, 40, b"y" * 61)
    assert (long.status_code, long.json()["code"]) == (413, "too_large")
    assert long.headers["tus-resumable"] == "1.0.0"

    def unannounced() -> Iterator[bytes]:
        yield b"y" * 61

    headers = {**PART, "Upload-Offset": "40"}
    assert server.client.patch(path, headers=headers, content=unannounced()).status_code == 413
    server.finish(path, b"x" * 40 + b"z" * 60)
    assert server.holds(path, b"x" * 40 + b"z" * 60)


def test_two_do_not_write_at_once_and_one_that_stalls_keeps_nobody_else(server: Server) -> None:
    path = server.create(1000)
    with server.begin(path, 0, 1000) as line:
        line.sendall(b"a" * 10)
        until(lambda: server.send(path, 0, b"b").status_code == 423)
        for refused in (
            server.send(path, 0, b"b" * 1000),
            server.client.delete(path, headers=TUS),
        ):
            assert (refused.status_code, refused.json()["code"]) == (423, "locked")
            assert refused.headers["retry-after"] == "1"
        # It has the line, and stalls: everybody else is served.
        other = server.create(len(LARGE))
        server.finish(other, LARGE)
        assert server.holds(other, LARGE)
        assert server.offset(path) == 0
        line.sendall(b"a" * 990)
        assert b" 204 " in line.recv(4096)
    assert server.holds(path, b"a" * 1000)


def test_of_many_who_write_one_upload_one_does(server: Server) -> None:
    path = server.create(MEGABYTE)

    def write(number: int) -> int:
        return server.send(path, 0, bytes([number]) * MEGABYTE).status_code

    with ThreadPoolExecutor(8) as crowd:
        statuses = list(crowd.map(write, range(8)))
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 423}
    assert server.holds(path, bytes([statuses.index(204)]) * MEGABYTE)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_part_that_is_not_as_its_sender_says_is_not_kept(server: Server, algorithm: str) -> None:
    path = server.create(6)
    digest = base64.b64encode(hashlib.new(algorithm, b"abc").digest()).decode()
    said = {"Upload-Checksum": f"{algorithm} {digest}"}
    wrong = server.send(path, 0, b"abd", **said)
    assert (wrong.status_code, wrong.json()["code"]) == (460, "checksum_mismatch")
    assert server.offset(path) == 0
    assert server.send(path, 0, b"abc", **said).status_code == 204
    server.cut(path, 3, b"ab", announced=3)  # one that nobody checks is kept as far as it came
    server.finish(path, b"abcabc")
    assert server.holds(path, b"abcabc")


def test_an_upload_that_was_dropped_is_gone(server: Server, home: Home) -> None:
    path = server.create(3)
    server.send(path, 0, b"ab")
    assert server.client.delete(path, headers=TUS).status_code == 204
    for gone in (
        server.client.get(path),
        server.send(path, 2, b"c"),
        server.client.delete(path, headers=TUS),
    ):
        assert (gone.status_code, gone.json()["code"]) == (404, "upload_not_found")
    assert not (home.path / "blobs" / "uploads" / path.rpartition("/")[2]).exists()


def test_what_nobody_goes_on_with_expires(server: Server, home: Home) -> None:
    kept, stale = server.create(3), server.create(3)
    server.send(stale, 0, b"ab")
    with open_rowport(home=home.path, database_url=None) as rowport:
        with psycopg.connect(rowport.database_url) as database:
            database.execute(
                "UPDATE rowport.uploads SET expires_at = now() - interval '1 s' WHERE id = %s",
                [stale.rpartition("/")[2]],
            )
        assert server.client.get(stale).status_code == 404
        assert rowport.new_works().uploads.drop_expired(should_stop=lambda: False) == 1
    assert not (home.path / "blobs" / "uploads" / stale.rpartition("/")[2]).exists()
    assert server.client.get(kept).status_code == 200


def test_bytes_that_the_disk_lost_are_sent_again(server: Server, home: Home) -> None:
    path = server.create(300)
    server.send(path, 0, LARGE[:200])
    blob = home.path / "blobs" / "uploads" / path.rpartition("/")[2]
    blob.write_bytes(LARGE[:120])
    assert server.send(path, 200, LARGE[200:300]).status_code == 409
    assert server.offset(path) == 120
    server.finish(path, LARGE[:300])
    assert server.holds(path, LARGE[:300])


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"headers": {"Upload-Length": "1"}}, 412, "unsupported_version"),
        ({"headers": {"Tus-Resumable": "0.2.2", "Upload-Length": "1"}}, 412, "unsupported_version"),
        ({"headers": TUS}, 400, "invalid_request"),
        ({"headers": {**TUS, "Upload-Length": "-1"}}, 400, "invalid_request"),
        ({"headers": {**TUS, "Upload-Length": "9" * 30}}, 400, "invalid_request"),
        ({"headers": {**TUS, "Upload-Length": str(64 * 1024**3 + 1)}}, 413, "too_large"),
        ({"headers": {**TUS, "Upload-Length": "1", "Upload-Metadata": "a b c"}}, 400, ""),
        ({"headers": {**TUS, "Upload-Length": "1", "Upload-Metadata": "a b"}}, 400, ""),
        ({"headers": {**TUS, "Upload-Length": "1", "Upload-Metadata": "a YQ==,a YQ=="}}, 400, ""),
        (
            {"headers": {**TUS, "Upload-Length": "1", "Upload-Metadata": meta(filename="a\x00")}},
            400,
            "invalid_request",
        ),
        ({"headers": {**TUS, "Upload-Length": "1"}, "json": {}}, 415, "unsupported_media"),
        ({"headers": {**PART, "Upload-Length": "1"}, "content": b"ab"}, 413, "too_large"),
        ({"headers": {**TUS, "Upload-Length": "1"}, "params": {"x": 1}}, 400, "invalid_request"),
    ],
)
def test_an_upload_that_cannot_be_is_refused(
    server: Server, request_: dict[str, Any], status: int, code: str
) -> None:
    answer = server.client.post("/v1/uploads", **request_)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == (code or "invalid_request")
    assert answer.headers["tus-resumable"] == answer.headers["tus-version"] == "1.0.0"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Tus-Resumable": "2.0.0"}, 412),
        ({"Upload-Offset": "x"}, 400),
        ({"Upload-Offset": "1"}, 409),
        ({"Upload-Checksum": "crc9 AAAA"}, 400),
        ({"Upload-Checksum": "sha1 !"}, 400),
        ({"Authorization": "Bearer no"}, 401),
    ],
)
def test_a_part_that_cannot_be_is_refused(
    server: Server, headers: dict[str, str], status: int
) -> None:
    path = server.create(3)
    answer = server.send(path, 0, b"abc", **headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert server.offset(path) == 0


@pytest.mark.parametrize("what", ["7", "%00", NOWHERE])
def test_what_is_not_there_is_told_so(server: Server, what: str) -> None:
    status = 404 if what == NOWHERE else 400
    assert server.client.get(f"/v1/uploads/{what}").status_code == status
    assert server.send(f"/v1/uploads/{what}", 0, b"").status_code == status


def test_a_common_client_uploads_and_goes_on(server: Server) -> None:
    client = TusClient(
        f"{server.client.base_url}/v1/uploads",
        headers={"Authorization": server.client.headers["authorization"]},
    )
    words = {
        "file_stream": io.BytesIO(LARGE),
        "chunk_size": MEGABYTE,
        "metadata": {"filename": "l.csv"},
    }
    first = client.uploader(**words, upload_checksum=True)
    for _ in range(2):
        first.upload_chunk()
    again = client.uploader(**words, url=first.url)
    assert again.offset == 2 * MEGABYTE
    again.upload()
    path = str(first.url).removeprefix(str(server.client.base_url).rstrip("/"))
    assert server.holds(path, LARGE)
    assert server.client.get(path).json()["name"] == "l.csv"
