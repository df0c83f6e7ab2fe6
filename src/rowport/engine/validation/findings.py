"""The errors of one chunk, gathered a rule at a time and told in the order of its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from rowport.engine.tables import ERRORS_SCHEMA, no_errors

if TYPE_CHECKING:
    import pyarrow as pa

    from rowport.model.outcomes import RowErrorCode

Sentence = str | Callable[[str], str]
"""What an error says: one sentence for all, or one for each text."""

_ORDER: Final = ("row", "place", "rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which rule of which field was broken."""

    field: str
    place: int
    """The field's place in the record type."""
    number: int
    """The rule's place among those of the field."""
    code: RowErrorCode
    sentence: Sentence


class Findings:
    """What is wrong with the rows of one chunk."""

    def __init__(self, rows: pl.Series) -> None:
        """Begin with no error; `rows` are the row numbers."""
        self._rows = rows
        self._frames: list[pl.DataFrame] = []
        self.good = pl.Series(np.ones(len(rows), dtype=bool))
        """True for the rows without an error so far."""

    def add(self, rule: Rule, broken: pl.Series, *, raw: pl.Series, text: pl.Series) -> None:
        """Record an error for every row where `broken` is true; null is no error.

        `raw` is the cell as it stands in the file, `text` what the sentence speaks of.
        """
        broken = broken.fill_null(value=False)
        if not broken.any():
            return
        self.good &= ~broken
        frame = pl.DataFrame(
            {
                "row": self._rows.filter(broken),
                "value": raw.filter(broken),
                "message": _told(rule.sentence, text.filter(broken)),
            }
        ).with_columns(
            pl.lit(rule.place, dtype=pl.Int32).alias("place"),
            pl.lit(rule.number, dtype=pl.Int32).alias("rule"),
            pl.lit(rule.field).alias("field"),
            pl.lit(rule.code.value).alias("code"),
        )
        self._frames.append(frame)

    def table(self) -> pa.Table:
        """Give the errors in order, as ERRORS_SCHEMA."""
        if not self._frames:
            return no_errors()
        frame = pl.concat(self._frames).sort(*_ORDER, maintain_order=True)
        return frame.select(ERRORS_SCHEMA.names).to_arrow().cast(ERRORS_SCHEMA)


def _told(sentence: Sentence, texts: pl.Series) -> pl.Series:
    if isinstance(sentence, str):
        return pl.repeat(sentence, len(texts), eager=True)
    sentences = {text: sentence(text) for text in texts.unique().to_list()}
    return texts.replace_strict(sentences, return_dtype=pl.String)
