"""Read records back, in the order of their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import errors, sql

from rowport.destinations.postgres.catalog import rows_of
from rowport.destinations.postgres.columns import table_layout
from rowport.destinations.postgres.preparing import table_name
from rowport.model.errors import DestinationConflict
from rowport.ports import StoredRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from psycopg import Connection

    from rowport.model.record_types import RecordType
    from rowport.ports import Transaction

PAGE: Final = sql.SQL(
    "(%(after)s::uuid IS NULL OR rowport_id > %(after)s) ORDER BY rowport_id LIMIT %(limit)s"
)
ONE: Final = sql.SQL("rowport_id = %(id)s")


def records(
    tx: Transaction, record_type: RecordType, *, after: UUID | None, limit: int
) -> Sequence[StoredRecord]:
    """Give a page of records by id, those behind `after`; None: from the first."""
    return _read(tx.connection, record_type, PAGE, {"after": after, "limit": limit})


def record(tx: Transaction, record_type: RecordType, record_id: UUID) -> StoredRecord | None:
    """Give one record."""
    found = _read(tx.connection, record_type, ONE, {"id": record_id})
    return found[0] if found else None


def _read(
    connection: Connection[Any],
    record_type: RecordType,
    which: sql.SQL,
    parameters: Mapping[str, object],
) -> list[StoredRecord]:
    layout = table_layout(record_type)
    # As text: a driver would make floats of numbers with more digits than those hold.
    values = [sql.SQL("to_json({})::text").format(sql.Identifier(c.name)) for c in layout.columns]
    query = sql.SQL(
        "SELECT rowport_id, rowport_import, rowport_row, ARRAY[{values}] FROM {table} WHERE {which}"
    ).format(values=sql.SQL(", ").join(values), table=table_name(layout), which=which)
    connection.execute("SELECT set_config('TimeZone', 'UTC', true)")
    try:
        found = rows_of(connection, query, parameters)
    except (errors.UndefinedTable, errors.UndefinedColumn) as error:
        raise DestinationConflict(
            f"The table {layout.schema}.{layout.table} is not as Rowport made it: "
            f"{error.diag.message_primary}. Put the record type again to mend it."
        ) from error
    fields = [column.field for column in layout.columns]
    return [
        StoredRecord(
            id=record_id,
            import_id=import_id,
            row=row,
            values={
                field: "null" if text is None else text
                for field, text in zip(fields, texts, strict=True)
            },
        )
        for record_id, import_id, row, texts in found
    ]
