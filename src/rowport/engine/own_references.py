"""References of rows to records that rows before them make.

What a chunk's rows refer to is known as far as the destination has it.  The rest may stand in an
earlier row of the same chunk, which counts only if it is not refused itself, so that a broken
chain breaks from its first link on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from rowport.engine.dedupe import comparable
from rowport.engine.references import NO_RECORD, NOTHING
from rowport.engine.watched_keys import is_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from rowport.engine.references import Wanted

    Places = NDArray[np.int64]
    Booleans = NDArray[np.bool_]

NONE: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReference:
    """What the rows of a chunk refer to, and which rows would do."""

    wants: Places
    """For each row the number of the value that a row has to have; NOTHING where none has to,
    NO_RECORD where none can."""
    has: Places
    """For each row the number of the value that it has; NONE where nobody wants it."""
    bears_missing: bool
    """A row whose value is missing is good all the same."""


def own_reference(
    wanted: Wanted,
    rows: pa.Table,
    *,
    by: Sequence[str],
    known: Booleans,
    bears_missing: bool,
) -> OwnReference:
    """Number the values that rows want of other rows; `known`: those of these rows are there."""
    keys = wanted.keys.num_rows
    wants = wanted.group.copy()
    has = np.full(rows.num_rows, NONE, np.int64)
    if set(by) <= set(rows.column_names):
        theirs = rows.select(list(by))
        same = _first_alike(wanted.keys.select(list(by)), theirs)
        wants[wants >= 0] = same[wants[wants >= 0]]
        has = np.where((same[keys:] < keys) & is_whole(theirs), same[keys:], NONE)
    wants[known] = NOTHING
    return OwnReference(wants=wants, has=has, bears_missing=bears_missing)


def _first_alike(keys: pa.Table, rows: pa.Table) -> Places:
    """Give for each of the keys, then of the rows, the place of the first one that is alike."""
    frames = [comparable(table, table.column_names) for table in (keys, rows)]
    both = pl.concat(frames, how="vertical_relaxed").with_row_index("rowport place")
    first = both.select(pl.col("rowport place").first().over(keys.column_names))
    return first.to_series().to_numpy().astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Which rows can be kept."""

    lost: Booleans
    """A line a row, a column a reference: the reference leads nowhere."""
    bad: Booleans
    """Rows that fail for it."""
    maker: Places
    """A line a row, a column a reference: the place of the row that has the value; else NONE."""


def settle(references: Sequence[OwnReference], refused: Booleans) -> Settled:
    """Tell which rows of a chunk refer to good rows; `refused` rows are good for none."""
    wants = np.column_stack([reference.wants for reference in references])
    has = np.column_stack([reference.has for reference in references])
    strict = np.array([not reference.bears_missing for reference in references])
    hopeless = ((wants == NO_RECORD) & strict).any(axis=1)
    maker = _first_makers(wants, has, ~(refused | hopeless))
    lost = (wants != NOTHING) & (maker == NONE)
    bad = (lost & strict).any(axis=1)
    if (bad & ~hopeless).any():  # others may have relied on these
        maker = _makers_in_order(wants, has, refused, strict)
        lost = (wants != NOTHING) & (maker == NONE)
        bad = (lost & strict).any(axis=1)
    return Settled(lost=lost, bad=bad, maker=maker)


def _first_makers(wants: Places, has: Places, good: Booleans) -> Places:
    """Give the first good row that has what each row wants, if it is not after it."""
    rows = len(wants)
    place = np.arange(rows)
    maker = np.full(wants.shape, NONE, np.int64)
    for at in range(wants.shape[1]):
        first = np.full(max(wants[:, at].max(initial=0), has[:, at].max(initial=0)) + 1, rows)
        makes = good & (has[:, at] >= 0)
        np.minimum.at(first, has[makes, at], place[makes])
        asks = wants[:, at] >= 0
        found = first[wants[asks, at]]
        # A row may refer to itself.
        found = np.where(wants[asks, at] == has[asks, at], np.minimum(found, place[asks]), found)
        maker[asks, at] = np.where(found <= place[asks], found, NONE)
    return maker


def _makers_in_order(wants: Places, has: Places, refused: Booleans, strict: Booleans) -> Places:
    """Do the same row after row: only where a row in the middle of a chain is bad."""
    maker = np.full(wants.shape, NONE, np.int64)
    made: list[dict[int, int]] = [{} for _ in range(wants.shape[1])]
    is_strict, is_refused = strict.tolist(), refused.tolist()
    for place, (asks, owns) in enumerate(zip(wants.tolist(), has.tolist(), strict=True)):
        good = True
        for at, (ask, own) in enumerate(zip(asks, owns, strict=True)):
            if ask >= 0:
                maker[place, at] = made[at].get(ask, place if ask == own else NONE)
            good &= not is_strict[at] or ask == NOTHING or maker[place, at] != NONE
        if good and not is_refused[place]:
            for at, own in enumerate(owns):
                if own >= 0:
                    made[at].setdefault(own, place)
    return maker
