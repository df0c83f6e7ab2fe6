"""The rows of a chunk that a later round tries again, and what the chunk has become after it.

A row that has a record is never among them, whatever is asked: that is what makes a round safe.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.accounting import RAW_SCHEMA, RECORD_ID, Accounts, decode, numbers_of
from rowport.engine.journal import LACKS
from rowport.engine.tables import no_errors
from rowport.model.outcomes import Outcome, RowErrorCode
from rowport.ports import BrokenRow, ParsedChunk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Rows = npt.NDArray[np.int64]
    """Row numbers, ascending."""

READING_FAULTS: Final = frozenset(
    {RowErrorCode.MISSING_CELL, RowErrorCode.EXTRA_CELL, RowErrorCode.ENCODING, RowErrorCode.SOURCE}
)
"""What was wrong with rows that could not be taken apart: only other bytes mend that."""
CELL: Final = pa.large_string()


def untouched(rows: int) -> Accounts:
    """Give the accounts of a chunk of which nothing became yet."""
    return Accounts(
        outcomes=pa.table(
            {
                "outcome": pa.array(np.zeros(rows, np.uint8)),
                "line": pa.array(np.zeros(rows, np.int64)),
                "record_id": pa.nulls(rows, RECORD_ID),
            }
        ),
        errors=no_errors(),
        raw=RAW_SCHEMA.empty_table(),
        before=None,
    )


def accounts_of(
    outcomes: bytes, *, errors: bytes | None, raw: bytes | None, before: bytes | None
) -> Accounts:
    """Give back what `accounting.encode` made values of."""
    known = decode(outcomes)
    if known is None:
        raise ValueError("a chunk that has outcomes has at least one")
    known_errors, known_raw = decode(errors), decode(raw)
    return Accounts(
        outcomes=known,
        errors=no_errors() if known_errors is None else known_errors.cast(no_errors().schema),
        raw=RAW_SCHEMA.empty_table() if known_raw is None else known_raw.cast(RAW_SCHEMA),
        before=decode(before),
    )


def rows_with(accounts: Accounts, outcome: Outcome, *, first_row: int) -> Rows:
    """Give the rows of a chunk that have this outcome."""
    return np.flatnonzero(accounts.outcomes["outcome"].to_numpy() == outcome) + first_row


def tried_again(
    earlier: Accounts,
    *,
    first_row: int,
    width: int,
    mended: Sequence[ParsedChunk],
    takes_failed: bool,
    read: Callable[[], ParsedChunk],
) -> ParsedChunk:
    """Give the rows of a chunk that are to be tried again, with their newest cells.

    They are those that were never processed, those in `mended` (of a row that stands in several
    the last one counts) and, if `takes_failed`, all others that failed.  `width`: how many cells
    the header has; `read` gives the whole chunk as it stands in the file, or was mended last.
    """
    pending = rows_with(earlier, Outcome.PENDING, first_row=first_row)
    failed = rows_with(earlier, Outcome.FAILED, first_row=first_row)
    new = only(newest(mended, width), np.union1d(pending, failed))
    fixed = numbers_of(new)
    parts = [new]
    if takes_failed:
        parts.append(as_it_failed(earlier, np.setdiff1d(failed, fixed), width, first_row))
    unread = np.setdiff1d(pending, fixed)
    if unread.size:
        parts.append(only(read(), unread))
    return joined(parts, width)


def as_it_failed(earlier: Accounts, rows: Rows, width: int, first_row: int) -> ParsedChunk:
    """Give failed rows as they were when they were tried last."""
    raw = _of_rows(earlier.raw, rows)
    line = lines_at(earlier, raw["row"].to_numpy() - first_row)
    reading = pc.is_in(earlier.errors["code"], pa.array([str(c) for c in READING_FAULTS]))
    faults = {e["row"]: e for e in earlier.errors.filter(reading).to_pylist()}
    torn = np.isin(raw["row"].to_numpy(), np.array([*faults], np.int64))
    torn |= pc.list_value_length(raw["cells"]).to_numpy() != width
    cells = raw["cells"].filter(pa.array(~torn)).combine_chunks()
    columns = {str(at): pc.list_element(cells, at).cast(CELL) for at in range(width)}
    whole = raw["row"].filter(pa.array(~torn)).combine_chunks()
    broken = raw.filter(pa.array(torn)).to_pylist()
    return ParsedChunk(
        cells=pa.table(columns),
        row=whole,
        line=pa.array(line[~torn]),
        broken=tuple(
            BrokenRow(
                row=row["row"],
                line=int(at),
                code=faults[row["row"]]["code"],
                note=faults[row["row"]]["message"],
                cells=tuple(row["cells"]),
            )
            for row, at in zip(broken, line[torn], strict=True)
        ),
    )


def lines_at(accounts: Accounts, places: Rows) -> Rows:
    """Give the lines of failed rows; those of others may not have been kept."""
    known = pc.fill_null(accounts.outcomes["line"].take(pa.array(places)), 0)
    return np.asarray(known.to_numpy(), np.int64)


def nothing(width: int) -> ParsedChunk:
    """Give a chunk without rows."""
    none = pa.array([], pa.int64())
    columns = {str(at): pa.array([], CELL) for at in range(width)}
    return ParsedChunk(cells=pa.table(columns), row=none, line=none)


def only(parsed: ParsedChunk, rows: Rows) -> ParsedChunk:
    """Give the rows of a chunk that have these numbers."""
    keep = pc.is_in(parsed.row, pa.array(rows))
    wanted = set(rows.tolist()) if parsed.broken else set()
    return ParsedChunk(
        cells=parsed.cells.filter(keep),
        row=parsed.row.filter(keep),
        line=parsed.line.filter(keep),
        broken=tuple(b for b in parsed.broken if b.row in wanted),
    )


def joined(parts: Sequence[ParsedChunk], width: int) -> ParsedChunk:
    """Give the rows of chunks that share none, in order."""
    schema = pa.schema([(str(at), CELL) for at in range(width)])
    # A table without columns does not know how many rows it has; no file has no column.
    cells = pa.concat_tables([part.cells.cast(schema) for part in parts])
    row = pa.concat_arrays([part.row for part in parts])
    line = pa.concat_arrays([part.line for part in parts])
    order = pc.sort_indices(row)
    return ParsedChunk(
        cells=cells.take(order),
        row=row.take(order),
        line=line.take(order),
        broken=tuple(sorted((b for part in parts for b in part.broken), key=lambda b: b.row)),
    )


def newest(parts: Sequence[ParsedChunk], width: int) -> ParsedChunk:
    """Give the rows of chunks; of a row that stands in several the last one counts."""
    return reduce(_over, parts, nothing(width))


def _over(old: ParsedChunk, new: ParsedChunk) -> ParsedChunk:
    """Give the rows of both; of a row that stands in both the new one."""
    kept = only(old, np.setdiff1d(numbers_of(old), numbers_of(new)))
    return joined([kept, new], old.cells.num_columns)


def merged(earlier: Accounts, fresh: Accounts, rows: Rows, *, first_row: int) -> Accounts:
    """Give what became of a chunk after a round; `fresh` tells of `rows` alone."""
    place = rows - first_row
    size = earlier.outcomes.num_rows
    taken = np.arange(size)
    taken[place] = size + np.arange(rows.size)
    both = pa.concat_tables([earlier.outcomes, fresh.outcomes.cast(earlier.outcomes.schema)])
    return Accounts(
        outcomes=both.take(pa.array(taken)),
        errors=_replaced(earlier.errors, fresh.errors, rows),
        raw=_replaced(earlier.raw, fresh.raw.cast(RAW_SCHEMA), rows),
        before=_stacked(earlier.before, fresh.before),
        written_by=fresh.written_by,
    )


def _replaced(old: pa.Table, new: pa.Table, rows: Rows) -> pa.Table:
    kept = old.filter(pc.invert(pc.is_in(old["row"], pa.array(rows))))
    return pa.concat_tables([kept, new]).sort_by("row")


def _of_rows(table: pa.Table, rows: Rows) -> pa.Table:
    return table.filter(pc.is_in(table["row"], pa.array(rows)))


def _stacked(old: pa.Table | None, new: pa.Table | None) -> pa.Table | None:
    """Give the before-images of both; a field that changed its type meanwhile becomes text.

    Rows of which a field was not loaded name it in LACKS: that is not the same as no value.
    """
    if old is None or new is None:
        return new if old is None else old
    if {*old.column_names} != {*new.column_names} or LACKS in old.column_names:
        old, new = _lacking(old, new.column_names), _lacking(new, old.column_names)
    for name in set(old.column_names) & set(new.column_names):
        if old.schema.field(name).type != new.schema.field(name).type:
            old, new = _as_text(old, name), _as_text(new, name)
    return pa.concat_tables([old, new], promote_options="default")


def _lacking(table: pa.Table, wanted: Sequence[str]) -> pa.Table:
    """Note which of the fields wanted the rows of a table do not have."""
    lacking = sorted({*wanted} - {*table.column_names, LACKS})
    known = table[LACKS].to_pylist() if LACKS in table.column_names else [[]] * table.num_rows
    column = pa.array([sorted({*names, *lacking}) for names in known], pa.list_(pa.string()))
    if LACKS not in table.column_names:
        return table.append_column(LACKS, column)
    return table.set_column(table.column_names.index(LACKS), LACKS, column)


def _as_text(table: pa.Table, name: str) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(at, name, table[name].cast(pa.string()))
