"""The errors of one chunk, gathered a rule at a time and told in the order of its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from rowport.engine.tables import ERRORS_SCHEMA, no_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rowport.model.outcomes import RowErrorCode

Flags: TypeAlias = pl.Series | npt.NDArray[np.bool_]
Texts: TypeAlias = pl.Series | pa.Array
Sentence = str | Callable[[str], str]
"""What an error says: one sentence for all, or one for each text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which rule of which field was broken."""

    field: str | None
    """None: the row as a whole."""
    place: int
    """The field's place in the record type."""
    number: int
    """The rule's place among those of the field."""
    code: RowErrorCode
    sentence: Sentence


class Findings:
    """What is wrong with the rows of one chunk."""

    def __init__(self, rows: npt.NDArray[np.int64]) -> None:
        """Begin with no error; `rows` are the row numbers."""
        self._rows = rows
        self._broken: list[tuple[Rule, npt.NDArray[np.int64], list[Any], list[str]]] = []
        self.good = np.ones(len(rows), dtype=bool)
        """True for the rows without an error so far."""

    def add(self, rule: Rule, broken: Flags, *, raw: Texts, text: Texts) -> None:
        """Record an error for every row where `broken` is true; null is no error.

        `raw` is the cell as it stands in the file, `text` what the sentence speaks of.
        """
        at = (
            broken.arg_true().to_numpy()
            if isinstance(broken, pl.Series)
            else np.flatnonzero(broken)
        )
        if not len(at):
            return
        self.good[at] = False
        texts = _picked(text, at)
        values = texts if raw is text else _picked(raw, at)
        self._broken.append((rule, self._rows[at], values, _told(rule.sentence, texts)))

    def table(self) -> pa.Table:
        """Give the errors in order, as ERRORS_SCHEMA."""
        if not self._broken:
            return no_errors()
        rows = np.concatenate([rows for _, rows, _, _ in self._broken])
        counts = [len(rows) for _, rows, _, _ in self._broken]
        rules = [rule for rule, _, _, _ in self._broken]
        places = np.repeat([rule.place for rule in rules], counts)
        numbers = np.repeat([rule.number for rule in rules], counts)
        order = pa.array(np.lexsort((numbers, places, rows)))
        columns = [
            pa.array(rows),
            _repeated([rule.field for rule in rules], counts),
            _repeated([rule.code.value for rule in rules], counts),
            pa.array(_joined(values for _, _, values, _ in self._broken), pa.string()),
            pa.array(_joined(told for _, _, _, told in self._broken), pa.string()),
        ]
        return pa.table([column.take(order) for column in columns], schema=ERRORS_SCHEMA)


def _picked(texts: Texts, places: npt.NDArray[Any]) -> list[Any]:
    if isinstance(texts, pl.Series):
        picked: list[Any] = texts.gather(places).to_list()
    else:
        picked = texts.take(pa.array(places)).to_pylist()
    return picked


def _told(sentence: Sentence, texts: list[Any]) -> list[str]:
    if isinstance(sentence, str):
        return [sentence] * len(texts)
    sentences = {text: sentence(text) for text in dict.fromkeys(texts)}
    return [sentences[text] for text in texts]


def _repeated(words: Sequence[str | None], counts: list[int]) -> pa.Array:
    places = pa.array(np.repeat(np.arange(len(words)), counts))
    return pa.array(words, pa.string()).take(places)


def _joined(parts: Iterable[list[Any]]) -> list[Any]:
    return list(chain.from_iterable(parts))
