"""`rowport serve`: everything in one command, for as long as it runs and not a moment longer."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.conftest import Home

PATIENCE_S = 60.0


class Server:
    """A running `rowport serve`."""

    def __init__(self, home: Home, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        line = process.stdout.readline()
        assert line, process.communicate()
        self.told: dict[str, Any] = json.loads(line)
        self.process = process
        self._home = home

    def processes(self, word: str) -> list[int]:
        """Find the processes of this home whose command line has the word."""
        found = []
        for process in Path("/proc").iterdir():
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().decode().split("\0")
                if word in words and str(self._home.path) in words:
                    found.append(int(process.name))
        return sorted(found)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it; give the exit status and what it said on stderr."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, err


@contextmanager
def serving(home: Home, *words: str) -> Iterator[Server]:
    """Run a server; whatever happens it is gone in the end."""
    with home.start("serve", "--port", "0", "--json", *words) as process:
        try:
            yield Server(home, process)
        finally:
            process.kill()
            process.communicate()


def wait_until(what: Any) -> None:  # noqa: ANN401  a condition
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Tell whether the API is ready."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/readyz").status_code == 200
    return False


def test_it_says_where_it_is_and_stops_in_time(home: Home) -> None:
    with serving(home) as server:
        assert server.told["url"].startswith("http://127.0.0.1:")
        assert server.told["workers"] == 2
        assert server.told["pid"] == server.process.pid
        assert len(server.processes("worker")) == 2
        assert answers(server.told["url"])
        began = time.monotonic()
        status, err = server.stop()
        assert (status, err) == (0, "")
        assert time.monotonic() - began < 10
        assert server.processes("worker") == server.processes("api") == []
        assert not answers(server.told["url"])


def test_ctrl_c_stops_it_too(home: Home) -> None:
    with serving(home, "--workers", "0") as server:
        assert server.stop(signal.SIGINT) == (0, "")


def test_a_dead_worker_is_replaced(home: Home) -> None:
    with serving(home, "--workers", "1") as server:
        [old] = server.processes("worker")
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: server.processes("worker") not in ([], [old]))
        status, err = server.stop()
        assert status == 0
        assert "starting it again" in err


@pytest.mark.parametrize("first", [True, False], ids=["the first process", "the one that answers"])
def test_a_dead_api_is_replaced(home: Home, *, first: bool) -> None:
    with serving(home, "--workers", "0") as server:
        master, answering = server.processes("api")
        os.kill(master if first else answering, signal.SIGKILL)
        old = {master, answering} if first else {answering}
        wait_until(lambda: old.isdisjoint(server.processes("api")))
        wait_until(lambda: answers(server.told["url"]))
        assert server.stop()[0] == 0
        assert server.processes("api") == []


def test_nothing_outlives_a_server_that_was_killed(home: Home) -> None:
    with serving(home) as server:
        server.process.kill()
        server.process.wait()
        wait_until(lambda: not server.processes("worker") + server.processes("api"))
        wait_until(lambda: not answers(server.told["url"]))


def test_others_than_this_machine_are_warned_of(home: Home) -> None:
    with serving(home, "--workers", "0", "--host", "0.0.0.0") as server:  # noqa: S104  the point
        status, err = server.stop()
        assert status == 0
        assert "TLS: whoever listens in between" in err


def test_a_port_that_is_taken_is_told(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = home.run("serve", "--port", port)
    assert done.status == 2
    assert f"port {port}" in done.err
    assert "--port" in done.err


def test_an_address_of_another_machine_is_told(home: Home) -> None:
    done = home.run("serve", "--host", "192.0.2.1")
    assert (done.status, "192.0.2.1" in done.err) == (2, True)


def test_an_import_follows_workers_that_are_there(home: Home) -> None:
    with serving(home) as server:
        wait_until(lambda: httpx.get(server.told["url"] + "/readyz").json()["workers"] == 2)
        served = server.processes("worker")
        file = home.file("served.csv", "email\ns@x.org\n")
        assert home.run("import", file, "--type", "people").status == 0
        assert server.processes("worker") == served
        assert server.stop()[0] == 0


def bearing(secret: str) -> dict[str, str]:
    """Give the header that carries a token."""
    return {"Authorization": f"Bearer {secret}"}


def test_the_first_start_prints_an_admin_token_once(new_home: Callable[[], Home]) -> None:
    home = new_home()
    with EmbeddedPostgres(home.path):
        with serving(home, "--workers", "0") as server:
            secret = server.told["admin_token"]
            answer = httpx.get(server.told["url"] + "/v1/imports", headers=bearing(secret))
            assert answer.json() == {"items": [], "next_cursor": None}
            assert server.stop()[0] == 0
        [token] = home.run("--json", "token", "list").documents
        assert (token["scopes"], token["name"]) == (["admin"], "first admin token")
        home.ask("token", "revoke", token["id"])
        with serving(home, "--workers", "0") as server:
            assert "admin_token" not in server.told
            answer = httpx.get(server.told["url"] + "/v1/imports", headers=bearing(secret))
            assert answer.status_code == 401
            assert server.stop()[0] == 0
        logs = b"".join(path.read_bytes() for path in home.path.glob("logs/*"))
        assert secret.encode() not in logs


def test_the_admin_token_may_be_given(new_home: Callable[[], Home]) -> None:
    bare = new_home()
    given = "rp_" + "g" * 43
    home = replace(bare, environment={"ROWPORT_ADMIN_TOKEN": given})
    with EmbeddedPostgres(home.path):
        for _ in range(2):
            with serving(home, "--workers", "1") as server:
                assert "admin_token" not in server.told
                answer = httpx.get(server.told["url"] + "/v1/imports", headers=bearing(given))
                assert answer.status_code == 200
                for pid in server.processes("api") + server.processes("worker"):
                    assert given.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
                assert server.stop() == (0, "")
        [token] = home.run("--json", "token", "list").documents
        home.ask("token", "revoke", token["id"])
        with serving(home, "--workers", "0") as server:
            answer = httpx.get(server.told["url"] + "/v1/imports", headers=bearing(given))
            assert answer.status_code == 401, "a revoked token came back"
            assert server.stop()[0] == 0


def test_an_admin_token_that_can_be_guessed_is_refused(home: Home) -> None:
    weak = replace(home, environment={"ROWPORT_ADMIN_TOKEN": "hunter2"})
    done = weak.run("serve", "--port", "0")
    assert done.status == 2
    assert "ROWPORT_ADMIN_TOKEN" in done.err
    assert "32" in done.err
    assert "hunter2" not in done.err
