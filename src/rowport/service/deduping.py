"""Leave out the rows of a file that repeat others, as the schema's `dedupe` says.

Of rows with the same values the first good one is kept.  A row that is refused is good for
nothing, so a chunk in which that happens is loaded once more without it in mind.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.accounting import repeat_errors
from rowport.engine.uniqueness import groups_of
from rowport.engine.watched_keys import is_whole
from rowport.model.outcomes import Outcome
from rowport.model.table_schema import Keep

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from rowport.engine.key_runs import KeyRuns
    from rowport.model.table_schema import Dedupe
    from rowport.ports import LoadResult, Transaction
    from rowport.service.chunk_reading import Checked
    from rowport.service.recipes import Recipe

    Booleans = npt.NDArray[np.bool_]
    Load = Callable[[Checked], tuple[LoadResult, Checked]]


class FirstRefused(Exception):
    """A row was refused that others were left out for."""


def load_first(
    tx: Transaction, recipe: Recipe, checked: Checked, taken: KeyRuns, load: Load
) -> tuple[LoadResult, Checked]:
    """Load the rows that repeat no good row before them.

    `taken`: the keys that rows of earlier chunks took.
    """
    dedupe, rows = recipe.dedupe, checked.valid.rows
    if dedupe is None or not rows.num_rows:
        return load(checked)
    again = recipe.watched.has_taken(rows, dedupe.fields, taken)
    values = rows.select(list(dedupe.fields))
    group = groups_of(recipe.watched.pair(values, dedupe.fields))
    whole = is_whole(values)
    refused = np.zeros(rows.num_rows, np.bool_)
    while True:
        repeats = again | _repeats(group, whole, refused)
        kept = _without(recipe, dedupe, checked, repeats)
        with suppress(FirstRefused), tx.savepoint():
            loaded, rest = load(kept)
            refused = refused | _refused(loaded, rest, checked, repeats)
            if (repeats != (again | _repeats(group, whole, refused))).any():
                raise FirstRefused
            return loaded, rest


def _repeats(group: npt.NDArray[np.int64], whole: Booleans, refused: Booleans) -> Booleans:
    """Tell which rows stand behind a good row of their group."""
    place = np.arange(group.size)
    first = np.full(group.size, group.size)
    good = whole & ~refused
    np.minimum.at(first, group[good], place[good])
    return whole & (first[group] < place)


def _refused(loaded: LoadResult, rest: Checked, checked: Checked, repeats: Booleans) -> Booleans:
    """Tell which rows were tried and made or met no record."""
    good = rest.valid.row.to_numpy()[loaded.outcome.to_numpy() != Outcome.FAILED]
    return ~repeats & ~np.isin(checked.valid.row.to_numpy(), good, assume_unique=True)


def _without(recipe: Recipe, dedupe: Dedupe, checked: Checked, repeats: Booleans) -> Checked:
    if dedupe.keep is Keep.FIRST:
        return checked.skipping(repeats)
    row = checked.valid.row.filter(pa.array(repeats))
    if not len(row):
        return checked
    raw = checked.raw(row, dedupe.fields, recipe.mapping)
    texts = pa.table({name: pc.fill_null(raw[name], "") for name in dedupe.fields})
    return checked.without(repeats, [repeat_errors(texts, row, dedupe.fields)])
