"""Find the records that rows mean, and write into them what differs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from rowport.destinations.postgres.columns import Column, SqlType
from rowport.destinations.postgres.copying import (
    copy_in,
    fixed_arrays,
    index_plans,
    temporary_table,
    text_rows,
)
from rowport.destinations.postgres.twins import in_key_order
from rowport.engine.journal import ABOUT
from rowport.engine.record_ids import ID_BYTES, as_uuid_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import LiteralString
    from uuid import UUID

    from numpy.typing import NDArray
    from psycopg import Connection

    from rowport.destinations.postgres.fates import Places
    from rowport.destinations.postgres.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Records that rows mean; arrays are aligned and ordered by place."""

    place: Places
    record_id: NDArray[np.uint8]
    """n x 16."""
    ours: NDArray[np.bool_]
    """This import wrote the record last."""
    row: NDArray[np.int64]
    """The row that wrote it last."""
    same: NDArray[np.bool_]
    """The record has the values of the row; not known without `compare`, then false."""

    def take(self, these: NDArray[np.int64]) -> Matches:
        """Give those at these indexes."""
        return Matches(
            place=self.place[these],
            record_id=self.record_id[these],
            ours=self.ours[these],
            row=self.row[these],
            same=self.same[these],
        )


_FOUND: Final = [">i8", f"V{ID_BYTES}", "?", ">i8", "?"]
"""How `Matches` travel: place, record_id, ours, row, same."""


def probe(
    connection: Connection[Any],
    target: Target,
    import_id: UUID,
    places: Places,
    *,
    compare: bool = False,
) -> Matches:
    """Look the keys up; a place stands twice if two records have its key.

    With `compare` whole rows are sent and records compared at once, which pays where most rows
    match and few differ: there is no second trip for those that do not.
    """
    columns = target.columns if compare else target.key
    # Neighbours in the index are looked up together: half the time of a random order.
    places = places[in_key_order(_taken(target, target.key, places))]
    short = [f"n{at}" for at in range(len(columns))]
    rows = _taken(target, columns, places).rename_columns(short)
    rows = rows.append_column("place", pa.array(places))
    kinds = [(name, str(c.type)) for name, c in zip(short, columns, strict=True)]
    as_json = frozenset(n for n, kind in kinds if kind == SqlType.JSONB)
    with temporary_table(connection, "rowport_keys", [*kinds, ("place", "bigint")]) as table:
        copy_in(connection, table, rows, as_json)
        query = _probe_query(target, import_id, table, columns, compare=compare)
        with index_plans(connection) if target.key_index else nullcontext():
            found = fixed_arrays(connection, query, _FOUND)
    place, ids, ours, row, same = found or [np.zeros(0, kind) for kind in _FOUND]
    matches = Matches(
        place=place.astype(np.int64),
        record_id=_id_matrix(ids),
        ours=ours.astype(np.bool_),
        row=row.astype(np.int64),
        same=same.astype(np.bool_),
    )
    return matches.take(np.argsort(matches.place, kind="stable"))


def _taken(target: Target, columns: Sequence[Column], places: Places) -> pa.Table:
    rows = target.values.select([column.name for column in columns])
    return rows.take(pa.array(places))


def _probe_query(
    target: Target,
    import_id: UUID,
    table: sql.Identifier,
    columns: Sequence[Column],
    *,
    compare: bool,
) -> sql.Composed:
    sent = {c.name: sql.Identifier("k", f"n{at}") for at, c in enumerate(columns)}
    same: sql.Composable = sql.SQL("false")
    if compare:
        same = sql.SQL("NOT ({})").format(differs(target, sent.values()))
    # OFFSET 0 keeps the target on the inner side, looked up by its index.  Left to choose, a
    # planner whose statistics are from a moment at which the rows were not committed yet takes the
    # target for empty and reads all the keys again for each of its records.
    return sql.SQL(
        "SELECT array_agg(k.place), array_agg(t.rowport_id),"
        " array_agg(t.rowport_import = {import_id}), array_agg(t.rowport_row), array_agg({same})"
        " FROM {keys} AS k"
        " CROSS JOIN LATERAL (SELECT t.* FROM {table} AS t WHERE {met}{fence}) AS t"
    ).format(
        fence=sql.SQL(" OFFSET 0" if target.key_index else ""),
        import_id=sql.Literal(import_id),
        same=same,
        keys=table,
        table=target.table,
        met=sql.SQL(" AND ").join(
            sql.SQL("t.{} = {}").format(sql.Identifier(c.name), sent[c.name]) for c in target.key
        ),
    )


