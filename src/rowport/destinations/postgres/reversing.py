"""Give back what was before the rows of a chunk."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from rowport.destinations.postgres.catalog import existing_table
from rowport.destinations.postgres.columns import column_name, table_layout
from rowport.destinations.postgres.copying import (
    copy_in,
    fixed_arrays,
    index_plans,
    temporary_table,
)
from rowport.destinations.postgres.giving_back import Step, give_back
from rowport.destinations.postgres.marks import marks_on
from rowport.destinations.postgres.referrers import referred_to, referring
from rowport.engine.journal import ABOUT, AUTHOR, AUTHOR_ROW, LACKS
from rowport.engine.record_ids import ID_BYTES, as_uuid_array
from rowport.engine.references import id_texts
from rowport.model.undo import UndoFate
from rowport.ports.undoing import Marks, ReverseBatch, ReverseResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection

    from rowport.destinations.postgres.columns import TableLayout
    from rowport.model.record_types import RecordType
    from rowport.ports import Transaction

    Places = NDArray[np.int64]
    Booleans = NDArray[np.bool_]

_STAGED: Final[dict[pa.DataType, str]] = {
    pa.int64(): "bigint",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us", "UTC"): "timestamp with time zone",
    pa.time64("us"): "time without time zone",
}
"""How old values are sent; types not here travel as text."""
_FOUND: Final = [">i8", f"V{ID_BYTES}", ">i8", ">i8"]
"""How found records travel: place, author, its row, mark."""
_SETTINGS: Final = (
    "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL TimeZone TO 'UTC'; SET LOCAL DateStyle TO 'ISO, YMD'"
)
"""Refusals come now, while it can be told whose they are; values change types in one way."""


def reverse(tx: Transaction, record_type: RecordType, batch: ReverseBatch) -> ReverseResult:
    """Give back inside `tx` what was before the rows.

    Raises:
        psycopg.Error: the system's fault, not a record's; the transaction has to be rolled back.
    """
    connection: Connection[Any] = tx.connection
    layout = table_layout(record_type)
    there = existing_table(connection, layout.schema, layout.table)
    reversal = Reversal(connection, layout, batch)
    if there is None:
        reversal.keep_all(f"The table {layout.schema}.{layout.table} is gone.")
        return reversal.result()
    connection.execute(_SETTINGS)
    reversal.look()
    reversal.give_back({name: column.type for name, column in there.columns.items()})
    return reversal.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Before-images that have the same fields and the same kind of author."""

    places: Places
    table: pa.Table


