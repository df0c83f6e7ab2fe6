"""The steps of a field, done one after the other to the text of its cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from rowport.engine.validation.steps import ColumnStep, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

AnyStep = Step | ColumnStep

_TEXT: Final = "\0"
"""The column of the text so far; no field is called so."""


@dataclass(slots=True, kw_only=True)
class Changed:
    """The text of one field after its steps."""

    text: pl.Series
    unfit: list[tuple[pl.Series, str | pl.Series]] = field(default_factory=list)
    """Where a step could not be done, and what follows the cell in words, or the sentences."""

    def is_unfit(self) -> pl.Series:
        """Tell where any step could not be done."""
        unfit = pl.repeat(value=False, n=len(self.text), eager=True)
        for where, _ in self.unfit:
            unfit |= where
        return unfit


def change(text: pl.Series, steps: Sequence[AnyStep], cells: pl.DataFrame) -> Changed:
    """Do the steps; `cells` has the raw text of every field."""
    changed = Changed(text=text)
    for step in steps:
        if isinstance(step, ColumnStep):
            done = step.run(changed.text, cells)
            if done.faults is not None:
                changed.unfit.append((done.faults.is_not_null(), done.faults))
            changed.text = done.texts
            continue
        room = cells.with_columns(changed.text.alias(_TEXT))
        if step.unfit is not None:
            unfit = room.select(step.unfit(pl.col(_TEXT)).fill_null(value=False)).to_series()
            changed.unfit.append((unfit, step.words))
        changed.text = room.select(step.apply(pl.col(_TEXT))).to_series()
    return changed
