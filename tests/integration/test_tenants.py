"""Tenant isolation: the database lets no organization see another's data, whatever is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from rowport.bootstrap import Rowport
from rowport.model.errors import ImportNotFound, RecordTypeNotFound
from rowport.model.imports import ImportOptions
from rowport.ports.queries import ImportQuery
from rowport.store import catalogue
from rowport.store.catalogue import statement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from rowport.model.imports import Import
    from rowport.model.organizations import Organization

SNAPSHOT = Path(catalogue.__file__).with_name("schema.sql")
TABLES = sorted(
    name.removeprefix("rowport.")
    for name, body in re.findall(
        r"CREATE (?:UNLOGGED )?TABLE (rowport\.\w+) \((.*?)\n\);",
        SNAPSHOT.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    if "organization_id" in body
)
"""Every table of tenant data."""
VALUES = {
    "uuid": "gen_random_uuid()",
    "text": "gen_random_uuid()::text",
    "integer": "1",
    "bigint": "1",
    "double precision": "1",
    "smallint": "1",
    "boolean": "false",
    "timestamp with time zone": "now()",
    "jsonb": "'{}'",
    "bytea": "gen_random_uuid()::text::bytea",
    "text[]": "'{}'",
}
"""Something of each type."""
SCHEMA = {"fields": [{"name": "email", "type": "string"}], "primaryKey": "email"}


@pytest.fixture(scope="module")
def rowport(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rowport]:
    home = tmp_path_factory.mktemp("tenants")
    with Rowport(home=home, database_url=shared_database_url) as opened:
        opened.migrate()
        yield opened


@pytest.fixture(scope="module")
def mine(rowport: Rowport) -> Organization:
    return rowport.services.access.ensure_organization("mine", "Mine")


@pytest.fixture(scope="module")
def foreign(rowport: Rowport) -> Organization:
    return rowport.services.access.ensure_organization("foreign", "Foreign")


@pytest.fixture(scope="module")
def theirs(rowport: Rowport, foreign: Organization) -> Import:
    rowport.services.record_types.put(foreign, "people", SCHEMA)
    user = rowport.services.access.ensure_user(foreign, email="a@example.com")
    rowport.services.access.issue(user, name="t", scopes=frozenset())
    return rowport.services.imports.create(
        foreign.id,
        "people",
        file_name="people.csv",
        parts=iter([b"email\na@example.com\n"]),
        options=ImportOptions(),
    )


def test_a_foreign_import_is_a_missing_one(
    rowport: Rowport, mine: Organization, theirs: Import
) -> None:
    imports = rowport.services.imports
    with pytest.raises(ImportNotFound, match=f"^There is no import {theirs.id}.$"):
        imports.get(mine.id, theirs.id)
    with pytest.raises(ImportNotFound):
        imports.by_oid(mine.id, theirs.oid)
    with pytest.raises(ImportNotFound):
        imports.cancel(mine.id, theirs.id)
    with pytest.raises(ImportNotFound):
        rowport.services.rows.outcomes(mine.id, theirs.id)
    with pytest.raises(RecordTypeNotFound):
        rowport.services.record_types.get(mine.id, "people")
    assert imports.list(mine.id, limit=10) == []
    assert imports.find(mine.id, ImportQuery()) == ([], 0)


@pytest.fixture
def two(
    rowport: Rowport, mine: Organization, foreign: Organization, request: pytest.FixtureRequest
) -> Iterator[psycopg.Connection[Any]]:
    """A table with one row of each organization, in a transaction that ends in nothing."""
    table = request.getfixturevalue("table")
    with rowport.database.transaction() as tx, tx.connection.transaction(force_rollback=True):
        connection = tx.connection
        # The rows need not make sense, so whatever says how they should is taken away.
        connection.execute("SET LOCAL session_replication_role = replica")
        for row in connection.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass",
            [f"rowport.{table}"],
        ).fetchall():
            drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
            name = sql.Identifier(row["conname"])
            connection.execute(drop.format(sql.Identifier("rowport", table), name))
        for organization in (mine, foreign):
            insert(connection, table, organization.id)
        yield connection


def insert(connection: psycopg.Connection[Any], table: str, organization_id: UUID) -> None:
    """Write a row with something in each column that needs it."""
    columns = {
        row["attname"]: VALUES[row["type"]]
        for row in connection.execute(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type"
            " FROM pg_attribute AS a WHERE a.attrelid = %s::regclass AND a.attnum > 0"
            " AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''",
            [f"rowport.{table}"],
        ).fetchall()
    } | {"organization_id": f"'{organization_id}'"}
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier("rowport", table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.SQL(value) for value in columns.values()),
        )
    )


def be_the_application(connection: psycopg.Connection[Any], organization_id: UUID) -> None:
    """Go on as a face does."""
    connection.execute("SET LOCAL session_replication_role = origin")
    connection.execute(statement("be_the_application"), {"organization_id": organization_id})


@pytest.mark.parametrize("table", TABLES)
def test_the_application_sees_one_organization(
    two: psycopg.Connection[Any], mine: Organization, foreign: Organization, table: str
) -> None:
    name = sql.Identifier("rowport", table)
    be_the_application(two, mine.id)
    seen = two.execute(sql.SQL("SELECT DISTINCT organization_id FROM {}").format(name)).fetchall()
    assert seen == [{"organization_id": mine.id}]
    wanted = two.execute(
        sql.SQL("SELECT 1 FROM {} WHERE organization_id = %s").format(name), [foreign.id]
    )
    assert wanted.fetchall() == []


@pytest.mark.parametrize("table", TABLES)
def test_the_application_changes_one_organization(
    two: psycopg.Connection[Any], mine: Organization, foreign: Organization, table: str
) -> None:
    name = sql.Identifier("rowport", table)
    be_the_application(two, mine.id)
    for words in ("UPDATE {} SET organization_id = %(to)s", "DELETE FROM {}"):
        try:
            with two.transaction():
                done = two.execute(
                    sql.SQL(words + " WHERE organization_id = %(of)s").format(name),
                    {"to": mine.id, "of": foreign.id},
                )
                assert done.rowcount == 0
        except psycopg.errors.InsufficientPrivilege:
            assert table in {"users", "tokens"}, "the application only reads these"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), two.transaction():
        insert(two, table, foreign.id)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), two.transaction():
        two.execute(sql.SQL("UPDATE {} SET organization_id = %s").format(name), [foreign.id])


def test_the_application_sees_its_own_organization_alone(
    rowport: Rowport, mine: Organization, foreign: Organization
) -> None:
    del foreign
    with rowport.database.tenant(mine.id) as tx:
        seen = tx.connection.execute("SELECT id FROM rowport.organizations").fetchall()
    assert seen == [{"id": mine.id}]


@pytest.mark.parametrize("table", ["rowport.secrets", "rowport.migrations"])
def test_what_is_of_no_organization_is_hidden(
    rowport: Rowport, mine: Organization, table: str
) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        rowport.database.tenant(mine.id) as tx,
    ):
        tx.connection.execute(f"SELECT 1 FROM {table}".encode())  # noqa: S608  our own words


@pytest.mark.parametrize("table", TABLES)
def test_without_an_organization_the_application_sees_nothing(
    rowport: Rowport, theirs: Import, table: str
) -> None:
    del theirs
    with rowport.database.transaction() as tx:
        tx.connection.execute("SET LOCAL ROLE rowport_app")
        rows = tx.connection.execute(
            sql.SQL("SELECT * FROM {}").format(sql.Identifier("rowport", table))
        ).fetchall()
    assert rows == []


def test_nobody_can_write_into_another_organization(
    rowport: Rowport, mine: Organization, theirs: Import
) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        rowport.database.tenant(mine.id) as tx,
    ):
        tx.connection.execute(
            "INSERT INTO rowport.replays (organization_id, face, key, request_sha256, expires_at)"
            " VALUES (%s, 'f', 'k', 'x', now())",
            (theirs.organization_id,),
        )
    with rowport.database.tenant(mine.id) as tx:
        done = tx.connection.execute("UPDATE rowport.imports SET name = 'taken'")
    assert done.rowcount == 0


def test_the_role_ends_with_its_transaction(
    rowport: Rowport, mine: Organization, theirs: Import
) -> None:
    with rowport.database.tenant(mine.id):
        pass
    with rowport.database.transaction() as tx:
        row = tx.connection.execute("SELECT count(*) AS seen FROM rowport.imports").fetchone()
    assert row == {"seen": 1}
    assert theirs.state == "reading"


def test_the_application_role_is_neither_owner_nor_superuser(rowport: Rowport) -> None:
    with rowport.database.transaction() as tx:
        role = tx.connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = 'rowport_app'"
        ).fetchone()
        owned = tx.connection.execute(
            "SELECT count(*) AS owned FROM pg_class WHERE relowner = 'rowport_app'::regrole"
        ).fetchone()
    assert role == {"rolsuper": False, "rolbypassrls": False, "rolcanlogin": False}
    assert owned == {"owned": 0}


def test_every_table_of_tenant_data_has_row_security(rowport: Rowport) -> None:
    with rowport.database.transaction() as tx:
        bare = tx.connection.execute(
            "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'rowport'::regnamespace AND c.relkind = 'r'"
            " AND a.attname = 'organization_id' AND NOT c.relrowsecurity"
        ).fetchall()
    assert bare == []
