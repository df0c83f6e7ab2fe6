"""Rowport as people run it: the real program in a home of its own."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# A busy machine is no fault of an example; speed is judged by bench/, against a floor.
settings.register_profile(
    "rowport", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rowport")

EXECUTABLE = Path(sys.executable).with_name("rowport")
EXAMPLES = Path(__file__).parents[1] / "examples"
PATIENCE_S = 90.0
PEOPLE = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"required": True}},
        {"name": "name", "title": "Full name", "type": "string"},
        {"name": "age", "type": "integer"},
    ],
    "primaryKey": ["email"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str
    """Empty when stderr was not ours to read."""

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        [line] = self.out.splitlines()
        document = json.loads(line)
        assert isinstance(document, dict)
        return document

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The JSON documents on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A home, and the program that works on it."""

    path: Path
    room: Path
    """Where tests put their files."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self, *words: str | Path, **options: Any) -> subprocess.Popen[str]:  # noqa: ANN401  Popen's
        """Start a command and leave it running."""
        return subprocess.Popen(
            [EXECUTABLE, *words],
            env={**os.environ, "ROWPORT_HOME": str(self.path), **self.environment},
            encoding="utf-8",
            cwd=self.room,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **options,
            },
        )

    def run(self, *words: str | Path, **options: Any) -> Done:  # noqa: ANN401  Popen's
        """Run a command to its end."""
        return finish(self.start(*words, **options))

    def ask(self, *words: str | Path) -> dict[str, Any]:
        """Run a command that must be fine; give its document."""
        done = self.run("--json", *words)
        assert done.status == 0, done
        return done.document

    def token(self, *scopes: str) -> dict[str, str]:
        """Make a token; give the header that carries it."""
        words = [word for scope in scopes for word in ("--scope", scope)]
        secret = self.ask("token", "create", "for a test", *words)["secret"]
        return {"Authorization": f"Bearer {secret}"}

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file to import."""
        path = self.room / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


def finish(process: subprocess.Popen[str], *, timeout_s: float = PATIENCE_S) -> Done:
    """Wait for a command's end."""
    with process:
        out, err = process.communicate(timeout=timeout_s)
    return Done(status=process.returncode, out=out, err=err or "")


class Terminal:
    """A terminal with somebody before it, who reads on: an unread one stops whoever writes."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self._seen: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # how a terminal ends
            while part := os.read(self._ours, 4096):
                self._seen.append(part)

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{line}\n".encode())

    def leave(self) -> str:
        """Give all that was shown, once the commands that wrote have ended."""
        os.close(self.theirs)
        self._reader.join(PATIENCE_S)
        os.close(self._ours)
        return b"".join(self._seen).decode()


def until(what: Callable[[], bool], *, timeout_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Home]]:
    """Make homes; what they leave outside of the test's folder is deleted in the end."""
    homes: list[Home] = []

    def make() -> Home:
        room = tmp_path_factory.mktemp("rowport")
        homes.append(Home(path=room / "home", room=room))
        return homes[-1]

    yield make
    for home in homes:
        EmbeddedPostgres(home.path).discard()


@pytest.fixture(scope="module")
def home(new_home: Callable[[], Home]) -> Iterator[Home]:
    """A home with the record types `people` and `contacts`, shared by the tests of a module.

    We use its database too, so that it does not stop and start for each command.
    """
    made = new_home()
    with EmbeddedPostgres(made.path):
        made.ask("type", "put", "people", made.file("people.json", json.dumps(PEOPLE)))
        made.ask("type", "put", "contacts", EXAMPLES / "contacts.schema.json")
        yield made
