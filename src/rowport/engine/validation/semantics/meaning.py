"""What all meanings have in common: a fast path that accepts, and a library that arbitrates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from rowport.engine.validation.cells import CellFault, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LONGEST: Final = 10_000
"""Characters of a text that a library is asked about: not all take long ones in good time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """How texts of one meaning are judged and written in their normal form."""

    noun: str
    fast: Callable[[pl.Series], pl.Series]
    """The normal form of each text where the vectorised path is sure of it, else null."""
    normal: Callable[[str], str]
    """The normal form of one text; raises CellFault, whose message is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Semantic:
    """A meaning as a schema asks for it."""

    name: str
    meaning: Callable[[str | None], Meaning]
    """By the text of the field `other`; None where there is none, or `other` is None."""
    other: str | None = None
    """The field that decides what the text means: the country of a phone number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of some texts."""

    values: pl.Series
    """The normal form of each; null where there is none."""
    faults: pl.Series
    """The sentence that says why there is none; null where all is well, and for null."""


def vectorised(form: Callable[[pl.Expr], pl.Expr]) -> Callable[[pl.Series], pl.Series]:
    """Make a fast path of an expression."""

    def fast(texts: pl.Series) -> pl.Series:
        return texts.to_frame("t").select(form(pl.col("t")).alias(texts.name)).to_series()

    return fast


def keeping(sure: Callable[[pl.Expr], pl.Expr]) -> Callable[[pl.Series], pl.Series]:
    """Make a fast path of the condition under which a text is its own normal form."""
    return vectorised(lambda texts: pl.when(sure(texts)).then(texts))


def judged(semantic: Semantic, texts: pl.Series, others: pl.Series | None = None) -> Judged:
    """Judge texts; `others` holds the text of the field `semantic.other` in the same rows."""
    if semantic.other is None or others is None:
        return _judged(semantic.meaning(None), texts)
    rows = pl.DataFrame({"t": texts, "o": others}).with_row_index("row")
    parts = [
        _part(part, semantic.meaning(key))
        for (key,), part in rows.partition_by("o", as_dict=True).items()
    ]
    if not parts:
        return _judged(semantic.meaning(None), texts)
    whole = pl.concat(parts).sort("row")
    return Judged(values=whole["value"], faults=whole["fault"])


def _part(rows: pl.DataFrame, meaning: Meaning) -> pl.DataFrame:
    found = _judged(meaning, rows["t"])
    return pl.DataFrame({"row": rows["row"], "value": found.values, "fault": found.faults})


def _judged(meaning: Meaning, texts: pl.Series) -> Judged:
    values = meaning.fast(texts)
    odd = values.is_null() & texts.is_not_null()
    if not odd.any():
        return Judged(
            values=values, faults=pl.repeat(None, len(texts), dtype=pl.String, eager=True)
        )
    places = odd.arg_true()
    known = _known(meaning, texts.gather(places).unique())
    found = (
        texts.gather(places)
        .to_frame("text")
        .join(known, on="text", how="left", maintain_order="left")
    )
    faults = pl.repeat(None, len(texts), dtype=pl.String, eager=True)
    return Judged(
        values=values.scatter(places, found["value"]), faults=faults.scatter(places, found["fault"])
    )


def _known(meaning: Meaning, texts: Iterable[str]) -> pl.DataFrame:
    """Ask the library once for each text."""
    told: list[tuple[str, str | None, str | None]] = []
    for text in texts:
        if len(text) > _LONGEST:
            told.append((text, None, f"{shown(text)} is not {meaning.noun}: it is too long"))
            continue
        try:
            told.append((text, meaning.normal(text), None))
        except CellFault as fault:
            told.append((text, None, str(fault)))
    return pl.DataFrame(
        told, schema={"text": pl.String, "value": pl.String, "fault": pl.String}, orient="row"
    )
