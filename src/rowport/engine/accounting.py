"""Put together what became of every row of a chunk, and encode it for the ledger.

Four Parquet values a chunk: the outcomes (one row a data row: outcome, line, record id), the
errors, the raw cells of failed rows, and the before-images of updated records.  A record id is
stored only where it cannot be computed from the import and the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rowport.engine.dedupe import comparable
from rowport.engine.tables import ERRORS_SCHEMA, no_errors
from rowport.model.counts import Counts
from rowport.model.ids import record_id
from rowport.model.outcomes import Outcome, RowError, RowErrorCode, RowOutcome
from rowport.model.undo import RowUndo, UndoFate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.ports import BrokenRow, LoadResult, ParsedChunk
    from rowport.ports.undoing import Marks

RECORD_ID: Final = pa.binary(16)
_FEW_JUMPS: Final = 100
"""Rows of a chunk that may span several lines without the room for it being missed."""
_LEVEL: Final = {"outcome": 15, "line": 15}
"""Of compression, from 1 to 22: what every row has and is cheap to press is pressed harder."""
RAW_SCHEMA: Final = pa.schema([("row", pa.int64()), ("cells", pa.list_(pa.string()))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The fate of each row of one chunk."""

    outcomes: pa.Table
    """Columns "outcome" (uint8), "line" (int64), "record_id" (16 bytes or null), one row a data
    row of the chunk, in order."""
    errors: pa.Table
    raw: pa.Table
    """Columns "row" (int64) and "cells" (list of string), for failed rows."""
    before: pa.Table | None
    written_by: Marks = ()
    """The marks on the records that were written just now, see `rowport.ports.undoing`."""

    @property
    def counts(self) -> Counts:
        """Rows by outcome."""
        seen = np.bincount(self.outcomes["outcome"].to_numpy(), minlength=len(Outcome))
        return Counts(**{o.word: int(seen[o]) for o in Outcome})


def account(
    parsed: ParsedChunk,
    *,
    invalid: pa.Table,
    loaded: LoadResult,
    row: pa.Array,
    skipped: pa.Array | None = None,
) -> Accounts:
    """Put together what reading, validating and loading said of the rows in `parsed`.

    `invalid` holds the errors of validation, `loaded` the answer of the destination for the rows
    numbered in `row`, and `skipped` the numbers of rows that it was not asked for.
    """
    numbers = numbers_of(parsed)
    outcome = np.zeros(parsed.rows, dtype=np.uint8)
    if skipped is not None:
        outcome[_places(skipped.to_numpy(), numbers)] = Outcome.SKIPPED
    outcome[_places(loaded_rows := row.to_numpy(), numbers)] = loaded.outcome.to_numpy()
    outcome[_places(pc.unique(invalid["row"]).to_numpy(), numbers)] = Outcome.FAILED
    outcome[_places(np.array([b.row for b in parsed.broken]), numbers)] = Outcome.FAILED
    ids = _record_ids(loaded, loaded_rows, numbers)
    errors = pa.concat_tables([invalid, loaded.errors, _broken_errors(parsed.broken)])
    return Accounts(
        outcomes=pa.table(
            {
                "outcome": pa.array(outcome),
                "line": _lines(parsed, numbers),
                "record_id": ids,
            }
        ),
        errors=errors.sort_by("row") if errors.num_rows else no_errors(),
        raw=_raw(parsed, outcome, numbers),
        before=loaded.before,
        written_by=loaded.written_by,
    )


def repeat_errors(rows: pa.Table, row: pa.Array, key: Sequence[str]) -> pa.Table:
    """Give the errors of rows whose key stands in an earlier row of the file."""
    shown = comparable(rows, key)
    values = shown.select(pl.concat_str(pl.all().cast(pl.String), separator=", "))
    text = values.to_series().to_list()
    named = ", ".join(key)
    return pa.table(
        {
            "row": row,
            "field": [key[0] if len(key) == 1 else None] * len(text),
            "code": [RowErrorCode.UNIQUE.value] * len(text),
            "value": text,
            "message": [f'{named} "{t}" stands in an earlier row of the file' for t in text],
        },
        schema=ERRORS_SCHEMA,
    )


def only_failed(accounts: Accounts) -> Accounts:
    """Give what is left when the chunk's rows are not kept: failures, all else pending."""
    table = accounts.outcomes
    failed = pc.equal(table["outcome"], pa.scalar(Outcome.FAILED, pa.uint8()))
    pending = pa.scalar(Outcome.PENDING, pa.uint8())
    outcomes = pa.table(
        {
            "outcome": pc.if_else(failed, table["outcome"], pending),
            "line": table["line"],
            "record_id": pa.nulls(table.num_rows, RECORD_ID),
        }
    )
    return Accounts(outcomes=outcomes, errors=accounts.errors, raw=accounts.raw, before=None)


