"""Make the managed table, and let it follow its record type."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from psycopg import errors, sql

from rowport.destinations.postgres.catalog import ExistingTable, existing_table, rows_of
from rowport.destinations.postgres.columns import (
    FIELD_MARK,
    FORMER_MARK,
    SYSTEM_COLUMNS,
    Column,
    Index,
    TableLayout,
    table_layout,
)
from rowport.destinations.postgres.retyping import change_type
from rowport.model.errors import DestinationConflict, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from rowport.model.record_types import RecordType
    from rowport.ports import Transaction

_LOCK_TIMEOUT: Final = "5s"
"""A DDL statement that waits blocks everybody who comes after it."""


def prepare(tx: Transaction, record_type: RecordType) -> None:
    """Create or evolve the managed table; two catalogue queries when nothing changed.

    Raises:
        DestinationConflict: what is there cannot follow; nothing was changed.
        Unavailable: somebody holds the table for longer than five seconds.
    """
    layout = table_layout(record_type)
    connection: Connection[Any] = tx.connection
    if _is_current(layout, existing_table(connection, layout.schema, layout.table)):
        return
    try:
        with tx.savepoint(), _lock_timeout(connection):
            _serialise(connection, layout.schema)
            _make_schema(connection, layout.schema)
            _serialise(connection, f"{layout.schema}.{layout.table}")
            _follow(connection, layout, existing_table(connection, layout.schema, layout.table))
    except errors.LockNotAvailable as error:
        raise Unavailable(
            f"The table {layout.schema}.{layout.table} is in use and cannot be changed now."
        ) from error


@contextmanager
def _lock_timeout(connection: Connection[Any]) -> Iterator[None]:
    """Bound waiting for locks; the caller's own limit holds again afterwards."""
    before = rows_of(connection, "SHOW lock_timeout")[0][0]
    change = "SELECT set_config('lock_timeout', %(value)s, true)"
    connection.execute(change, {"value": _LOCK_TIMEOUT})
    yield
    connection.execute(change, {"value": before})


def _serialise(connection: Connection[Any], name: str) -> None:
    """Wait for other prepares of this name, until the transaction ends."""
    number = int.from_bytes(hashlib.sha256(f"rowport.prepare.{name}".encode()).digest()[:8], "big")
    connection.execute("SELECT pg_advisory_xact_lock(%(number)s)", {"number": number - (1 << 63)})


def _make_schema(connection: Connection[Any], schema: str) -> None:
    found = "SELECT FROM pg_namespace WHERE nspname = %(schema)s"
    if not rows_of(connection, found, {"schema": schema}):
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))


def _is_current(layout: TableLayout, existing: ExistingTable | None) -> bool:
    if existing is None or existing.comment != layout.comment:
        return False
    wanted = {column.name: (column.type, column.comment) for column in layout.columns}
    there = {
        name: (column.type, column.comment)
        for name, column in existing.columns.items()
        if column.comment.startswith(FIELD_MARK)
    }
    indexes = {
        (name, index.columns)
        for name, index in existing.indexes.items()
        if index.comment.startswith("Rowport: ")
    }
    return wanted == there and indexes == {(i.name, i.columns) for i in layout.indexes}


def _follow(
    connection: Connection[Any], layout: TableLayout, existing: ExistingTable | None
) -> None:
    if existing is None:
        _create(connection, layout)
    else:
        _check_ours(layout, existing)
        # Loads that run now finish first, and none writes a value that was not looked at.
        lock = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE")
        connection.execute(lock.format(table_name(layout)))
        _drop_indexes(connection, layout, existing)
        for column in layout.columns:
            _follow_column(connection, layout, column, existing)
        _release_former(connection, layout, existing)
    for index in layout.indexes:
        if existing is None or not _has(existing, index):
            _create_index(connection, layout, index)
    _comment(connection, "TABLE", table_name(layout), layout.comment)


def table_name(layout: TableLayout) -> sql.Identifier:
    """Give the table's qualified name."""
    return sql.Identifier(layout.schema, layout.table)


def _create(connection: Connection[Any], layout: TableLayout) -> None:
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, (kind, _) in SYSTEM_COLUMNS.items()
    ]
    columns += [
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
        for column in layout.columns
    ]
    connection.execute(
        sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY (rowport_id))").format(
            table_name(layout), sql.SQL(", ").join(columns)
        )
    )
    for name, (_, comment) in SYSTEM_COLUMNS.items():
        _comment(connection, "COLUMN", column_path(layout, name), comment)
    for column in layout.columns:
        _comment(connection, "COLUMN", column_path(layout, column.name), column.comment)


