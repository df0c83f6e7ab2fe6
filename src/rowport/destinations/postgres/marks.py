"""The marks on records: the transaction, or savepoint, that wrote each of them (`xmin`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from psycopg import sql

from rowport.destinations.postgres.catalog import rows_of
from rowport.destinations.postgres.copying import copy_in, index_plans, temporary_table
from rowport.engine.record_ids import as_uuid_array

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray
    from psycopg import Connection

    from rowport.ports.undoing import Marks


def marks_on(
    connection: Connection[Any], table: sql.Identifier, record_id: NDArray[np.uint8]
) -> Marks:
    """Give the marks on the records with these ids (n x 16)."""
    if not len(record_id):
        return ()
    if len(record_id) == 1:
        one = sql.SQL("SELECT t.xmin::text::bigint FROM {} AS t WHERE t.rowport_id = {}::uuid")
        query = one.format(table, sql.Literal(record_id.tobytes().hex()))
        return spans(mark for (mark,) in rows_of(connection, query))
    ids = pa.table({"id": as_uuid_array(record_id)})
    with temporary_table(connection, "rowport_written", [("id", "uuid")]) as staged:
        copy_in(connection, staged, ids)
        query = sql.SQL(
            "SELECT DISTINCT t.xmin::text::bigint FROM {} AS s JOIN {} AS t ON t.rowport_id = s.id"
        ).format(staged, table)
        with index_plans(connection):
            return spans(mark for (mark,) in rows_of(connection, query))


def spans(marks: Iterable[int]) -> Marks:
    """Give marks as half-open spans."""
    found: list[tuple[int, int]] = []
    for mark in sorted(marks):
        if found and found[-1][1] == mark:
            found[-1] = (found[-1][0], mark + 1)
        else:
            found.append((mark, mark + 1))
    return tuple(found)
