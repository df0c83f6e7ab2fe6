"""`rowport import` from the first byte to the exit status, and what may come between."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.conftest import Terminal

from rowport.bootstrap import Rowport, open_rowport
from rowport.model.states import ImportState
from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.conftest import Home

    from rowport.model.imports import Import

PATIENCE_S = 120.0
MANY = 40_000
PEOPLE = {
    "fields": [
        {"name": "email", "constraints": {"required": True}},
        {"name": "name", "title": "Full name"},
        {"name": "age", "type": "integer"},
    ],
    "primaryKey": ["email"],
}
GOOD = "email,Full name,age\na@x.org,Ann,30\nb@x.org,Bob,\n"
BAD = "email,Full name,age\n,Ann,30\n,Bob,old\n"


@pytest.fixture(scope="module")
def slow(new_home: Callable[[], Home]) -> Iterator[Home]:
    """A home with small chunks and a file that has many of them."""
    made = replace(new_home(), environment={"ROWPORT_CHUNK_ROWS": "100"})
    lines = "".join(f"u{number}@x.org,User {number},{number % 90}\n" for number in range(MANY))
    made.file("many.csv", f"email,Full name,age\n{lines}")
    with EmbeddedPostgres(made.path):
        made.ask("type", "put", "people", made.file("people.json", json.dumps(PEOPLE)))
        yield made


@pytest.fixture(scope="module")
def inside(slow: Home) -> Iterator[Rowport]:
    """A way into the slow home that needs no process for each look."""
    with open_rowport(home=slow.path, database_url=None, migrate=False) as rowport:
        yield rowport


def rest(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a command's end."""
    with process:
        out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def look(rowport: Rowport) -> Import | None:
    """Give the newest import."""
    return next(iter(rowport.services.imports.list(rowport.organization.id, limit=1)), None)


def wait_for(
    rowport: Rowport, what: Callable[[Import], bool], *, after: Import | None = None
) -> Import:
    """Look at the newest import until it is another than `after`, and so."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = look(rowport)
        if found and (after is None or found.id != after.id) and what(found):
            return found
        time.sleep(0.01)
    pytest.fail("it did not become so in time")


def count(url: str, *, file: str = "%") -> int:
    """Count the records of `people` whose e-mail begins as those of a file do."""
    statement = "SELECT count(*) FROM data_default.people WHERE email LIKE %s"
    with psycopg.connect(url) as connection:
        found = connection.execute(statement, [file]).fetchone()
    assert found
    records: int = found[0]
    return records


def loaded(home: Home) -> int:
    """Count the records of `people`."""
    return count(home.ask("db", "url")["database_url"])


@contextmanager
def held(rowport: Rowport) -> Iterator[None]:
    """Let no chunk get further than its load, so that an import stays in its midst."""
    with psycopg.connect(rowport.database_url) as connection:
        connection.execute("LOCK TABLE data_default.people IN ACCESS EXCLUSIVE MODE")
        yield


def workers_of(home: Home) -> list[int]:
    """Find the worker processes of a home."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().decode().split("\0")
            if "worker" in words and str(home.path) in words:
                found.append(int(process.name))
    return found


def begun(imported: Import) -> bool:
    """Some rows are in, some are not."""
    return imported.counts.processed > 0 and imported.counts.pending > 0


def test_all_rows_fine_is_0_and_again_nothing_doubles(home: Home) -> None:
    first = home.run("import", home.file("good.csv", GOOD), "--type", "people", "--json")
    again = home.run("import", home.file("good.csv", GOOD), "--type", "people", "--json")
    assert (first.status, again.status) == (0, 0)
    assert first.document["counts"]["created"] == 2
    assert again.document["counts"]["unchanged"] == 2
    assert first.document["result"] == again.document["result"] == "succeeded"


def test_some_and_all_rows_failed_is_3(home: Home) -> None:
    some = home.run("import", home.file("some.csv", GOOD + ",x,1\n"), "--type", "people", "--json")
    every = home.run("import", home.file("bad.csv", BAD), "--type", "people", "--json")
    assert (some.status, some.document["result"]) == (3, "partial")
    assert (every.status, every.document["result"]) == (3, "failed")


@pytest.mark.parametrize("policy", ["all_or_nothing", "max_errors=0"])
def test_a_policy_that_is_broken_is_4(home: Home, policy: str) -> None:
    before = loaded(home)
    file = home.file("broken.csv", BAD + "new@x.org,New,1\n" if policy[0] == "a" else BAD)
    done = home.run("import", file, "--type", "people", "--policy", policy, "--json")
    assert done.status == 4
    assert done.document["state"] == "failed"
    assert done.document["error"]["message"]
    assert loaded(home) == before


def test_a_dry_run_touches_nothing(home: Home) -> None:
    before = loaded(home)
    file = home.file("dry.csv", "email\ndry@x.org\n")
    done = home.run("import", file, "--type", "people", "--mode", "validate", "--json")
    assert (done.status, done.document["counts"]["created"]) == (0, 1)
    assert loaded(home) == before