def column_path(layout: TableLayout, name: str) -> sql.Identifier:
    """Give a column's qualified name."""
    return sql.Identifier(layout.schema, layout.table, name)


def _comment(connection: Connection[Any], what: str, name: sql.Identifier, text: str) -> None:
    comment = text.replace("\x00", "�")  # titles are free text, and no database text holds U+0000
    connection.execute(
        sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(what), name, sql.Literal(comment))
    )


def _check_ours(layout: TableLayout, existing: ExistingTable) -> None:
    name = f"{layout.schema}.{layout.table}"
    if existing.kind not in ("r", "p"):
        raise DestinationConflict(f"{name} exists and is not a table; choose another name.")
    missing = [column for column in SYSTEM_COLUMNS if column not in existing.columns]
    if missing:
        raise DestinationConflict(
            f"The table {name} was not made by Rowport (it lacks {', '.join(missing)}); "
            "choose another name."
        )


def _follow_column(
    connection: Connection[Any], layout: TableLayout, column: Column, existing: ExistingTable
) -> None:
    there = existing.columns.get(column.name)
    if there is None:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                table_name(layout), sql.Identifier(column.name), sql.SQL(column.type)
            )
        )
    elif there.type != column.type:
        if not there.comment.startswith((FIELD_MARK, FORMER_MARK)):
            raise DestinationConflict(
                f"The field {column.field!r} needs the column {column.name!r} as {column.type}, "
                f"but somebody added a column of this name as {there.type}; rename one of them."
            )
        change_type(connection, layout, column, there.type)
    if there is None or there.comment != column.comment:
        _comment(connection, "COLUMN", column_path(layout, column.name), column.comment)


def _release_former(
    connection: Connection[Any], layout: TableLayout, existing: ExistingTable
) -> None:
    """Keep columns whose field is gone: their values stay, and new records may lack them."""
    kept = {column.name for column in layout.columns}
    for name, there in existing.columns.items():
        if name in kept or not there.comment.startswith(FIELD_MARK):
            continue
        if there.not_null:
            connection.execute(
                sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL").format(
                    table_name(layout), sql.Identifier(name)
                )
            )
        former = FORMER_MARK + there.comment.removeprefix(FIELD_MARK)
        _comment(connection, "COLUMN", column_path(layout, name), former)


def _has(existing: ExistingTable, index: Index) -> bool:
    there = existing.indexes.get(index.name)
    return there is not None and there.columns == index.columns


def _drop_indexes(
    connection: Connection[Any], layout: TableLayout, existing: ExistingTable
) -> None:
    """Drop our own indexes that no key or `unique` asks for any more."""
    wanted = {index.name for index in layout.indexes}
    for name, there in existing.indexes.items():
        if there.comment.startswith("Rowport: ") and name not in wanted:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(layout.schema, name)))


def _create_index(connection: Connection[Any], layout: TableLayout, index: Index) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, index.columns))
    create = sql.SQL("CREATE UNIQUE INDEX {} ON {} ({})").format(
        sql.Identifier(index.name), table_name(layout), columns
    )
    try:
        with connection.transaction():
            connection.execute(create)
    except errors.UniqueViolation as error:
        raise DestinationConflict(_duplicate(connection, layout, index)) from error
    name = sql.Identifier(layout.schema, index.name)
    _comment(connection, "INDEX", name, index.comment)


def _duplicate(connection: Connection[Any], layout: TableLayout, index: Index) -> str:
    """Name one value that several records share."""
    columns = sql.SQL(", ").join(map(sql.Identifier, index.columns))
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(c)) for c in index.columns)
    present = sql.SQL(" AND ").join(
        sql.SQL("{} IS NOT NULL").format(sql.Identifier(c)) for c in index.columns
    )
    query = sql.SQL(
        "SELECT count(*), array_agg(rowport_row ORDER BY rowport_row), ARRAY[{texts}]"
        " FROM {table} WHERE {present} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"
    )
    count, rows, values = rows_of(
        connection,
        query.format(texts=texts, table=table_name(layout), present=present, columns=columns),
    )[0]
    return (
        f"{' + '.join(index.columns)} cannot be {'the key' if index.is_key else 'unique'}: "
        f"{count} records have {' + '.join(map(repr, values))} "
        f"(written by rows {', '.join(map(str, rows[:5]))})."
    )
