"""The watched keys of a chunk: what its rows have, refer to and take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.folding import folded
from rowport.model.outcomes import Outcome

if TYPE_CHECKING:
    from rowport.engine import dedupe
    from rowport.engine.key_runs import Pair
    from rowport.ports import LoadResult
    from rowport.service.chunk_reading import Checked
    from rowport.service.recipes import Recipe


def compared(recipe: Recipe, checked: Checked) -> pa.Table:
    """Give the valid rows with the key as it is compared."""
    rows = checked.valid.rows
    if recipe.job.options.key_rules.folds_case:
        keys = folded(rows, recipe.key)
        for name in recipe.key:
            rows = rows.set_column(rows.column_names.index(name), name, keys.column(name))
    return rows


def referred(recipe: Recipe, checked: Checked) -> dedupe.Digests | None:
    """Hash what rows refer to among the rows before them."""
    wanted = [
        recipe.watched.digest(referral.wanted(checked.valid.rows).keys, referral.reference.by)
        for referral in recipe.own_referrals
        if checked.valid.rows.num_rows
    ]
    return np.concatenate(wanted) if wanted else None


def taken_by(recipe: Recipe, checked: Checked, loaded: LoadResult) -> Pair:
    """Give the keys that rows took: those of the rows that did not fail."""
    good = pc.not_equal(loaded.outcome, pa.scalar(Outcome.FAILED, pa.uint8()))
    return recipe.watched.pairs(checked.valid.rows.filter(good))
