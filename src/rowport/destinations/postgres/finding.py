"""Find the records that other records refer to, and make those that are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from psycopg import errors, sql

from rowport.destinations.postgres.copying import copy_in, refresh_statistics, temporary_table
from rowport.destinations.postgres.matching import oldest, probe
from rowport.destinations.postgres.refusals import is_row_fault
from rowport.destinations.postgres.target import target_of
from rowport.engine.record_ids import ID_BYTES, as_uuid_array
from rowport.model.ids import new_uuid
from rowport.model.imports import Mode, OnMatch
from rowport.ports import LoadBatch

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

    from rowport.destinations.postgres.target import Target
    from rowport.model.record_types import RecordType
    from rowport.ports import Transaction


def find(tx: Transaction, record_type: RecordType, keys: pa.Table) -> pa.Array:
    """Give for each of `keys` the id of the record that has these values; null for none."""
    ids = np.zeros((keys.num_rows, ID_BYTES), np.uint8)
    found = np.zeros(keys.num_rows, np.bool_)
    if keys.num_rows:
        connection: Connection[Any] = tx.connection
        target = _target(connection, record_type, keys)
        refresh_statistics(connection, target.table, target.table.as_string(connection))
        places = np.arange(keys.num_rows, dtype=np.int64)
        matches = oldest(probe(connection, target, record_type.id, places))
        ids[matches.place], found[matches.place] = matches.record_id, True
    return as_uuid_array(ids, found)


def ensure(
    tx: Transaction, record_type: RecordType, keys: pa.Table, *, import_id: UUID, row: pa.Array
) -> None:
    """Make records that have these values alone, where there are none."""
    target = _target(tx.connection, record_type, keys)
    try:
        with tx.savepoint():
            _insert(tx.connection, target, import_id, row)
    except errors.Error as error:
        if not is_row_fault(error):
            raise
        _insert_each(tx, target, import_id, row)


def _insert_each(tx: Transaction, target: Target, import_id: UUID, row: pa.Array) -> None:
    """Make each record alone, where the destination refuses one of them."""
    for place in range(target.values.num_rows):
        one = replace(target, values=target.values.slice(place, 1))
        try:
            with tx.savepoint():
                _insert(tx.connection, one, import_id, row[place : place + 1])
        except errors.Error as error:
            if not is_row_fault(error):
                raise


def _insert(connection: Connection[Any], target: Target, import_id: UUID, row: pa.Array) -> None:
    """Insert in the order of the values, so that two loaders cannot wait for each other here."""
    [column] = target.columns
    staged = target.values.rename_columns(["value"]).append_column("row", row)
    kinds = [("value", str(column.type)), ("row", "bigint")]
    with temporary_table(connection, "rowport_wanted", kinds) as table:
        copy_in(connection, table, staged)
        connection.execute(
            sql.SQL(
                "INSERT INTO {target} (rowport_id, rowport_import, rowport_row, {column})"
                " SELECT gen_random_uuid(), {import_id}, w.row, w.value FROM {wanted} AS w"
                " ORDER BY w.value, w.row ON CONFLICT ({column}) DO NOTHING"
            ).format(
                target=target.table,
                column=sql.Identifier(column.name),
                import_id=sql.Literal(import_id),
                wanted=table,
            )
        )


def _target(connection: Connection[Any], record_type: RecordType, keys: pa.Table) -> Target:
    """See the keys as a batch that touches nothing else of the table."""
    batch = LoadBatch(
        import_id=new_uuid(),
        rows=keys,
        row=pa.array(range(keys.num_rows), pa.int64()),
        key=tuple(keys.column_names),
        mode=Mode.VALIDATE,
        on_match=OnMatch.SKIP,
    )
    return target_of(connection, record_type, batch)
