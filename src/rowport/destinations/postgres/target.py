"""The part of a managed table that one batch touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from rowport.destinations.postgres.catalog import ExistingIndex, unique_indexes
from rowport.destinations.postgres.columns import Column, SqlType, table_layout
from rowport.destinations.postgres.encoding import encodable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from psycopg import Connection

    from rowport.model.record_types import RecordType
    from rowport.ports import LoadBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Table, mapped columns and key, with the batch's values ready to be sent."""

    table: sql.Identifier
    columns: tuple[Column, ...]
    """The mapped ones, in the order of the batch."""
    values: pa.Table
    """The batch's values as they are sent, named like `columns`."""
    key: tuple[Column, ...]
    key_index: str | None
    """The unique index over exactly the key; None when there is none."""
    indexes: Mapping[str, ExistingIndex]

    @property
    def json_columns(self) -> frozenset[str]:
        """Names of the columns that are sent as JSON text."""
        return frozenset(c.name for c in self.columns if c.type is SqlType.JSONB)

    @property
    def key_words(self) -> str:
        """How messages name the key."""
        return " + ".join(column.field for column in self.key)

    @property
    def key_field(self) -> str | None:
        """The field at fault when a key is; None for a key of several fields."""
        return self.key[0].field if len(self.key) == 1 else None


def target_of(connection: Connection[Any], record_type: RecordType, batch: LoadBatch) -> Target:
    """Find the batch's place in the table."""
    layout = table_layout(record_type)
    columns = tuple(layout.column(field) for field in batch.rows.column_names)
    key = tuple(layout.column(field) for field in batch.key)
    indexes = unique_indexes(connection, layout.schema, layout.table)
    wanted = {column.name for column in key}
    key_index = next((n for n, i in indexes.items() if set(i.columns) == wanted), None)
    return Target(
        table=sql.Identifier(layout.schema, layout.table),
        columns=columns,
        values=batch.rows.from_arrays(
            [encodable(batch.rows.column(c.field), c.type) for c in columns],
            names=[column.name for column in columns],
        ),
        key=key,
        key_index=key_index,
        indexes=indexes,
    )
