"""Binary COPY in, arrays and text out, and temporary tables."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
from psycopg import sql
from psycopg.rows import tuple_row

from rowport.destinations.postgres.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection

_ARRAY_HEAD: Final = 20
"""Bytes before the elements of an array of one dimension: number of dimensions, whether there are
nulls, type, length, first subscript.  Source: array_send in PostgreSQL's arrayfuncs.c.
"""


def copy_in(
    connection: Connection[Any],
    table: sql.Composable,
    rows: pa.Table,
    json_columns: frozenset[str] = frozenset(),
) -> int:
    """COPY rows into a table by the names of their columns.

    Returns how many rows the table took: fewer than given if a trigger left some out.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, names)
    with connection.cursor(row_factory=tuple_row) as cursor:
        with cursor.copy(query) as copy:
            for part in encode(rows, json_columns):
                copy.write(part)
        return cursor.rowcount


def copy_out(connection: Connection[Any], query: sql.Composable, form: str) -> bytes:
    """Run a query as COPY TO and give all that it says."""
    command = sql.SQL("COPY ({}) TO STDOUT ({})").format(query, sql.SQL(form))
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        return b"".join(copy)


def fixed_arrays(
    connection: Connection[Any], query: sql.Composed, kinds: Sequence[str]
) -> list[NDArray[Any]] | None:
    """Run a query of one row whose columns are arrays without nulls, of elements of fixed width.

    `kinds` are the numpy types of the elements in the order of the query; big-endian, as
    PostgreSQL sends.  None when the arrays are null.

    One row, since psycopg hands over COPY TO and results row by row, in Python: for a million
    rows that took as long as the query itself.
    """
    with connection.cursor(binary=True) as cursor:
        cursor.execute(query, prepare=False)
        result = cursor.pgresult
        values = [result.get_value(0, at) if result else None for at in range(len(kinds))]
    return [
        np.frombuffer(value, np.dtype([("bytes", ">i4"), ("value", kind)]), offset=_ARRAY_HEAD)[
            "value"
        ]
        for value, kind in zip(values, kinds, strict=True)
        if value is not None
    ] or None


def text_rows(connection: Connection[Any], query: sql.Composable, names: Sequence[str]) -> pa.Table:
    """Run a query and give its values as text; null and "" stay apart."""
    data = copy_out(connection, query, "FORMAT csv, FORCE_QUOTE *")
    if not data:
        return pa.table({name: pa.array([], pa.string()) for name in names})
    numbers = [str(at) for at in range(len(names))]
    table = pa.csv.read_csv(
        pa.py_buffer(data),
        read_options=pa.csv.ReadOptions(
            column_names=numbers, block_size=len(data) + 1, use_threads=False
        ),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(numbers, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return table.rename_columns(names)


@contextmanager
def temporary_table(
    connection: Connection[Any], name: str, columns: Sequence[tuple[str, str]]
) -> Iterator[sql.Identifier]:
    """Make a temporary table of (name, type) columns for the length of a block.

    After an exception the caller's savepoint takes it back.
    """
    table = sql.Identifier("pg_temp", name)
    made = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in columns
    )
    create = sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP")
    connection.execute(create.format(sql.Identifier(name), made), prepare=False)
    yield table
    connection.execute(sql.SQL("DROP TABLE {}").format(table), prepare=False)


def refresh_statistics(connection: Connection[Any], table: sql.Identifier, name: str) -> None:
    """Count the target's records anew where its statistics cannot be true.

    They may be from a moment at which a loader had not committed: pages without a record.  With
    such a number an update would read all its rows again for each record of the target.
    """
    found = connection.execute(_DOUBTFUL, {"table": name}).fetchone()
    if found is not None:
        connection.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(table))


_DOUBTFUL: Final = (
    "SELECT 1 FROM pg_class WHERE oid = to_regclass(%(table)s)"
    " AND reltuples >= 0 AND pg_relation_size(oid) > 100 * 8192"
    " AND reltuples < pg_relation_size(oid) / 8192"
)
"""A row when there are fewer records than pages."""


@contextmanager
def index_plans(connection: Connection[Any]) -> Iterator[None]:
    """Let joins go through the target's index.

    Otherwise PostgreSQL hash-joins the whole target for each batch, since a fresh temporary
    table has no statistics (measured: server CPU doubles).
    """
    names = ("hashjoin", "mergejoin", "seqscan", "bitmapscan")
    connection.execute(
        "; ".join(f"SET LOCAL enable_{name} TO off" for name in names) + "; SET LOCAL jit TO off"
    )
    yield
    connection.execute(
        "; ".join(f"SET LOCAL enable_{name} TO DEFAULT" for name in names)
        + "; SET LOCAL jit TO DEFAULT"
    )
