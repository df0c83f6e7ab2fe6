"""Find records whose key differs from a row's by case or blanks only.

The rows get the spelling of the record they mean, or of the first row that means the same; from
there on everything is plain equality.  Whoever loads so has to load alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from psycopg import sql

from rowport.destinations.postgres.catalog import rows_of
from rowport.destinations.postgres.columns import SqlType
from rowport.engine.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg import Connection

    from rowport.destinations.postgres.target import Target
    from rowport.ports import LoadBatch

_BLANKS: Final = "\t\n\x0b\f\r\x1c\x1d\x1e\x1f "
"""What Python strips of ASCII."""


def as_stored(connection: Connection[Any], target: Target, batch: LoadBatch) -> LoadBatch:
    """Give the batch with its key spelled as in the records; a key that is no text stays."""
    (column,) = target.key
    if column.type is not SqlType.TEXT:
        return batch
    place = batch.rows.column_names.index(column.field)
    texts = batch.rows.column(place).to_pylist()
    known = _stored(connection, target, column.name, {fold(t) for t in texts if t is not None})
    exact = set(known)
    spelling: dict[str, str] = {}
    for text in known:
        spelling.setdefault(fold(text), text)
    respelled = [
        text if text is None or text in exact else spelling.setdefault(fold(text), text)
        for text in texts
    ]
    field = batch.rows.schema.field(place)
    rows = batch.rows.set_column(place, field, pa.array(respelled, field.type))
    return replace(batch, rows=rows)


def _stored(
    connection: Connection[Any], target: Target, name: str, folds: Iterable[str]
) -> list[str]:
    """Give the keys of records that may be meant, the oldest first.

    PostgreSQL has no case folding before version 18: it picks those of ASCII exactly, and all
    others, which we fold ourselves.
    """
    query = sql.SQL(
        "SELECT {column} FROM {table}"
        ' WHERE lower(btrim({column}, {blanks}) COLLATE "C") = ANY(%(folds)s)'
        " OR octet_length({column}) <> char_length({column})"
        " ORDER BY rowport_id"
    ).format(column=sql.Identifier(name), table=target.table, blanks=sql.Literal(_BLANKS))
    wanted = [text for text in folds if "\x00" not in text]
    return [row[0] for row in rows_of(connection, query, {"folds": wanted})]
