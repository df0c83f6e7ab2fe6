"""Bring a database to the schema that this version needs.

Files are `NNNN_pre_name.sql` or `NNNN_post_name.sql`, applied in order, each in a transaction of
its own that ends with its mark.  `pre` files may run while the previous version still works;
`post` files take away what only it needed, so they wait until none of its workers is alive.

A program goes on with a schema that is newer than itself, as long as it misses only `pre` files.
"""

from __future__ import annotations

import logging
import re
import time
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

log = logging.getLogger(__name__)

FILE: Final = re.compile(r"^(\d{4})_(pre|post)_(\w+)\.sql$")
OLDEST_SERVER: Final = 150000
PATIENCE_S: Final = 60.0
"""How long chunks in flight are waited for that use what a migration changes."""
PAUSE_S: Final = 0.5


class MigrationFailed(RowportError):
    """The database cannot be brought to the schema that this version needs."""

    code = "migration_failed"


class SchemaTooNew(MigrationFailed):
    """The database has the schema of a newer version, which this one cannot work with."""

    code = "schema_too_new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: str

    @property
    def is_post(self) -> bool:
        """Whether it takes away what the version before needs."""
        return _is_post(self.name)


@cache
def migrations() -> tuple[Migration, ...]:
    """Give all migrations in order."""
    found = []
    for file in (resources.files("rowport.store") / "migrations").iterdir():
        if match := FILE.match(file.name):
            sql = file.read_text(encoding="utf-8")
            found.append(Migration(number=int(match[1]), name=file.name, sql=sql))
    return tuple(sorted(found, key=lambda m: m.number))


def newest() -> int:
    """Give the number of the newest migration that this program knows."""
    return migrations()[-1].number


def check_known(connection: psycopg.Connection[DictRow]) -> None:
    """Refuse a schema that lacks what this program needs.

    Raises:
        SchemaTooNew: a newer version has taken it away.
    """
    for row in connection.execute(statement("applied_migrations")):
        if row["number"] > newest() and _is_post(row["name"]):
            raise SchemaTooNew(
                f"This database was brought to a newer version of Rowport by {row['name']}; this "
                f"program knows no migration after {migrations()[-1].name}. Upgrade it."
            )


def _is_post(name: str) -> bool:
    match = FILE.match(name)
    return match is not None and match[2] == "post"


def migrate(connection: psycopg.Connection[DictRow]) -> list[str]:
    """Apply what is missing; gives the names of what was applied.

    Safe from many processes at once: an advisory lock lets one work and the others find it done.

    Raises:
        MigrationFailed: the server is too old, a file could not be applied, or what is needed has
            to wait for older workers to stop; the files before it stay applied.
        SchemaTooNew: the schema lacks what this program needs.
    """
    check_server(connection.info.server_version, connection.info.parameter_status("server_version"))
    missing = _missing(connection)
    if len(missing) < len(migrations()):
        check_known(connection)
    if not missing:
        return []
    applied: list[str] = []
    connection.execute(statement("lock_migrations"))
    try:
        missing = _missing(connection)
        for migration in missing:
            if migration.is_post and _waits(connection, migration, missing):
                break
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


def _waits(
    connection: psycopg.Connection[DictRow], post: Migration, missing: list[Migration]
) -> bool:
    """Tell whether a `post` file has to wait for workers that still need what it takes away."""
    row = connection.execute(statement("older_workers"), {"number": post.number}).fetchone()
    older = row["older"] if row else 0
    if not older:
        return False
    behind = next((m.name for m in missing if m.number > post.number and not m.is_post), None)
    if behind is None:
        log.info("%s waits until %s worker(s) of an older version have stopped", post.name, older)
        return True
    raise MigrationFailed(
        f"{post.name}, and {behind} after it, have to wait: {older} worker(s) of an older version "
        "still work on this database. Stop them and start this again."
    )


def _apply(connection: psycopg.Connection[DictRow], migration: Migration) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            _apply_now(connection, migration)
        except psycopg.errors.LockNotAvailable as error:
            if time.monotonic() > deadline:
                raise MigrationFailed(
                    f"{migration.name}: an import holds what it changes. Pause it, or try later."
                ) from error
            time.sleep(PAUSE_S)
        except psycopg.Error as error:
            reason = error.diag.message_primary or str(error).strip()
            raise MigrationFailed(f"{migration.name}: {reason}") from error
        else:
            return


def _apply_now(connection: psycopg.Connection[DictRow], migration: Migration) -> None:
    with connection.transaction():
        connection.execute(statement("wait_briefly"))
        if migration.number == 1:
            connection.execute(statement("create_schemas"))
            connection.execute(SchemaManager.get_schema())
        connection.execute(migration.sql)
        mark = {"number": migration.number, "name": migration.name}
        connection.execute(statement("mark_migration"), mark)