def _id_matrix(ids: NDArray[Any]) -> NDArray[np.uint8]:
    return np.frombuffer(ids.tobytes(), np.uint8).reshape(-1, ID_BYTES)


def oldest(matches: Matches) -> Matches:
    """Keep one record for each place: the one with the lowest id, which was made first."""
    ids = np.ascontiguousarray(matches.record_id).view(f"S{ID_BYTES}").reshape(-1)
    order = np.lexsort((ids, matches.place))
    _, start = np.unique(matches.place[order], return_index=True)
    return matches.take(order[start])


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Records that differed from their rows, and what they were."""

    place: Places
    ours: NDArray[np.bool_]
    """Meanwhile another chunk of this import wrote the record: nothing was written here."""
    row: NDArray[np.int64]
    """The row that wrote it last before."""
    author: pa.Array
    """The import that did (string)."""
    mark: NDArray[np.int64]
    """The mark that the record bore before."""
    old: pa.Table
    """The values it had, named by field, aligned with `place`."""
    written: int
    """How many records took the new values: fewer than `~ours` if a trigger left some out."""


_OLD: Final[dict[SqlType, LiteralString]] = {
    SqlType.BOOLEAN: "{0}::int",
    SqlType.DATE: "CASE WHEN isfinite({0}) THEN {0} - DATE '1970-01-01' END",
    SqlType.TIMESTAMPTZ: "CASE WHEN isfinite({0})"
    " THEN (extract(epoch FROM {0}) * 1000000)::bigint END",
    SqlType.TIME: "(extract(epoch FROM {0}) * 1000000)::bigint",
}
"""How old values travel as text; types not here as they are."""

_OLD_ARROW: Final[dict[SqlType, tuple[pa.DataType, pa.DataType]]] = {
    SqlType.BIGINT: (pa.int64(), pa.int64()),
    SqlType.BOOLEAN: (pa.int64(), pa.bool_()),
    SqlType.DATE: (pa.int32(), pa.date32()),
    SqlType.TIMESTAMPTZ: (pa.int64(), pa.timestamp("us", "UTC")),
    SqlType.TIME: (pa.int64(), pa.time64("us")),
}
"""How they are read back; types not here (numeric, text, jsonb) stay text: exact at any size."""


def old_value(column: Column) -> sql.Composed:
    """Give SQL for the value of a record (t) as it travels."""
    path = sql.Identifier("t", column.name)
    return sql.SQL(_OLD.get(column.type, "{0}::text")).format(path)


def read_old(columns: Iterable[Column], texts: pa.Table) -> pa.Table:
    """Give values that travelled as `old_value`, named by field; `texts` has them by name."""
    made = {}
    for column in columns:
        text = texts.column(column.name)
        first, then = _OLD_ARROW.get(column.type, (pa.string(), pa.string()))
        made[column.field] = text.cast(first).cast(then)
    return pa.table(made)


def differs(target: Target, new: Iterable[sql.Composable]) -> sql.Composable:
    """Give SQL that says whether the record t differs from the values in the mapped fields."""
    old = [sql.Identifier("t", column.name) for column in target.columns]
    return sql.SQL("ROW({}) IS DISTINCT FROM ROW({})").format(
        sql.SQL(", ").join(old), sql.SQL(", ").join(new)
    )


def change(
    connection: Connection[Any],
    target: Target,
    import_id: UUID,
    *,
    row: NDArray[np.int64],
    places: Places,
    record_id: NDArray[np.uint8],
    write: bool,
) -> Changes:
    """Compare records with their rows and, if `write`, give them the values of the rows.

    `row` is that of the whole batch; `places` and `record_id` are aligned.  Records are locked
    in the order of their ids, so that two batches cannot wait for each other here.
    """
    new = [f"n{at}" for at in range(len(target.columns))]
    staged = target.values.take(pa.array(places)).rename_columns(new)
    staged = staged.append_column("place", pa.array(places))
    staged = staged.append_column("row", pa.array(row[places]))
    staged = staged.append_column("id", as_uuid_array(record_id))
    kinds = [(n, str(c.type)) for n, c in zip(new, target.columns, strict=True)]
    as_json = frozenset(n for n, kind in kinds if kind == SqlType.JSONB)
    kinds += [("place", "bigint"), ("row", "bigint"), ("id", "uuid")]
    with temporary_table(connection, "rowport_rows", kinds) as table:
        copy_in(connection, table, staged, as_json)
        query = _change_query(target, import_id, table, new, write=write)
        names = ["place", "ours", "row", "written", "mark", "author"]
        names += [c.name for c in target.columns]
        with index_plans(connection):
            texts = text_rows(connection, query, [f"{at}" for at in range(len(names))])
    head = [texts.column(str(at)).cast(pa.int64()).to_numpy() for at in range(5)]
    old = texts.select([str(at) for at in range(6, len(names))]).rename_columns(names[6:])
    return Changes(
        place=head[0],
        ours=head[1].astype(np.bool_),
        row=head[2],
        author=texts.column("5").combine_chunks(),
        mark=head[4],
        old=read_old(target.columns, old),
        written=int(head[3][0]) if texts.num_rows else 0,
    )


def _change_query(
    target: Target, import_id: UUID, table: sql.Identifier, new: list[str], *, write: bool
) -> sql.Composed:
    comma = sql.SQL(", ")
    found = sql.SQL(
        "SELECT s.place, s.row, s.id,"
        " (t.rowport_import = {import_id} AND t.rowport_row <> s.row)::int AS ours,"
        " t.rowport_row AS old_row, t.xmin::text AS mark, t.rowport_import AS author,"
        " {old}, {new}"
        " FROM {staged} AS s JOIN {table} AS t ON t.rowport_id = s.id"
        " WHERE {differs}{locked}"
    ).format(
        import_id=sql.Literal(import_id),
        old=comma.join(
            sql.SQL("{} AS {}").format(old_value(c), sql.Identifier(f"o{at}"))
            for at, c in enumerate(target.columns)
        ),
        new=comma.join(sql.Identifier("s", name) for name in new),
        staged=table,
        table=target.table,
        differs=differs(target, [sql.Identifier("s", name) for name in new]),
        locked=sql.SQL(" ORDER BY t.rowport_id FOR UPDATE OF t" if write else ""),
    )
    written: sql.Composable = sql.SQL("SELECT 1 AS done WHERE false")
    if write:
        written = sql.SQL(
            "UPDATE {table} AS t SET rowport_import = {import_id}, rowport_row = f.row, {sets}"
            " FROM found AS f WHERE t.rowport_id = f.id AND f.ours = 0 RETURNING 1 AS done"
        ).format(
            table=target.table,
            import_id=sql.Literal(import_id),
            sets=comma.join(
                sql.SQL("{} = f.{}").format(sql.Identifier(c.name), sql.Identifier(n))
                for c, n in zip(target.columns, new, strict=True)
            ),
        )
    return sql.SQL(
        "WITH found AS MATERIALIZED ({found}), written AS ({written})"
        " SELECT place, ours, old_row, (SELECT count(*) FROM written), mark, author, {old}"
        " FROM found ORDER BY place"
    ).format(
        found=found,
        written=written,
        old=comma.join(sql.Identifier(f"o{at}") for at in range(len(target.columns))),
    )


def before_images(
    changes: Changes, kept: NDArray[np.bool_], row: NDArray[np.int64], ids: pa.Array
) -> pa.Table:
    """Give LoadResult.before of the kept changes; `ids` are aligned with `changes.place`."""
    about = [pa.array(row[changes.place]), ids, changes.author, changes.row, changes.mark]
    table = pa.table(dict(zip(ABOUT, about, strict=True)))
    for name, column in zip(changes.old.column_names, changes.old.columns, strict=True):
        table = table.append_column(name, column)
    return pc.filter(table, pa.array(kept))
