"""What PostgreSQL knows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg.rows import tuple_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import LiteralString

    from psycopg import Connection, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingColumn:
    """A column as it stands."""

    type: str
    not_null: bool
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingIndex:
    """A unique index over whole columns, without a WHERE."""

    columns: tuple[str, ...]
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingTable:
    """A table as it stands."""

    kind: str
    """`pg_class.relkind`: "r" is a plain table, "p" a partitioned one."""
    comment: str
    columns: Mapping[str, ExistingColumn]
    indexes: Mapping[str, ExistingIndex]
    """Unique ones only."""


_TABLE: Final = """
SELECT c.relkind::text, coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(table)s
"""

_COLUMNS: Final = """
SELECT a.attname::text,
       format_type(a.atttypid, a.atttypmod),
       a.attnotnull,
       coalesce(col_description(c.oid, a.attnum), '')
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = %(schema)s AND c.relname = %(table)s
ORDER BY a.attnum
"""

_UNIQUE_INDEXES: Final = """
SELECT i.relname::text,
       coalesce(obj_description(i.oid, 'pg_class'), ''),
       array_agg(a.attname::text ORDER BY k.place)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_index AS x ON x.indrelid = c.oid
JOIN pg_class AS i ON i.oid = x.indexrelid
CROSS JOIN LATERAL unnest(x.indkey::int[]) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
WHERE n.nspname = %(schema)s AND c.relname = %(table)s
  AND x.indisunique AND x.indisvalid
  AND x.indpred IS NULL AND x.indexprs IS NULL
  AND k.place <= x.indnkeyatts
GROUP BY i.oid, i.relname
ORDER BY i.relname
"""


def rows_of(
    connection: Connection[Any],
    query: LiteralString | sql.SQL | sql.Composed,
    parameters: Mapping[str, object] | None = None,
) -> list[tuple[Any, ...]]:
    """Run a query that is not worth preparing and give its rows as tuples."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, parameters, prepare=False).fetchall()


def unique_indexes(
    connection: Connection[Any], schema: str, table: str
) -> dict[str, ExistingIndex]:
    """Give the unique indexes of a table by name; none when there is no table."""
    found = rows_of(connection, _UNIQUE_INDEXES, {"schema": schema, "table": table})
    return {
        name: ExistingIndex(columns=tuple(columns), comment=comment)
        for name, comment, columns in found
    }


def existing_table(connection: Connection[Any], schema: str, table: str) -> ExistingTable | None:
    """Give the table as it stands; None when nothing has this name."""
    place = {"schema": schema, "table": table}
    head = rows_of(connection, _TABLE, place)
    if not head:
        return None
    return ExistingTable(
        kind=head[0][0],
        comment=head[0][1],
        columns={
            name: ExistingColumn(type=kind, not_null=not_null, comment=comment)
            for name, kind, not_null, comment in rows_of(connection, _COLUMNS, place)
        },
        indexes=unique_indexes(connection, schema, table),
    )
