"""A check: an expression over the fields of a row, as in SQL's CHECK."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rowport.engine.validation.checks import syntax
from rowport.engine.validation.checks.compiling import Compiler
from rowport.engine.validation.checks.lexing import BadCheck
from rowport.engine.validation.checks.vectors import Kind, Rows, filled, vector_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from rowport.engine.validation.checks.terms import Term
    from rowport.engine.validation.checks.vectors import Faults, Mask, Vector
    from rowport.engine.validation.columns import Column
    from rowport.model.table_schema import TableSchema

BUDGET_S: Final = 20.0
"""Seconds that one check may take for one chunk."""
_SLICE_ROWS: Final = 65_536
_SLICE_BYTES: Final = 16 * 2**20
"""Of text that an expression could make of the rows that are worked on at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a check says of each row."""

    is_false: Mask
    is_unknown: Mask
    """Also where it could not be worked out, or a cell could not be read."""
    fault: Faults
    """`Fault` of each row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check, compiled."""

    fields: Mapping[str, Kind]
    """The fields that it reads."""
    _term: Term
    _shows: bool
    _texts: int
    """How often fields of text are named in it."""

    def judge(
        self, columns: Mapping[str, Column], *, today: date, budget_s: float | None = None
    ) -> Judged:
        """Work it out for every row of a chunk; a row with an unread cell is unknown.

        Raises:
            RuleTooSlow: it takes longer than `budget_s` (None: BUDGET_S).
        """
        until = time.monotonic() + (BUDGET_S if budget_s is None else budget_s)
        chosen = {name: columns[name] for name in self.fields}
        vectors = {
            name: vector_of(chosen[name], kind, shows=self._shows)
            for name, kind in self.fields.items()
        }
        unread = [(c.values.is_null() & ~c.missing).to_numpy() for c in chosen.values()]
        count = len(unread[0])
        step = self._step(chosen, count)
        parts = []
        for start in range(0, count, step):
            some = {name: vector.slice(start, start + step) for name, vector in vectors.items()}
            rows = Rows(some, min(step, count - start), today=today, until=until)
            parts.append(filled(self._term.run(rows), rows.count))
        return _judged(parts, np.logical_or.reduce(unread))

    def _step(self, columns: Mapping[str, Column], count: int) -> int:
        """Give how many rows to work on at a time, so that memory is bounded."""
        texts = [columns[name].values for name, kind in self.fields.items() if kind is Kind.TEXT]
        made = sum(int(text.str.len_bytes().sum()) for text in texts) * self._texts
        slices = max(1, -(-made // _SLICE_BYTES))
        return max(1, min(_SLICE_ROWS, -(-count // slices)))


def compile_check(schema: TableSchema, text: str) -> Check:
    """Compile an expression.

    Raises:
        BadCheck: it cannot be used; the message says what and where.
    """
    tree = syntax.parse(text)
    compiler = Compiler(schema)
    term = compiler.term(tree)
    if term.kind is not Kind.BOOLEAN:
        raise BadCheck(f"it gives {term.kind}; a check is true or false")
    if not compiler.fields:
        raise BadCheck("it reads no field")
    return Check(
        fields=compiler.fields,
        _term=term,
        _shows=syntax.divides(tree),
        _texts=syntax.count_columns(tree),
    )


def _judged(parts: list[Vector], unread: Mask) -> Judged:
    if not parts:
        return Judged(
            is_false=np.zeros(0, dtype=np.bool_),
            is_unknown=np.zeros(0, dtype=np.bool_),
            fault=np.zeros(0, dtype=np.uint8),
        )
    data = np.concatenate([part.data for part in parts])
    null = np.concatenate([part.null for part in parts]) | unread
    fault = np.concatenate(
        [
            np.zeros(len(part.null), dtype=np.uint8) if part.fault is None else part.fault
            for part in parts
        ]
    )
    return Judged(is_false=~data & ~null, is_unknown=null, fault=np.where(unread, 0, fault))
