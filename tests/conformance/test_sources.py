"""What every source does, at real servers that are started here."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncssh
import obstore
import pytest
from obstore.store import S3Store

from file_servers import make_bucket, s3_server, sftp_server
from rowport import sources
from rowport.model.errors import InvalidOptions, SourceChanged, SourceRefused, Unavailable
from rowport.model.feeds import AfterRead, SourceKind
from rowport.ports.sourcing import FoundFile
from rowport.sources import s3, sftp, url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rowport.ports.sourcing import OpenSource, Source

KINDS: Final = sources.discover()
KEY: Final = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "a-secret"}
BIG: Final = os.urandom(6_000_000)


class Cutter:
    """Passes bytes on to a server, but cuts each of the first connections off after so many."""

    def __init__(self, port: int) -> None:
        self.cuts: list[int] = []
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._closing = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()

    def _accept(self) -> None:
        with self._listening:
            while True:
                client, _ = self._listening.accept()
                if self._closing:
                    client.close()
                    return
                left = self.cuts.pop(0) if self.cuts else None
                threading.Thread(target=self._serve, args=(client, left), daemon=True).start()

    def _serve(self, client: socket.socket, left: int | None) -> None:
        with client, socket.create_connection(("127.0.0.1", self._to)) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            there = threading.Thread(target=self._pass, args=(client, server, None), daemon=True)
            there.start()
            self._pass(server, client, left)
            there.join()

    def _pass(self, source: socket.socket, sink: socket.socket, left: int | None) -> None:
        with suppress(OSError):
            while (left is None or left > 0) and (block := source.recv(65_536)):
                sink.sendall(block if left is None else block[:left])
                left = None if left is None else left - len(block)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@dataclass
class Place:
    """A source with a way to change what is in it."""

    source: Source
    settings: dict[str, Any]
    put: Callable[[str, bytes], object]
    remove: Callable[[str], object]
    cutter: Cutter | None = None
    wrong: Mapping[str, Any] = field(default_factory=dict)
    """Settings with which it does not let us in."""

    @contextmanager
    def open(self, **changed: object) -> Iterator[OpenSource]:
        with self.source.open(self.source.check({**self.settings, **changed})) as opened:
            yield opened

    def names(self, **changed: object) -> list[str]:
        with self.open(**changed) as opened:
            return sorted(file.name for file in opened.files())

    def find(self, name: str) -> FoundFile:
        with self.open() as opened:
            return next(file for file in opened.files() if file.name == name)

    def content(self, file: FoundFile) -> bytes:
        with self.open() as opened:
            return b"".join(opened.read(file))


def put_file(root: Path, name: str, content: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def of_folder(root: Path) -> Place:
    return Place(
        source=KINDS[SourceKind.FOLDER],
        settings={"path": str(root)},
        put=partial(put_file, root),
        remove=lambda name: (root / name).unlink(),
    )


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, in parts if asked, with an ETag, to who has the key."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *words: object) -> None:
        del words

    def do_HEAD(self) -> None:
        self.answer(has_body=False)

    def do_GET(self) -> None:
        self.answer(has_body=True)

    def answer(self, *, has_body: bool) -> None:
        path = Path(self.translate_path(self.path))
        if self.headers.get("X-Key") != "right":
            return self.say(403)
        if not path.is_file():
            return self.say(404)
        content, tag = path.read_bytes(), f'"{path.stat().st_mtime_ns}"'
        begin = 0
        if self.headers.get("If-Range") == tag:
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.send_header("ETag", tag)
        self.end_headers()
        if has_body:
            with suppress(OSError):
                self.wfile.write(content[begin:])
        return None

    def say(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def of_url(root: Path) -> Iterator[Place]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cutter = Cutter(server.server_port)
    try:
        yield Place(
            source=KINDS[SourceKind.URL],
            settings={
                "url": f"http://127.0.0.1:{cutter.port}/one.csv",
                "headers": {"X-Key": "right"},
            },
            put=partial(put_file, root),
            remove=lambda name: (root / name).unlink(),
            cutter=cutter,
            wrong={"headers": {"X-Key": "wrong"}},
        )
    finally:
        cutter.close()
        server.shutdown()
        server.server_close()


@contextmanager
def of_sftp(root: Path) -> Iterator[Place]:
    other = asyncssh.generate_private_key("ssh-ed25519")
    with sftp_server(root, "ann", "right") as (port, host_key):
        cutter = Cutter(port)
        try:
            yield Place(
                source=KINDS[SourceKind.SFTP],
                settings={
                    "host": "127.0.0.1",
                    "port": cutter.port,
                    "username": "ann",
                    "password": "right",
                    "host_key": host_key,
                    "path": "/",
                },
                put=partial(put_file, root),
                remove=lambda name: (root / name).unlink(),
                cutter=cutter,
                wrong={"host_key": other.get_fingerprint()},
            )
        finally:
            cutter.close()


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    with s3_server() as port:
        yield port


@contextmanager
def of_s3(port: int, bucket: str) -> Iterator[Place]:
    cutter = Cutter(port)
    direct = S3Store(
        bucket,
        access_key_id=KEY["access_key_id"],
        secret_access_key=KEY["secret_access_key"],
        region="us-east-1",
        endpoint=f"http://127.0.0.1:{port}",
        client_options={"allow_http": True},
    )
    make_bucket(port, bucket)
    try:
        yield Place(
            source=KINDS[SourceKind.S3],
            settings={**KEY, "bucket": bucket, "endpoint": f"http://127.0.0.1:{cutter.port}"},
            put=lambda name, content: obstore.put(direct, name, content),
            remove=lambda name: obstore.delete(direct, name),
            cutter=cutter,
            wrong={"bucket": f"{bucket}-other"},
        )
    finally:
        cutter.close()


@pytest.fixture(params=["folder", "s3", "sftp", "url"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    root = tmp_path / "in"
    root.mkdir()
    monkeypatch.setenv("ROWPORT_SOURCE_FOLDERS", str(tmp_path))
    match request.param:
        case "folder":
            yield of_folder(root)
            return
        case "s3":
            port = request.getfixturevalue("s3_port")
            manager = of_s3(port, f"b{time.time_ns()}")
        case "sftp":
            manager = of_sftp(root)
        case _:
            manager = of_url(root)
    with manager as made:
        assert made.cutter
        monkeypatch.setenv("ROWPORT_OUTBOUND_ALLOW", f"127.0.0.1:{made.cutter.port}")
        yield made


over_the_network = pytest.mark.parametrize("place", ["s3", "sftp", "url"], indirect=True)


def test_every_kind_that_the_model_knows_has_a_source() -> None:
    by_people = {SourceKind.UPLOAD, SourceKind.INLINE}
    assert set(KINDS) == set(SourceKind) - by_people


@pytest.mark.parametrize("content", [b"", b"id\n1\n", BIG], ids=["nothing", "a row", "6 MB"])
def test_a_file_is_found_and_read_whole(place: Place, content: bytes) -> None:
    place.put("one.csv", content)
    file = place.find("one.csv")
    assert file.size_bytes == len(content)
    assert file.version
    assert place.content(file) == content


def test_the_version_tells_whether_a_file_changed(place: Place) -> None:
    place.put("one.csv", b"id\n1\n")
    first = place.find("one.csv")
    assert place.find("one.csv").version == first.version
    time.sleep(1.1)  # some servers tell whole seconds
    place.put("one.csv", b"id\n2\n")
    assert place.find("one.csv").version != first.version


def test_a_file_that_was_replaced_is_not_read(place: Place) -> None:
    place.put("one.csv", b"id\n1\n")
    file = place.find("one.csv")
    place.put("one.csv", b"id\n1\n2\n")
    with pytest.raises(SourceChanged):
        place.content(file)


def test_a_file_that_is_gone_is_not_read(place: Place) -> None:
    place.put("one.csv", b"id\n1\n")
    file = place.find("one.csv")
    place.remove("one.csv")
    with pytest.raises((SourceChanged, SourceRefused)):
        place.content(file)


def test_folders_are_walked_and_files_chosen_by_their_names(place: Place) -> None:
    if place.source.kind is SourceKind.URL:
        place.put("one.csv", b"")
        assert place.names() == ["one.csv"]
        return
    for name in ("a.csv", "b.txt", "in/c.csv", "in/deep/d.csv", ".hidden.csv", ".h/e.csv"):
        place.put(name, b"x")
    assert place.names() == ["a.csv", "b.txt", "in/c.csv", "in/deep/d.csv"]
    assert place.names(pattern="*.csv") == ["a.csv", "in/c.csv", "in/deep/d.csv"]
    assert place.names(pattern="in/*.csv") == ["in/c.csv", "in/deep/d.csv"]
    assert place.names(pattern="[a]*") == ["a.csv"]


def test_who_does_not_let_us_in_is_said(place: Place) -> None:
    place.put("one.csv", b"id\n1\n")
    if place.source.kind is SourceKind.FOLDER:
        wrong: Mapping[str, Any] = {"path": f"{place.settings['path']}/none"}
    else:
        wrong = place.wrong
    with pytest.raises(SourceRefused) as refused:
        place.names(**wrong)
    assert "right" not in refused.value.message


def test_a_setting_that_is_unknown_or_missing_is_named(place: Place) -> None:
    with pytest.raises(InvalidOptions, match="colour"):
        place.source.check({**place.settings, "colour": "red"})
    first = next(name for name in place.settings if name not in {"access_key_id", "password"})
    left = {name: value for name, value in place.settings.items() if name != first}
    with pytest.raises(InvalidOptions, match=first):
        place.source.check(left)


def test_settings_are_kept_so_that_they_can_be_used_again(place: Place) -> None:
    kept = place.source.check(place.settings)
    assert place.source.check(kept) == kept


@over_the_network
def test_a_transfer_that_breaks_off_goes_on_where_it_was(place: Place) -> None:
    assert place.cutter
    place.put("one.csv", BIG)
    file = place.find("one.csv")
    place.cutter.cuts = [1_000_000, 2_500_000, 40_000, 700_000]
    assert place.content(file) == BIG
    assert not place.cutter.cuts


@over_the_network
def test_a_server_that_is_gone_is_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.put("one.csv", b"id\n1\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("ROWPORT_OUTBOUND_ALLOW", f"127.0.0.1:{port}")
    with pytest.raises(Unavailable):
        place.names(**elsewhere(place, port))


@over_the_network
def test_a_server_that_says_nothing_is_given_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((s3, "_ANSWER"), (s3, "_SILENCE")):
        monkeypatch.setattr(module, name, getattr(module, name) / 20)
    monkeypatch.setattr(sftp, "_ANSWER_S", 1.0)
    monkeypatch.setattr(url, "_SILENCE_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("ROWPORT_OUTBOUND_ALLOW", f"127.0.0.1:{port}")
        began = time.monotonic()
        with pytest.raises(Unavailable):
            place.names(**elsewhere(place, port))
        assert time.monotonic() - began < 30


def elsewhere(place: Place, port: int) -> dict[str, Any]:
    match place.source.kind:
        case SourceKind.S3:
            return {"endpoint": f"http://127.0.0.1:{port}"}
        case SourceKind.SFTP:
            return {"port": port}
        case _:
            return {"url": f"http://127.0.0.1:{port}/one.csv"}


@over_the_network
def test_private_addresses_are_not_reached(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWPORT_OUTBOUND_ALLOW", "")
    wanted = place.settings | (
        {"url": "https://127.0.0.1/one.csv"} if place.source.kind is SourceKind.URL else {}
    )
    with (
        pytest.raises((InvalidOptions, SourceRefused)),
        place.source.open(place.source.check(wanted)) as opened,
    ):
        list(opened.files())


def test_a_file_is_set_aside(place: Place) -> None:
    place.put("one.csv", b"id\n1\n")
    file = place.find("one.csv")
    with place.open() as opened:
        opened.set_aside(file, AfterRead.NONE)
        if place.source.kind is SourceKind.URL:
            with pytest.raises(SourceRefused):
                opened.set_aside(file, AfterRead.DELETE)
            return
        opened.set_aside(file, AfterRead.MOVE, "done")
        assert [found.name for found in opened.files()] == ["done/one.csv"]
        opened.set_aside(file, AfterRead.MOVE, "done")  # once more: nothing is there
        moved = next(iter(opened.files()))
        opened.set_aside(moved, AfterRead.DELETE)
        opened.set_aside(moved, AfterRead.DELETE)
        assert list(opened.files()) == []


def test_a_folder_lets_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "open"
    root.mkdir()
    monkeypatch.setenv("ROWPORT_SOURCE_FOLDERS", str(root))
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"secret")
    (root / "link.csv").symlink_to(secret)
    (root / "out").symlink_to(tmp_path)
    place = of_folder(root)
    with pytest.raises(InvalidOptions, match="ROWPORT_SOURCE_FOLDERS"):
        place.source.check({"path": str(tmp_path)})
    with pytest.raises(InvalidOptions, match="ROWPORT_SOURCE_FOLDERS"):
        place.source.check({"path": f"{root}/out"})
    for name in ("link.csv", "out/secret.csv", "../secret.csv"):
        found = FoundFile(name=name, size_bytes=6, version="x")
        with pytest.raises((SourceRefused, SourceChanged)):
            place.content(found)
