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
from rowport.store.database import connect
from rowport.store.migrations import check_server, migrate, migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_the_schema_is_as_it_is_written_down(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        migrate(connection)
    assert schema_tool.dump(database_url) == schema_tool.SNAPSHOT.read_text(encoding="utf-8"), (
        "run `make schema` after a migration, and look at what changed"
    )
