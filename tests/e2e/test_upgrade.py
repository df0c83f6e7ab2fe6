"""A rolling upgrade in mid-import: old and new workers on one schema, and no row lost."""

from __future__ import annotations

import json
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.conftest import Home

ROWS = 8_000
STOPS_WITHIN_S = 10.0
PATIENCE_S = 120.0
SCHEMA = {
    "fields": [{"name": "email", "type": "string"}, {"name": "age", "type": "integer"}],
    "primaryKey": ["email"],
}
NEWER = """
import importlib.util, sys

class Newer:
    \"\"\"Makes the program a later version, which has two migrations more.\"\"\"

    def find_spec(self, name, path=None, target=None):
        if name != "rowport.store.migrations":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (run(module), self.put_into(module))
        return spec

    def put_into(self, module):
        add = "ALTER TABLE rowport.chunks ADD COLUMN later integer NOT NULL DEFAULT 0"
        drop = "ALTER TABLE rowport.chunks DROP COLUMN later"
        ours = (
            *module.migrations(),
            module.Migration(number=9001, name="9001_pre_later.sql", sql=add),
            module.Migration(number=9002, name="9002_post_later.sql", sql=drop),
        )
        module.migrations = lambda: ours

sys.meta_path.insert(0, Newer())
"""
# So that the import is long enough to restart everything in its midst.
SLOW: LiteralString = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END$$;
CREATE TRIGGER slow BEFORE INSERT ON data_default.people
    FOR EACH STATEMENT EXECUTE FUNCTION slow();
"""


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.05)


def stop(process: subprocess.Popen[str]) -> None:
    """Stop a worker as a service manager does."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    assert time.monotonic() - began < STOPS_WITHIN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A database, and the workers of two versions that come and go on it."""

    stack: ExitStack
    line: psycopg.Connection

    def worker(self, home: Home) -> subprocess.Popen[str]:
        """Start a worker; it is counted among the living."""
        before = self.alive()
        with (home.room / "workers.log").open("a") as log:
            process = home.start("worker", stdout=log, stderr=log)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        until(lambda: self.alive() > before)
        return process

    def alive(self) -> int:
        """Count the workers."""
        return self.count(
            "SELECT count(DISTINCT application_name) FROM pg_stat_activity "
            "WHERE application_name LIKE 'rowport worker %'"
        )

    def count(self, statement: LiteralString) -> int:
        """Ask for a number."""
        row = self.line.execute(statement).fetchone()
        assert row is not None
        return int(row[0])

    def applied(self) -> int:
        """Give the last migration."""
        return self.count("SELECT max(number) FROM rowport.migrations")


@pytest.fixture
def versions(new_home: Callable[[], Home]) -> tuple[Home, Home]:
    """Give the same home as this version sees it, and as the next one does."""
    made = new_home()
    (made.room / "sitecustomize.py").write_text(NEWER)
    old = replace(made, environment={"ROWPORT_CHUNK_ROWS": "100"})
    return old, replace(old, environment={**old.environment, "PYTHONPATH": str(made.room)})


@pytest.fixture
def scene(versions: tuple[Home, Home]) -> Iterator[Scene]:
    """The home's database runs, and knows what people are."""
    old, _ = versions
    with ExitStack() as stack:
        url = stack.enter_context(EmbeddedPostgres(old.path)).url()
        old.ask("type", "put", "people", old.file("people.json", json.dumps(SCHEMA)))
        line = stack.enter_context(psycopg.connect(url, autocommit=True))
        yield Scene(stack=stack, line=line)


def test_workers_of_two_versions_share_an_import_and_each_stops_within_ten_seconds(
    versions: tuple[Home, Home], scene: Scene
) -> None:
    old, new = versions
    lines = [f"u{n}@x.org,{n}" for n in range(ROWS)]
    file = old.file("people.csv", "\n".join(["email,age", *lines]))
    workers = [scene.worker(old), scene.worker(old)]
    old.ask("import", old.file("one.csv", "email,age\none@x.org,1\n"), "--type", "people")
    scene.line.execute(SLOW)
    following = scene.stack.enter_context(old.start("import", file, "--type", "people", "--json"))
    scene.stack.callback(following.kill)
    until(lambda: scene.count("SELECT count(*) FROM rowport.chunks WHERE state = 'done'") > 3)
    newer = []
    for outgoing in workers:
        newer.append(scene.worker(new))
        assert scene.applied() == 9001
        stop(outgoing)
    last = scene.worker(new)
    assert scene.applied() == 9002
    for outgoing in newer:
        stop(outgoing)
    left = scene.count("SELECT count(*) FROM rowport.chunks WHERE state = 'waiting'")
    out, err = following.communicate(timeout=PATIENCE_S)
    assert following.returncode == 0, err
    too_old = old.run("worker")
    stop(last)
    assert left > 0, "it was over before everything was restarted"
    assert json.loads(out)["counts"]["created"] == ROWS
    assert scene.count("SELECT count(DISTINCT email) FROM data_default.people") == ROWS + 1
    assert scene.count("SELECT count(*) FROM rowport.chunks WHERE attempts > 0") == 0
    assert too_old.status == 4
    assert "9002_post_later.sql" in too_old.err
    assert "Upgrade it." in too_old.err
