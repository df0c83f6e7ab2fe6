"""Change a column's type, only where every value survives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from rowport.destinations.postgres.catalog import rows_of
from rowport.destinations.postgres.columns import SqlType
from rowport.model.errors import DestinationConflict

if TYPE_CHECKING:
    from typing import LiteralString

    from psycopg import Connection

    from rowport.destinations.postgres.columns import Column, TableLayout

T = SqlType
_EVERY: Final = "true"
_DAY: Final = r"'^\d{4}-\d{2}-\d{2}$'"
_INSTANT: Final = (
    r"'^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)$'"
)
_CLOCK: Final = r"'^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$'"

SURVIVES: Final[dict[tuple[SqlType, SqlType], LiteralString]] = {
    **{(old, T.TEXT): _EVERY for old in SqlType if old is not T.TEXT},
    (T.BIGINT, T.NUMERIC): _EVERY,
    (
        T.NUMERIC,
        T.BIGINT,
    ): "c = trunc(c) AND c BETWEEN -9223372036854775808 AND 9223372036854775807",
    (T.DATE, T.TIMESTAMPTZ): _EVERY,
    (T.TIMESTAMPTZ, T.DATE): "c = date_trunc('day', c)",
    # Text comes back the same: "007" stays text, since as a number it would lose its zeros.
    (T.TEXT, T.BIGINT): "pg_temp.rowport_cast(c) = c",
    (T.TEXT, T.NUMERIC): "pg_temp.rowport_cast(c) = c",
    (T.TEXT, T.BOOLEAN): "pg_temp.rowport_cast(c) = c",
    (T.TEXT, T.DATE): f"c ~ {_DAY} AND pg_temp.rowport_cast(c) IS NOT NULL",
    (T.TEXT, T.TIMESTAMPTZ): f"c ~ {_INSTANT} AND pg_temp.rowport_cast(c) IS NOT NULL",
    (T.TEXT, T.TIME): f"c ~ {_CLOCK} AND pg_temp.rowport_cast(c) IS NOT NULL",
    (T.TEXT, T.JSONB): "pg_temp.rowport_cast(c) IS NOT NULL",
}
"""From, to: SQL that says whether the value c survives.  What is not here never does."""
del T

_CAST: Final = """
CREATE FUNCTION pg_temp.rowport_cast(value text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    RETURN value::{type}::text;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$
"""


def change_type(connection: Connection[Any], layout: TableLayout, column: Column, old: str) -> None:
    """Give the column its new type.

    Raises:
        DestinationConflict: a value would not survive.
    """
    kept = {name: rows_of(connection, f"SHOW {name}")[0][0] for name in ("timezone", "datestyle")}
    _set(connection, {"timezone": "UTC", "datestyle": "ISO, YMD"})
    connection.execute(sql.SQL(_CAST).format(type=sql.SQL(column.type)))
    _check(connection, layout, column, old)
    connection.execute(
        sql.SQL(
            "ALTER TABLE {table} ALTER COLUMN {name} TYPE {type} USING {name}::{via}::{type}"
        ).format(
            table=sql.Identifier(layout.schema, layout.table),
            name=sql.Identifier(column.name),
            type=sql.SQL(column.type),
            # As text, 1.00 would be no integer.
            via=sql.SQL("numeric" if old == SqlType.NUMERIC else "text"),
        )
    )
    connection.execute("DROP FUNCTION pg_temp.rowport_cast(text)")
    _set(connection, kept)


def _set(connection: Connection[Any], settings: dict[str, str]) -> None:
    for name, value in settings.items():
        connection.execute(
            "SELECT set_config(%(name)s, %(value)s, true)", {"name": name, "value": value}
        )


def _check(connection: Connection[Any], layout: TableLayout, column: Column, old: str) -> None:
    rule: LiteralString = "false"
    if old in set(SqlType):
        rule = SURVIVES.get((SqlType(old), column.type), "false")
    misfits = sql.SQL(
        "SELECT count(*), min(r) FROM (SELECT {name} AS c, rowport_row AS r FROM {table}) AS v"
        " WHERE c IS NOT NULL AND ({rule}) IS NOT TRUE"
    ).format(
        name=sql.Identifier(column.name),
        table=sql.Identifier(layout.schema, layout.table),
        rule=sql.SQL(rule),
    )
    count, first_row = rows_of(connection, misfits)[0]
    if count:
        raise DestinationConflict(
            f"The column {column.name!r} cannot change from {old} to {column.type}: "
            f"{count} {'value does' if count == 1 else 'values do'} not fit "
            f"(first written by row {first_row}). Mend them or use a new field."
        )
