"""Tenant isolation: the database lets no organization see another's data, whatever is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from rowport.bootstrap import Rowport
from rowport.model.errors import ImportNotFound, RecordTypeNotFound
from rowport.model.imports import ImportOptions
from rowport.ports.ledger import ImportQuery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rowport.model.imports import Import
    from rowport.model.organizations import Organization

TABLES = [
    "record_types", "record_type_versions", "imports", "import_files", "chunks", "chunk_results",
    "chunk_keys", "mappings", "feeds", "replays", "users", "tokens", "events", "webhooks",
    "deliveries", "delivery_tries", "retention_rules",
]  # fmt: skip
SCHEMA = {"fields": [{"name": "email", "type": "string"}], "primaryKey": "email"}


@pytest.fixture
def rowport(database_url: str, tmp_path: Path) -> Iterator[Rowport]:
    with Rowport(home=tmp_path, database_url=database_url) as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def mine(rowport: Rowport) -> Organization:
    return rowport.services.access.ensure_organization("mine", "Mine")


@pytest.fixture
def foreign(rowport: Rowport) -> Organization:
    return rowport.services.access.ensure_organization("foreign", "Foreign")


@pytest.fixture
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


@pytest.mark.parametrize("table", TABLES)
def test_the_database_itself_hides_other_organizations(
    rowport: Rowport, mine: Organization, theirs: Import, table: str
) -> None:
    del theirs
    with rowport.database.tenant(mine.id) as tx:
        rows = tx.connection.execute(
            sql.SQL("SELECT * FROM {}").format(sql.Identifier("rowport", table))
        ).fetchall()
    assert rows == []


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