class Reversal:
    """Decides what becomes of each row of a batch, and does it."""

    def __init__(
        self, connection: Connection[Any], layout: TableLayout, batch: ReverseBatch
    ) -> None:
        self._connection = connection
        self._layout = layout
        self._table = sql.Identifier(layout.schema, layout.table)
        self._batch = batch
        self._row = np.asarray(batch.row, np.int64)
        self._is_new = np.asarray(batch.is_new.to_numpy(zero_copy_only=False), np.bool_)
        self._fate = np.full(self._row.size, UndoFate.REVERSED, np.uint8)
        self._why: NDArray[Any] = np.full(self._row.size, None, object)
        self._is_refused = False
        self._marks: Marks = ()

    def result(self) -> ReverseResult:
        """Close the books."""
        return ReverseResult(
            fate=pa.array(self._fate),
            why=pa.array(self._why, pa.string()),
            is_refused=self._is_refused,
            marks_as_left=self._marks,
        )

    def keep_all(self, why: str) -> None:
        """Leave every record alone."""
        self._keep(np.arange(self._row.size), why)

    def _keep(self, places: Places, why: str | NDArray[Any]) -> None:
        self._fate[places], self._why[places] = UndoFate.KEPT, why

    def _open(self, *, is_new: bool) -> Places:
        """Give the rows whose records are to be given back: those made, or those changed."""
        return np.flatnonzero((self._fate == UndoFate.REVERSED) & (self._is_new == is_new))

    # -------------------------------------------------------------------------- changed since

    def look(self) -> None:
        """Lock the records, and keep those that are not as this import left them."""
        places = np.arange(self._row.size)
        ids = pa.table({"place": pa.array(places), "id": self._batch.record_id})
        kinds = [("place", "bigint"), ("id", "uuid")]
        with temporary_table(self._connection, "rowport_ids", kinds) as staged:
            copy_in(self._connection, staged, ids)
            with index_plans(self._connection):
                found = fixed_arrays(self._connection, self._look_query(staged), _FOUND)
        place, author, row, mark = found or [np.zeros(0, kind) for kind in _FOUND]
        self._keep(np.setdiff1d(places, place), "The record was deleted since.")
        authors = np.frombuffer(author.tobytes(), np.uint8).reshape(-1, ID_BYTES)
        ours = np.frombuffer(self._batch.import_id.bytes, np.uint8)
        is_ours = (authors == ours).all(axis=1) & (row == self._row[place])
        self._keep(place[~is_ours], _by_others(row[~is_ours], authors[~is_ours]))
        changed = is_ours & ~within(mark.astype(np.int64), self._batch.marks)
        self._keep(place[changed], "The record was changed since, by no import.")

    def _look_query(self, staged: sql.Identifier) -> sql.Composed:
        return sql.SQL(
            "SELECT array_agg(f.place), array_agg(f.rowport_import), array_agg(f.rowport_row),"
            " array_agg(f.mark) FROM ("
            "SELECT s.place, t.rowport_import, t.rowport_row, t.xmin::text::bigint AS mark"
            " FROM {staged} AS s JOIN {table} AS t ON t.rowport_id = s.id"
            " ORDER BY t.rowport_id FOR UPDATE OF t) AS f"
        ).format(staged=staged, table=self._table)

    # ----------------------------------------------------------------------------- given back

    def give_back(self, types: Mapping[str, str]) -> None:
        """Delete what was made and put old values back; `types`: of each column of the table."""
        as_left = np.zeros(self._row.size, np.bool_)
        with ExitStack() as stack:
            steps = self._deletions(stack)
            for number, images in enumerate(self._images(as_left)):
                steps += self._restorations(stack, f"rowport_old_{number}", images, types)
            refused = give_back(self._connection, steps) if steps else []
        for refusal in refused:
            self._fate[refusal.place], self._why[refusal.place] = refusal.fate, refusal.why
            self._is_refused |= refusal.is_in_the_way
        back = np.flatnonzero(as_left & (self._fate == UndoFate.REVERSED))
        self._marks = marks_on(self._connection, self._table, self._ids(back))

    def _ids(self, places: Places) -> NDArray[np.uint8]:
        taken = self._batch.record_id.take(pa.array(places))
        return np.frombuffer(b"".join(taken.to_pylist()), np.uint8).reshape(-1, ID_BYTES)

    def _deletions(self, stack: ExitStack) -> list[Step]:
        """Stage the records that were made and that nobody refers to."""
        places = self._open(is_new=True)
        if not places.size:
            return []
        staged = self._staged(stack, "rowport_made", places, [])
        for place, why in self._referred_to(staged):
            self._keep(np.array([place]), why)
            self._is_refused = True
        write = sql.SQL("DELETE FROM {} AS t USING {} AS s WHERE t.rowport_id = s.id")
        size = self._open(is_new=True).size
        return [Step(staged=staged, size=size, write=write.format(self._table, staged))]

    def _referred_to(self, staged: sql.Identifier) -> list[tuple[int, str]]:
        """Take out what others refer to, until nothing is left that does."""
        said: list[tuple[int, str]] = []
        known = referring(self._connection, self._layout, self._batch.referrers)
        took = bool(known)
        while took:
            took = False
            for one in known:
                places = referred_to(self._connection, self._table, staged, one)
                said += [(place, f"Records of {one.words}") for place in places]
                if places:
                    took = True
                    drop = sql.SQL("DELETE FROM {} WHERE place = ANY ({})").format(
                        staged, sql.Literal(places)
                    )
                    self._connection.execute(drop, prepare=False)
        return said

    def _staged(
        self,
        stack: ExitStack,
        name: str,
        places: Places,
        columns: Sequence[tuple[str, str, pa.ChunkedArray]],
    ) -> sql.Identifier:
        """Send places and ids of records, and columns (name, type, values) beside them."""
        kinds = [("place", "bigint"), ("id", "uuid"), *((n, kind) for n, kind, _ in columns)]
        staged = stack.enter_context(temporary_table(self._connection, name, kinds))
        rows = {"place": pa.array(places), "id": self._batch.record_id.take(pa.array(places))}
        rows |= {n: values for n, _, values in columns}
        copy_in(self._connection, staged, pa.table(rows))
        return staged

    # ------------------------------------------------------------------------ the old values

    def _images(self, as_left: Booleans) -> list[Images]:
        """Part the images of open rows by their fields and by what their authors left.

        `as_left`, aligned with the rows, is filled in.
        """
        places, before = self._open(is_new=False), self._batch.before
        if before is None:
            before = pa.table({name: pa.array([], pa.int64()) for name in ABOUT})
        image_row = before["row"].to_numpy()
        known = np.isin(self._row[places], image_row)
        unknown = places[~known]
        self._fate[unknown] = UndoFate.ERRORED
        self._why[unknown] = "It is not known what the record was before."
        places = places[known]
        order = np.argsort(image_row, kind="stable")
        at = order[np.searchsorted(image_row, self._row[places], sorter=order)]
        as_left[places] = np.asarray(self._batch.as_left, np.bool_)[at]
        kind, lacking = _kinds_of_images(before)
        kind = 2 * kind[at] + as_left[places]
        return [
            Images(
                places=places[kind == one],
                table=before.take(pa.array(at[kind == one])).drop_columns(lacking[one // 2]),
            )
            for one in np.unique(kind)
        ]

    def _restorations(
        self, stack: ExitStack, name: str, images: Images, types: Mapping[str, str]
    ) -> list[Step]:
        """Stage old values; of columns that are gone there is nothing to put back."""
        fields = [
            (column_name(field), images.table.column(at))
            for at, field in enumerate(images.table.column_names)
            if at >= len(ABOUT) and column_name(field) in types
        ]
        columns = [
            ("author", "text", images.table.column(AUTHOR)),
            ("author_row", "bigint", images.table.column(AUTHOR_ROW)),
        ]
        sets: list[sql.Composable] = [
            sql.SQL("rowport_import = s.author::uuid, rowport_row = s.author_row")
        ]
        for at, (column, values) in enumerate(fields):
            kind = _STAGED.get(values.type, "text")
            columns.append((f"o{at}", kind, values))
            old: sql.Composable = sql.Identifier("s", f"o{at}")
            if kind != types[column]:
                old = sql.SQL("{}::text::{}").format(old, sql.SQL(types[column]))
            sets.append(sql.SQL("{} = {}").format(sql.Identifier(column), old))
        staged = self._staged(stack, name, images.places, columns)
        write = sql.SQL("UPDATE {} AS t SET {} FROM {} AS s WHERE t.rowport_id = s.id").format(
            self._table, sql.SQL(", ").join(sets), staged
        )
        return [Step(staged=staged, size=images.places.size, write=write)]


def _kinds_of_images(before: pa.Table) -> tuple[Places, list[list[str]]]:
    """Number the kinds of images by the fields that they lack; gives also what is not theirs."""
    if LACKS not in before.column_names:
        return np.zeros(before.num_rows, np.int64), [[]]
    joined = pc.binary_join(before[LACKS].combine_chunks(), "\x00").dictionary_encode()
    texts = joined.dictionary.to_pylist()
    names = [[LACKS, *filter(None, text.split("\x00"))] for text in texts]
    return joined.indices.to_numpy().astype(np.int64), names


def _by_others(row: NDArray[Any], authors: NDArray[np.uint8]) -> NDArray[Any]:
    """Say which rows of which imports changed records since."""
    words = pc.binary_join_element_wise(
        "The record was changed since by row ",
        pa.array(row.astype(np.int64)).cast(pa.string()),
        " of import ",
        id_texts(as_uuid_array(authors)),
        ".",
        "",
    )
    said: NDArray[Any] = words.to_numpy(zero_copy_only=False)
    return said


def within(marks: NDArray[np.int64], spans: Marks) -> Booleans:
    """Tell which marks lie in the spans."""
    if not spans:
        return np.zeros(marks.size, np.bool_)
    first, end = np.array(sorted(spans), np.int64).T
    at = np.searchsorted(first, marks, side="right") - 1
    return np.asarray((at >= 0) & (marks < end[at]), np.bool_)
