"""All errors of an import by kind, in memory that grows with the kinds alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from rowport.engine.accounting import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

EXAMPLES: Final = 3
_KIND: Final = ["code", "field"]
_SHOWN: Final = ["row", "line", "value", "message"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """All errors of one kind."""

    code: str
    field: str | None
    """None where the row as a whole is at fault."""
    count: int
    examples: tuple[Mapping[str, Any], ...]
    """The first ones: row, value and message, and the line where it is known."""


@dataclass(slots=True, kw_only=True)
class ErrorGroups:
    """Counts the errors of chunks that come in their order, and keeps the first of each kind."""

    _counts: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    _examples: dict[tuple[str, str | None], list[Mapping[str, Any]]] = field(default_factory=dict)

    def add(self, errors: pa.Table) -> None:
        """Take the errors of the next chunk in: ERRORS_SCHEMA, perhaps with a column "line"."""
        self._count(errors)
        self._keep(errors)

    def add_encoded(self, errors: bytes) -> None:
        """Take the errors of the next chunk in as the ledger keeps them.

        Cells and sentences are read only as long as a kind lacks examples: they are what is large.
        """
        kinds = decode(errors, columns=_KIND)
        if kinds is None:
            return
        self._count(kinds)
        if any(
            len(self._examples.get(kind, ())) < min(EXAMPLES, count)
            for kind, count in self._counts.items()
        ):
            self._keep(decode(errors))

    def _count(self, errors: pa.Table) -> None:
        frame = _frame(errors.select(_KIND))
        for code, name, count in frame.group_by(_KIND, maintain_order=True).len().iter_rows():
            self._counts[str(code), name] += count

    def _keep(self, errors: pa.Table) -> None:
        shown = [name for name in _SHOWN if name in errors.column_names]
        firsts = _frame(errors).group_by(_KIND, maintain_order=True).head(EXAMPLES)
        for row in firsts.iter_rows(named=True):
            known = self._examples.setdefault((str(row["code"]), row["field"]), [])
            if len(known) < EXAMPLES:
                known.append({name: row[name] for name in shown})

    @property
    def groups(self) -> list[ErrorGroup]:
        """The kinds of errors, the most frequent first."""
        return [
            ErrorGroup(
                code=kind[0], field=kind[1], count=count, examples=tuple(self._examples[kind])
            )
            for kind, count in self._counts.most_common()
        ]


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("an Arrow table becomes a data frame")
    return frame