def test_on_match_skip_leaves_records_alone(home: Home) -> None:
    home.run("import", home.file("k.csv", "email,age\nk@x.org,1\n"), "--type", "people")
    file = home.file("k2.csv", "email,age\nk@x.org,2\n")
    done = home.run("import", file, "--type", "people", "--on-match", "skip", "--json")
    assert (done.status, done.document["counts"]["skipped"]) == (0, 1)


def test_nothing_but_the_document_is_on_stdout(home: Home) -> None:
    done = home.run("import", home.file("good.csv", GOOD), "--type", "people", "--json")
    assert done.out.count("\n") == 1
    assert "\x1b" not in done.out + done.err


def test_a_terminal_gets_a_bar_and_keeps_nothing_of_it_on_stdout(home: Home) -> None:
    terminal = Terminal()
    file = home.file("good.csv", GOOD)
    done = home.run("import", file, "--type", "people", stderr=terminal.theirs)
    shown = terminal.leave()
    assert done.status == 0
    assert "\x1b[" in shown
    assert "\x1b" not in done.out
    assert "unchanged    2" in done.out


def test_ctrl_c_cancels_and_what_is_loaded_stays(slow: Home, inside: Rowport) -> None:
    before = look(inside)
    before_it = count(inside.database_url, file="u%")
    process = slow.start("import", "many.csv", "--type", "people", "--json")
    wait_for(inside, begun, after=before)
    with held(inside):
        process.send_signal(signal.SIGINT)
        wait_for(inside, lambda found: found.state is ImportState.CANCELING, after=before)
    status, out, err = rest(process)
    assert status == 5, err
    assert "canceling" in err
    counts = json.loads(out)["counts"]
    assert json.loads(out)["state"] == "canceled"
    assert counts["created"] + counts["pending"] == counts["total"] == MANY
    assert 0 < counts["created"] < MANY
    assert count(inside.database_url, file="u%") == before_it + counts["created"]


def test_a_second_ctrl_c_leaves_at_once(slow: Home, inside: Rowport) -> None:
    before = look(inside)
    process = slow.start("import", "many.csv", "--type", "people", "--mode", "upsert")
    wait_for(inside, begun, after=before)
    with held(inside):
        process.send_signal(signal.SIGINT)
        canceling = wait_for(
            inside, lambda found: found.state is ImportState.CANCELING, after=before
        )
        process.send_signal(signal.SIGINT)
        status, _, err = rest(process)
        assert (status, err.splitlines()[-1]) == (5, "rowport: interrupted")
    ended = wait_for(inside, lambda found: found.state.is_final, after=before)
    assert (ended.id, ended.state) == (canceling.id, ImportState.CANCELED)


def test_an_import_can_be_canceled_from_elsewhere(slow: Home, inside: Rowport) -> None:
    before = look(inside)
    process = slow.start("import", "many.csv", "--type", "people", "--json")
    running = wait_for(inside, begun, after=before)
    with held(inside):
        other = slow.start("cancel", str(running.id), "--json")
        wait_for(inside, lambda found: found.state is ImportState.CANCELING, after=before)
    status, out, err = rest(other)
    assert status == 0, err
    assert json.loads(out)["state"] == "canceled"
    assert rest(process)[0] == 5


def test_dead_workers_are_replaced(slow: Home, inside: Rowport) -> None:
    before = look(inside)
    process = slow.start("import", "many.csv", "--type", "people", "--json")
    wait_for(inside, begun, after=before)
    with held(inside):
        workers = workers_of(slow)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
    status, out, err = rest(process)
    assert workers
    assert status == 0, err
    counts = json.loads(out)["counts"]
    assert counts["created"] + counts["unchanged"] == counts["total"] == MANY
    assert count(inside.database_url, file="u%") == MANY


def test_detached_it_goes_on_by_itself(slow: Home, inside: Rowport) -> None:
    before = look(inside)
    file = slow.file("later.csv", GOOD)
    done = slow.run("import", file, "--type", "people", "--detach")
    assert done.status == 0
    ended = wait_for(inside, lambda found: found.state.is_final, after=before)
    assert ended.state is ImportState.COMPLETED
    assert done.out == f"{ended.id}\n"
    assert str(ended.id) in done.err


def test_a_database_that_dies_in_its_midst_comes_back(slow: Home, inside: Rowport) -> None:
    before = look(inside)
    with psycopg.connect(inside.database_url) as connection:
        found = connection.execute("SHOW data_directory").fetchone()
    assert found
    process = slow.start("import", "many.csv", "--type", "people", "--json")
    wait_for(inside, begun, after=before)
    server = int((Path(found[0]) / "postmaster.pid").read_text().split()[0])
    os.kill(server, signal.SIGKILL)
    status, out, err = rest(process)
    assert status == 0, err
    counts = json.loads(out)["counts"]
    assert counts["created"] + counts["unchanged"] == counts["total"] == MANY
    inside.ensure_database()
    assert count(inside.database_url, file="u%") == MANY