def numbers_of(parsed: ParsedChunk) -> np.ndarray:
    """Give the numbers of all rows in order, readable or not."""
    broken = np.array([b.row for b in parsed.broken], dtype=np.int64)
    return np.sort(np.concatenate([parsed.row.to_numpy(), broken]))


def _places(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return np.searchsorted(numbers, rows.astype(np.int64))


def _lines(parsed: ParsedChunk, numbers: np.ndarray) -> pa.Array:
    lines = np.zeros(parsed.rows, dtype=np.int64)
    lines[_places(parsed.row.to_numpy(), numbers)] = parsed.line.to_numpy()
    torn = np.array([b.row for b in parsed.broken])
    lines[_places(torn, numbers)] = [b.line for b in parsed.broken]
    return pa.array(lines)


def _record_ids(loaded: LoadResult, loaded_rows: np.ndarray, numbers: np.ndarray) -> pa.Array:
    """Keep the ids of records that existed; those of created ones are computed when asked for."""
    met = pc.and_(
        pc.is_valid(loaded.record_id), pc.not_equal(loaded.outcome, pa.scalar(1, pa.uint8()))
    )
    place = np.full(numbers.size, -1, dtype=np.int64)
    keep = np.flatnonzero(met.to_numpy(zero_copy_only=False))
    place[_places(loaded_rows[keep], numbers)] = keep
    return loaded.record_id.take(pa.array(place, mask=place < 0)).cast(RECORD_ID)


def _broken_errors(broken: Sequence[BrokenRow]) -> pa.Table:
    return pa.table(
        {
            "row": [b.row for b in broken],
            "field": pa.nulls(len(broken), pa.string()),
            "code": [b.code for b in broken],
            "value": pa.nulls(len(broken), pa.string()),
            "message": [b.note for b in broken],
        },
        schema=ERRORS_SCHEMA,
    )


def _raw(parsed: ParsedChunk, outcome: np.ndarray, numbers: np.ndarray) -> pa.Table:
    failed = outcome[_places(parsed.row.to_numpy(), numbers)] == Outcome.FAILED
    cells = pl.from_arrow(parsed.cells.filter(pa.array(failed)))
    if not isinstance(cells, pl.DataFrame):
        raise TypeError("an Arrow table becomes a data frame")
    rows = parsed.row.filter(pa.array(failed))
    lists = (
        cells.select(pl.concat_list(pl.all()).alias("cells")).to_arrow()["cells"]
        if cells.width
        else pa.nulls(len(rows), pa.large_list(pa.large_string()))
    )
    readable = pa.table({"row": rows, "cells": lists.cast(pa.list_(pa.string()))})
    torn = pa.table(
        {"row": [b.row for b in parsed.broken], "cells": [b.cells for b in parsed.broken]},
        schema=readable.schema,
    )
    return pa.concat_tables([readable, torn]).sort_by("row")


# ------------------------------------------------------------------------------------- encoding


def encode(table: pa.Table | None, *, keeps_types: bool = False) -> bytes | None:
    """Give a table as one Parquet value; None for no table or an empty one.

    `keeps_types`: also those that Parquet does not have (some 300 bytes more).
    """
    if table is None or table.num_rows == 0:
        return None
    sink = pa.BufferOutputStream()
    encodings = {"line": "DELTA_BINARY_PACKED", "row": "DELTA_BINARY_PACKED"}
    delta = {name: way for name, way in encodings.items() if name in table.column_names}
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level={name: _LEVEL.get(name, 1) for name in table.column_names},
        use_dictionary=[n for n in table.column_names if n not in delta],
        column_encoding=delta,
        write_statistics=False,
        store_schema=keeps_types,
    )
    value: bytes = sink.getvalue().to_pybytes()
    return value


def encode_outcomes(outcomes: pa.Table) -> bytes:
    """Give the outcomes as one Parquet value, also when there are none."""
    return encode(_with_lines_worth_their_room(outcomes)) or b""


def _with_lines_worth_their_room(outcomes: pa.Table) -> pa.Table:
    """Drop the lines of rows that nobody has to find in the file, where they cost room.

    Lines that count up by one cost nothing.  Others take more than all the outcomes (122 KB for
    a million rows, where one in eight spans lines), so where there are many of them only failed
    and skipped rows keep theirs.
    """
    if np.count_nonzero(np.diff(outcomes["line"].to_numpy()) != 1) <= _FEW_JUMPS:
        return outcomes
    wanted = pc.is_in(outcomes["outcome"], pa.array([Outcome.FAILED, Outcome.SKIPPED], pa.uint8()))
    lines = pc.if_else(wanted, outcomes["line"], pa.scalar(None, pa.int64()))
    return outcomes.set_column(outcomes.column_names.index("line"), "line", lines)


