"""Kill anything in the middle of an import: it completes by itself, and every row is there once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Home

ROWS = 120_000
BAD_SHARE = 0.03
PATIENCE_S = 120.0
MILLION = Path(__file__).parents[2] / "bench" / "people.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A home with a long import to do, and what it must come to."""

    home: Home
    file: Path
    url: str

    def begin(self) -> subprocess.Popen[str]:
        """Start the import anew, on an empty table."""
        self.ask("TRUNCATE data_default.people")
        return self.home.start("import", self.file, "--type", "people", "--json")

    def ask(self, statement: str) -> list[tuple[int, ...]]:
        """Ask the database, which may be away for a while."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with psycopg.connect(self.url, autocommit=True) as connection:
                    cursor = connection.execute(statement.encode())
                    return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the database stays away"
                time.sleep(0.05)

    def share_done(self) -> float:
        """Tell how much of the newest import is done."""
        found = self.ask(
            "SELECT count(*) FILTER (WHERE state = 'done'), greatest(count(*), 1) "
            "FROM rowport.chunks WHERE import_id = "
            "(SELECT id FROM rowport.imports WHERE finished_at IS NULL ORDER BY id DESC LIMIT 1)"
        )
        return found[0][0] / found[0][1]

    def reach(self, share: float) -> None:
        """Wait until so much of the import is done."""
        deadline = time.monotonic() + PATIENCE_S
        while self.share_done() < share:
            assert time.monotonic() < deadline, "the import does not get so far"
            time.sleep(0.01)
        assert self.share_done() < 0.8

    def pids(self, *words: str) -> list[int]:
        """Find the processes of this home whose command line has all these words."""
        found = []
        for process in Path("/proc").iterdir():
            with suppress(OSError):
                line = (process / "cmdline").read_bytes().decode().split("\0")
                if {*words, str(self.home.path)} <= {*line}:
                    found.append(int(process.name))
        return found

    def postmaster(self) -> int:
        """Find the server."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        return int((Path(row[0]) / "postmaster.pid").read_text().split()[0])


@pytest.fixture(scope="module")
def scene(new_home: Callable[[], Home]) -> Iterator[Scene]:
    """Chunks are small, so that there is a middle."""
    made = new_home()
    home = type(made)(path=made.path, room=made.room, environment={"ROWPORT_CHUNK_ROWS": "2000"})
    file = home.room / "people.csv"
    subprocess.run([sys.executable, MILLION, str(ROWS), str(BAD_SHARE), file], check=True)
    with EmbeddedPostgres(home.path) as server:  # it stays between two imports
        home.ask("type", "put", "people", file.with_suffix(".schema.json"))
        yield Scene(home=home, file=file, url=server.url())


def until(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.05)


def kill_one_worker(scene: Scene) -> None:
    os.kill(scene.pids("worker")[0], signal.SIGKILL)


def kill_all_workers(scene: Scene) -> None:
    for pid in scene.pids("worker"):
        os.kill(pid, signal.SIGKILL)


def kill_the_server(scene: Scene) -> None:
    os.kill(scene.postmaster(), signal.SIGKILL)


def kill_the_supervisor(scene: Scene) -> None:
    [supervisor] = scene.pids("rowport.store.embedded.supervisor")
    os.kill(supervisor, signal.SIGKILL)


@pytest.mark.parametrize(
    "kill", [kill_one_worker, kill_all_workers, kill_the_server, kill_the_supervisor]
)
def test_an_import_completes_whoever_is_killed_in_its_midst(
    scene: Scene, kill: Callable[[Scene], None]
) -> None:
    with scene.begin() as following:
        scene.reach(0.2)
        kill(scene)
        out, err = following.communicate(timeout=PATIENCE_S)
    assert following.returncode == 3, err  # some rows are bad
    document = json.loads(out)
    counts = document["counts"]
    assert document["state"] == "completed"
    assert counts["total"] == counts["created"] + counts["failed"] == ROWS
    assert counts["pending"] == 0
    assert scene.ask("SELECT count(*), count(DISTINCT id) FROM data_default.people") == [
        (counts["created"], counts["created"])
    ]
    rows = scene.home.run("rows", document["id"], "--outcome", "failed", "--json").documents
    assert len(rows) == counts["failed"]


@pytest.mark.parametrize("kill", [kill_all_workers, kill_the_server])
def test_an_undo_completes_whoever_is_killed_in_its_midst(
    scene: Scene, kill: Callable[[Scene], None]
) -> None:
    with scene.begin() as following:
        out, err = following.communicate(timeout=PATIENCE_S)
    document = json.loads(out)
    created, identity = document["counts"]["created"], document["id"]
    left = "SELECT count(*) FROM data_default.people"
    with scene.home.start("undo", identity, "--json") as undoing:
        until(lambda: scene.ask(left)[0][0] < 0.8 * created)
        assert scene.ask(left)[0][0] > 0
        kill(scene)
        out, err = undoing.communicate(timeout=PATIENCE_S)
    assert undoing.returncode == 0, err
    undone = json.loads(out)
    assert undone["undo"]["counts"] == {
        "reversed": created, "kept": 0, "errored": 0, "pending": 0,
    }  # fmt: skip
    assert undone["counts"] == document["counts"]
    assert scene.ask(left) == [(0,)]


def test_two_people_import_on_one_home_at_once(scene: Scene) -> None:
    with (
        scene.begin() as one,
        scene.home.start("import", scene.file, "--type", "people", "--json") as two,
    ):
        outs = [process.communicate(timeout=PATIENCE_S) for process in (one, two)]
    assert [one.returncode, two.returncode] == [3, 3], outs
    counts = [json.loads(out)["counts"] for out, _ in outs]
    good = ROWS - counts[0]["failed"]
    assert [c["created"] + c["unchanged"] + c["failed"] for c in counts] == [ROWS, ROWS]
    assert sum(c["created"] for c in counts) == good
    assert scene.ask("SELECT count(*), count(DISTINCT id) FROM data_default.people") == [
        (good, good)
    ]


def test_an_import_needs_only_the_url_of_a_server(
    scene: Scene, new_home: Callable[[], Home]
) -> None:
    home = new_home()
    with EmbeddedPostgres(home.path) as server:  # somebody else's server, on a socket
        url = server.url()
        other = home.room / "elsewhere"
        where = ("--home", other, "--database-url", url)
        schema = scene.file.with_suffix(".schema.json")
        assert home.run(*where, "type", "put", "people", schema).status == 0
        done = home.run(*where, "import", scene.file, "--type", "people", "--json")
        assert done.status == 3, done.err
        assert done.document["counts"]["total"] == ROWS
        assert not (other / "postgres").exists()
        left = Scene(home=replace(home, path=other), file=scene.file, url=url)
        until(lambda: not left.pids("worker"))  # they end when nothing is left to do


def test_a_worker_ends_when_its_home_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "home"
    worker = subprocess.Popen(
        [sys.executable, "-m", "rowport.cli", "--home", str(path), "worker"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with EmbeddedPostgres(path) as server:
            deadline = time.monotonic() + PATIENCE_S
            while not _counted(server.url()):
                assert time.monotonic() < deadline, "the worker does not begin"
                time.sleep(0.05)
        shutil.rmtree(path)
        assert worker.wait(30) == 0
    finally:
        worker.kill()


def _counted(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").fetchall()
    return bool(found)
