"""Which records others refer to, where no foreign key of the database would keep them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from rowport.destinations.postgres.catalog import existing_table, rows_of
from rowport.destinations.postgres.columns import column_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection

    from rowport.destinations.postgres.columns import TableLayout
    from rowport.ports.undoing import Referrer


@dataclass(frozen=True, slots=True, kw_only=True)
class Referring:
    """Columns of a table that lead to ours."""

    table: sql.Identifier
    columns: tuple[str, ...]
    by: tuple[str, ...]
    """Columns of ours; none: the id of the record, as text."""
    is_own: bool
    words: str
    """How people are told of it."""


_SILENT: Final = """
SELECT n.nspname::text, r.relname::text, k.conname::text,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c (attnum, place)
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.attnum
             ORDER BY c.place),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS c (attnum, place)
             JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = c.attnum
             ORDER BY c.place),
       k.conrelid = k.confrelid
FROM pg_constraint AS k
JOIN pg_class AS r ON r.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = r.relnamespace
JOIN pg_class AS o ON o.oid = k.confrelid
JOIN pg_namespace AS m ON m.oid = o.relnamespace
WHERE k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd')
  AND m.nspname = %(schema)s AND o.relname = %(table)s
ORDER BY k.oid
"""
"""Foreign keys that would follow a deletion (CASCADE, SET NULL, SET DEFAULT) and not refuse it."""


def referring(
    connection: Connection[Any], layout: TableLayout, referrers: Sequence[Referrer]
) -> list[Referring]:
    """Give what may refer to records of a table, beside foreign keys that would refuse."""
    silent = rows_of(connection, _SILENT, {"schema": layout.schema, "table": layout.table})
    found = [
        Referring(
            table=sql.Identifier(schema, table),
            columns=tuple(columns),
            by=tuple(by),
            is_own=is_own,
            words=f"the table {schema}.{table} refer to it (foreign key {name!r}).",
        )
        for schema, table, name, columns, by, is_own in silent
    ]
    return [*found, *_known(connection, layout, referrers)]


def _known(
    connection: Connection[Any], layout: TableLayout, referrers: Sequence[Referrer]
) -> Iterator[Referring]:
    for referrer in referrers:
        schema, table = referrer.record_type.table_schema, referrer.record_type.table_name
        columns = tuple(column_name(field) for field in referrer.fields)
        there = existing_table(connection, schema, table)
        if there is None or not set(columns) <= set(there.columns):
            continue
        yield Referring(
            table=sql.Identifier(schema, table),
            columns=columns,
            by=tuple(column_name(field) for field in referrer.by),
            is_own=(schema, table) == (layout.schema, layout.table),
            words=f"{referrer.record_type.name} refer to it ({', '.join(referrer.fields)}).",
        )


def referred_to(
    connection: Connection[Any], table: sql.Identifier, staged: sql.Identifier, by: Referring
) -> list[int]:
    """Give the places of staged records (place, id) that others than they refer to."""
    ours = [sql.Identifier("t", name) for name in by.by]
    theirs = [sql.Identifier("r", name) for name in by.columns]
    met = [sql.SQL("{} = {}").format(their, our) for their, our in zip(theirs, ours, strict=False)]
    if not by.by:
        met = [sql.SQL("{} = t.rowport_id::text").format(theirs[0])]
    if by.is_own:
        gone = "NOT EXISTS (SELECT FROM {} AS d WHERE d.id = r.rowport_id)"
        met.append(sql.SQL(gone).format(staged))
    query = sql.SQL(
        "SELECT s.place FROM {staged} AS s JOIN {table} AS t ON t.rowport_id = s.id"
        " WHERE EXISTS (SELECT FROM {their} AS r WHERE {met})"
    ).format(staged=staged, table=table, their=by.table, met=sql.SQL(" AND ").join(met))
    return [place for (place,) in rows_of(connection, query)]