def decode(value: bytes | None, columns: Sequence[str] | None = None) -> pa.Table | None:
    """Give back the table of a Parquet value, or these columns of it.

    On this thread alone: `read_table` leaves a thread behind that lets go of our bytes when it
    likes, and if Python has begun to end by then, the process aborts.
    """
    if not value:
        return None
    file = pq.ParquetFile(pa.BufferReader(value))
    return file.read(columns=None if columns is None else list(columns), use_threads=False)


def met_ids(outcomes: bytes) -> np.ndarray:
    """Give the ids of records that encoded outcomes met and left as they are: n x 16 bytes."""
    table = decode(outcomes)
    return np.zeros((0, RECORD_ID.byte_width), np.uint8) if table is None else left_alone(table)


def kept_rows(outcomes: bytes, first_row: int) -> np.ndarray:
    """Give the numbers of rows that were neither refused nor left out as repeats of others."""
    table = decode(outcomes)
    if table is None:
        return np.zeros(0, np.int64)
    kind = table["outcome"].to_numpy()
    has_record = table["record_id"].is_valid().to_numpy()
    kept = (kind != Outcome.FAILED) & (kind != Outcome.PENDING)
    return first_row + np.flatnonzero(kept & ((kind != Outcome.SKIPPED) | has_record))


def left_alone(table: pa.Table) -> np.ndarray:
    """Give the ids of records that rows met and left as they are: n x 16 bytes."""
    kind = table["outcome"].to_numpy()
    left = (kind == Outcome.UNCHANGED) | (kind == Outcome.SKIPPED)
    ids = table["record_id"].filter(pa.array(left)).drop_null().combine_chunks()
    width = RECORD_ID.byte_width
    start = ids.offset * width
    flat = np.frombuffer(ids.buffers()[1] or b"", np.uint8)
    return flat[start : start + len(ids) * width].reshape(-1, width)


def row_outcomes(
    import_id: UUID,
    *,
    first_row: int,
    outcomes: bytes,
    errors: bytes | None,
    raw: bytes | None,
    undone: bytes | None = None,
    wanted: Outcome | None = None,
    most: int | None = None,
    after: int = 0,
) -> list[RowOutcome]:
    """Give the fate of each row of a chunk as values, or of those with one outcome only.

    `most`: only the first so many of them; `after`: only rows behind this one.
    """
    table = decode(outcomes)
    if table is None:
        return []
    row = np.arange(first_row, first_row + table.num_rows)
    if wanted is not None:
        keep = table["outcome"].to_numpy() == wanted
        table, row = table.filter(pa.array(keep)), row[keep]
    begin = int(np.searchsorted(row, after, side="right"))
    table, row = table.slice(begin, most), row[begin:][:most]
    faults = _errors_by_row(_only(errors, row))
    cells = _cells_by_row(_only(raw, row))
    undos = _undos_by_row(_only(undone, row))
    return [
        RowOutcome(
            row=number,
            line=line,
            outcome=Outcome(code),
            record_id=_id_of(import_id, number, code, known),
            errors=tuple(faults.get(number, ())),
            raw=cells.get(number),
            undo=undos.get(number),
        )
        for number, code, line, known in zip(
            row.tolist(),
            table["outcome"].to_pylist(),
            table["line"].to_pylist(),
            table["record_id"].to_pylist(),
            strict=True,
        )
    ]


def _id_of(import_id: UUID, row: int, code: int, known: bytes | None) -> UUID | None:
    if known is not None:
        return UUID(bytes=known)
    return record_id(import_id, row) if code == Outcome.CREATED else None


def _only(value: bytes | None, rows: np.ndarray) -> pa.Table | None:
    """Give what a value tells of these rows and those between them."""
    table = decode(value)
    if table is None or not rows.size:
        return None
    told = table["row"].to_numpy()
    begin, end = np.searchsorted(told, [rows[0], rows[-1] + 1])
    return table.slice(int(begin), int(end - begin))


def _errors_by_row(table: pa.Table | None) -> dict[int, list[RowError]]:
    found: dict[int, list[RowError]] = {}
    for e in table.to_pylist() if table is not None else ():
        error = RowError(
            code=RowErrorCode(e["code"]), field=e["field"], value=e["value"], message=e["message"]
        )
        found.setdefault(e["row"], []).append(error)
    return found


def _cells_by_row(table: pa.Table | None) -> dict[int, tuple[str | None, ...]]:
    if table is None:
        return {}
    pairs = zip(table["row"].to_pylist(), table["cells"].to_pylist(), strict=True)
    return {row: tuple(cells or ()) for row, cells in pairs}


def _undos_by_row(table: pa.Table | None) -> dict[int, RowUndo]:
    return {
        undo["row"]: RowUndo(fate=UndoFate(undo["fate"]), message=undo["why"])
        for undo in (table.to_pylist() if table is not None else ())
    }
