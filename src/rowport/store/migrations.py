"""Bring a database to the schema that this version needs.

Files are `NNNN_pre_name.sql` or `NNNN_post_name.sql`, applied in order, each in a transaction of
its own that ends with its mark.  `pre` files may run while the previous version still works;
`post` files may take away what only it needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import psycopg
from procrastinate.schema import SchemaManager

from rowport.model.errors import RowportError
from rowport.store.catalogue import statement

if TYPE_CHECKING:
    from psycopg.rows import DictRow

FILE: Final = re.compile(r"^(\d{4})_(pre|post)_(\w+)\.sql$")
OLDEST_SERVER: Final = 150000


class MigrationFailed(RowportError):
    """The database cannot be brought to the schema that this version needs."""

    code = "migration_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: str


@cache
def migrations() -> tuple[Migration, ...]:
    """Give all migrations in order."""
    found = []
    for file in (resources.files("rowport.store") / "migrations").iterdir():
        if match := FILE.match(file.name):
            sql = file.read_text(encoding="utf-8")
            found.append(Migration(number=int(match[1]), name=file.name, sql=sql))
    return tuple(sorted(found, key=lambda m: m.number))


def migrate(connection: psycopg.Connection[DictRow]) -> list[str]:
    """Apply what is missing; gives the names of what was applied.

    Safe from many processes at once: an advisory lock lets one work and the others find it done.

    Raises:
        MigrationFailed: the server is too old, or a file could not be applied; the files before
            it stay applied.
    """
    check_server(connection.info.server_version, connection.info.parameter_status("server_version"))
    if not _missing(connection):
        return []
    applied = []
    connection.execute(statement("lock_migrations"))
    try:
        for migration in _missing(connection):
            _apply(connection, migration)
            applied.append(migration.name)
    finally:
        connection.execute(statement("unlock_migrations"))
    return applied


def check_server(number: int, shown: str | None) -> None:
    """Refuse a server that lacks what we use.

    Raises:
        MigrationFailed: it is too old.
    """
    if number < OLDEST_SERVER:
        raise MigrationFailed(f"Rowport needs PostgreSQL 15 or newer; this server is {shown}.")


def _missing(connection: psycopg.Connection[DictRow]) -> list[Migration]:
    row = connection.execute(statement("has_migrations")).fetchone()
    if row is None or not row["present"]:
        return list(migrations())
    done = {row["number"] for row in connection.execute(statement("applied_migrations"))}
    return [m for m in migrations() if m.number not in done]


def _apply(connection: psycopg.Connection[DictRow], migration: Migration) -> None:
    try:
        with connection.transaction():
            if migration.number == 1:
                connection.execute(statement("create_schemas"))
                connection.execute(SchemaManager.get_schema())
            connection.execute(migration.sql)
            mark = {"number": migration.number, "name": migration.name}
            connection.execute(statement("mark_migration"), mark)
    except psycopg.Error as error:
        reason = error.diag.message_primary or str(error).strip()
        raise MigrationFailed(f"{migration.name}: {reason}") from error
