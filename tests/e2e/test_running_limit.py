"""An import above the limit begins by itself, though whoever worked was killed."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Home

PATIENCE_S = 120.0
SCHEMA = {"fields": [{"name": "id", "type": "integer"}]}


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.05)


def test_a_queued_import_begins_when_the_one_before_it_ends_whoever_is_killed(home: Home) -> None:
    home = replace(home, environment={**os.environ, "ROWPORT_CHUNK_ROWS": "20"})
    schema = home.file("numbers.json", json.dumps(SCHEMA))
    large = home.file("large.csv", "id\n" + "".join(f"{n}\n" for n in range(3000)))
    small = home.file("small.csv", "id\n1\n2\n")
    with EmbeddedPostgres(home.path) as server:

        def ask(statement: str, *words: object) -> Any:  # noqa: ANN401  whatever is asked
            with psycopg.connect(server.url(), autocommit=True) as connection:
                found = connection.execute(statement.encode(), words).fetchone()
            assert found
            return found[0]

        home.ask("type", "put", "numbers", schema)
        home.ask("org", "set", "default", "--running-imports", "1")
        with home.start("worker") as worker:
            until(lambda: ask("SELECT count(*) FROM rowport_jobs.procrastinate_workers") > 0)
            first = home.ask("import", large, "--type", "numbers", "--detach")["id"]
            done = "SELECT count(*) FROM rowport.chunks WHERE import_id = %s AND state = 'done'"
            until(lambda: ask(done, first) > 3)
            second = home.ask("import", small, "--type", "numbers", "--detach")["id"]
            state = "SELECT state FROM rowport.imports WHERE id = %s"
            until(lambda: ask(state, second) != "reading")
            assert ask(state, first) == "running"
            waiting = home.ask("status", second)
            assert (waiting["state"], waiting["waiting"]["code"]) == ("queued", "limit")
            worker.kill()
        with home.start("worker", "--until-idle") as heir:
            heir.communicate(timeout=PATIENCE_S)
        assert ask(state, first) == ask(state, second) == "completed"
        order = (
            "SELECT a.finished_at <= b.started_at FROM rowport.imports AS a, rowport.imports AS b"
        )
        assert ask(order + " WHERE a.id = %s AND b.id = %s", first, second)
