"""The schema: the same words as the model, applied once, and as it is written down."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.rows import dict_row

import schema as schema_tool
from rowport.model.errors import RowportError
from rowport.model.states import FINAL, TRANSITIONS, ImportState, Phase
from rowport.store import migrations as known
from rowport.store.database import connect
from rowport.store.migrations import Migration, check_server, migrate, migrations
from rowport.store.presence import Presence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection
    from psycopg.rows import DictRow


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[DictRow]]:
    with connect(database_url) as made:
        yield made


def check_of(connection: Connection[DictRow], name: str) -> set[str]:
    """Give the words in a CHECK constraint."""
    row = connection.execute(
        "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = %s", [name]
    ).fetchone()
    assert row is not None
    return set(re.findall(r"'([^']+)'", row["text"]))


def test_the_database_knows_the_states_and_edges_of_the_model(
    connection: Connection[DictRow],
) -> None:
    migrate(connection)
    assert check_of(connection, "imports_state_is_known") == set(ImportState)
    assert check_of(connection, "imports_phase_is_known") == set(Phase)
    assert check_of(connection, "imports_final_is_finished") == set(FINAL)
    edges = check_of(connection, "imports_transition_is_legal") - {">"}
    assert edges == {f"{old}>{new}" for old, new in TRANSITIONS}


def test_a_second_time_nothing_is_left_to_apply(connection: Connection[DictRow]) -> None:
    assert migrate(connection) == [m.name for m in migrations()]
    assert migrate(connection) == []


def test_many_processes_at_once_apply_each_file_once(database_url: str) -> None:
    def one(_: int) -> list[str]:
        with connect(database_url) as connection:
            return migrate(connection)

    with ThreadPoolExecutor(4) as pool:
        applied = [name for names in pool.map(one, range(4)) for name in names]
    assert applied == [m.name for m in migrations()]


@pytest.mark.parametrize(("version", "shown"), [(140011, "14.11"), (90624, "9.6.24")])
def test_a_server_that_is_too_old_is_told_so(version: int, shown: str) -> None:
    with pytest.raises(RowportError, match=rf"needs PostgreSQL 15 or newer.*{shown}"):
        check_server(version, shown)


def test_the_oldest_server_is_new_enough() -> None:
    check_server(150000, "15.0")


NEXT = Migration(number=9001, name="9001_pre_next.sql", sql="CREATE TABLE rowport.next (n int)")
LATER = Migration(number=9002, name="9002_post_later.sql", sql="DROP TABLE rowport.next")
LAST = Migration(number=9003, name="9003_pre_last.sql", sql="CREATE TABLE rowport.last (n int)")


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make this program a newer version, with these migrations besides."""
    ours = migrations()

    def to(*more: Migration) -> None:
        monkeypatch.setattr(known, "migrations", lambda: (*ours, *more))

    return to


def test_a_program_goes_on_with_a_newer_schema_until_it_lacks_something(
    database_url: str, connection: Connection[DictRow], upgrade: Callable[..., None]
) -> None:
    upgrade(NEXT)
    migrate(connection)
    upgrade()
    assert migrate(connection) == []
    upgrade(NEXT, LATER)
    assert migrate(connection) == [LATER.name]
    upgrade(NEXT)
    with pytest.raises(RowportError, match=r"9002_post_later.*9001_pre_next.*Upgrade it"):
        migrate(connection)
    old = Presence(database_url, "rowport worker old")
    with pytest.raises(RowportError, match="Upgrade it"):
        old.announce()
    old.leave()


def test_what_older_workers_need_stays_until_they_have_stopped(
    database_url: str, connection: Connection[DictRow], upgrade: Callable[..., None]
) -> None:
    migrate(connection)
    old, new = Presence(database_url, "old"), Presence(database_url, "new")
    old.announce()
    upgrade(NEXT, LATER)
    assert migrate(connection) == [NEXT.name]
    new.announce()
    assert migrate(connection) == []
    upgrade(NEXT, LATER, LAST)
    with pytest.raises(RowportError, match=r"9003_pre_last.sql after it.*1 worker.*Stop them"):
        migrate(connection)
    upgrade(NEXT, LATER)
    old.leave()
    assert migrate(connection) == [LATER.name]
    new.leave()


def test_the_schema_is_as_it_is_written_down(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        migrate(connection)
    assert schema_tool.dump(database_url) == schema_tool.SNAPSHOT.read_text(encoding="utf-8"), (
        "run `make schema` after a migration, and look at what changed"
    )
