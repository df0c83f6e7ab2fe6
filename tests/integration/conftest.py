"""A PostgreSQL for the tests, and a fresh database for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from rowport.destinations.postgres import PostgresDestination
from rowport.engine.journal import ABOUT
from rowport.model.ids import new_oid, new_uuid
from rowport.model.imports import Mode, OnMatch
from rowport.model.outcomes import Outcome
from rowport.model.record_types import RecordType
from rowport.model.table_schema import Field, FieldType, TableSchema
from rowport.ports import LoadBatch
from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from psycopg import Connection

_numbers = count(1)


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server that lives as long as the test session (of one xdist worker)."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("home")) as server:
        yield server.url()


@pytest.fixture
def database_url(database_server: str) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    yield from _new_database(database_server)


@pytest.fixture(scope="module")
def shared_database_url(database_server: str) -> Iterator[str]:
    """URL of an empty database that the tests of a module share."""
    yield from _new_database(database_server)


def _new_database(database_server: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    database = sql.Identifier(name)
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        yield urlsplit(database_server)._replace(path=f"/{name}").geturl()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@dataclass(frozen=True, slots=True, kw_only=True)
class PsycopgTransaction:
    """What the ledger hands to a destination."""

    connection: Connection[Any]

    def savepoint(self) -> AbstractContextManager[object]:
        """Open a savepoint."""
        return self.connection.transaction()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A LoadResult in Python's own values."""

    outcomes: list[str]
    ids: list[UUID | None]
    errors: list[dict[str, Any]]
    before: list[dict[str, Any]]

    @property
    def codes(self) -> dict[int, str]:
        """The code of each failed row."""
        return {error["row"]: error["code"] for error in self.errors}

    @property
    def messages(self) -> dict[int, str]:
        """The message of each failed row."""
        return {error["row"]: error["message"] for error in self.errors}


ARROW_TYPES = {
    FieldType.INTEGER: pa.int64(),
    FieldType.YEAR: pa.int64(),
    FieldType.NUMBER: pa.decimal128(38, 9),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATE: pa.date32(),
    FieldType.DATETIME: pa.timestamp("us", "UTC"),
    FieldType.TIME: pa.time64("us"),
}


def people(*fields: Field, key: tuple[str, ...] = (), **schema: Any) -> RecordType:  # noqa: ANN401  passed on
    """Make a record type in the table `rowport_test.people`."""
    now = datetime.now(UTC)
    return RecordType(
        id=new_uuid(),
        oid=new_oid(),
        organization_id=new_uuid(),
        name="people",
        version=1,
        schema=TableSchema(fields=fields, **schema),
        key=key,
        table_schema="rowport_test",
        table_name="people",
        created_at=now,
        updated_at=now,
    )


class Managed:
    """A managed table and one connection to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = psycopg.connect(url)
        self.destination = PostgresDestination()

    def another(self) -> Managed:
        """Give a second loader: another connection of another process, as it were."""
        return Managed(self.url)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as a user of the database would."""
        with self.connection.transaction():
            cursor = self.connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def prepare(self, record_type: RecordType) -> RecordType:
        """Prepare in a transaction of its own."""
        with self.connection.transaction():
            self.destination.prepare(PsycopgTransaction(connection=self.connection), record_type)
        return record_type

    def load(
        self,
        record_type: RecordType,
        rows: list[dict[str, Any]],
        *,
        import_id: UUID | None = None,
        first_row: int = 1,
        mode: Mode = Mode.UPSERT,
        on_match: OnMatch = OnMatch.UPDATE,
    ) -> Loaded:
        """Load rows as one batch, in a transaction of its own."""
        schema = pa.schema(
            [
                (f.name, ARROW_TYPES.get(f.type, pa.large_string()))
                for f in record_type.schema.fields
                if not rows or f.name in rows[0]
            ]
        )
        batch = LoadBatch(
            import_id=import_id or new_uuid(),
            rows=pa.Table.from_pylist(rows, schema=schema),
            row=pa.array(range(first_row, first_row + len(rows)), pa.int64()),
            key=record_type.key,
            mode=mode,
            on_match=on_match,
        )
        with self.connection.transaction():
            tx = PsycopgTransaction(connection=self.connection)
            result = self.destination.load(tx, record_type, batch)
        return Loaded(
            outcomes=[Outcome(word).word for word in result.outcome.to_pylist()],
            ids=[value and UUID(bytes=value) for value in result.record_id.to_pylist()],
            errors=result.errors.to_pylist(),
            before=[]
            if result.before is None
            else result.before.drop_columns(ABOUT[2:]).to_pylist(),
        )


def _images(before: pa.Table | None) -> list[dict[str, Any]]:
    """Give before-images without who had written them: that is another in each run."""
    return [] if before is None else before.drop_columns(ABOUT[2:]).to_pylist()


@pytest.fixture
def managed(database_url: str) -> Iterator[Managed]:
    """A destination over an empty database."""
    made = Managed(database_url)
    with made.connection:
        yield made


@pytest.fixture
def make_people() -> Callable[..., RecordType]:
    """How record types are made."""
    return people
