"""The validator: compiled once from a Table Schema, run on each chunk.

Three passes over a chunk, each vectorised: read every cell by the fast path; give what it did
not take to the exact reader, once for each distinct text; check the constraints on the typed
values.  Sentences are written for failed cells only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from rowport.engine.tables import ERRORS_SCHEMA, no_errors
from rowport.engine.validation.cells import shown
from rowport.engine.validation.columns import read_columns
from rowport.engine.validation.constraints import checks_of
from rowport.engine.validation.readers import ARROW_TYPES, reader_of
from rowport.model.outcomes import RowErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rowport.engine.validation.cells import CellReader
    from rowport.engine.validation.columns import Column
    from rowport.engine.validation.constraints import Check
    from rowport.model.table_schema import Field, TableSchema

_ORDER: Final = pl.Schema({"row": pl.Int64, "place": pl.Int32, "rule": pl.Int32})


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """The rows of one chunk, told apart."""

    rows: pa.Table
    """The rows without error: a typed column (`ARROW_TYPES`) for each field, named by it."""
    row: pa.Array
    """int64, the row number of each of `rows`, in the order of the chunk."""
    errors: pa.Table
    """ERRORS_SCHEMA: every error of the other rows, by row, then by the field's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A field, compiled."""

    field: Field
    reader: CellReader
    missing: tuple[str, ...]
    checks: tuple[Check, ...]
    absent: RowErrorCode | None
    """The error of a row that has no value here; None: it may."""


class Validator:
    """Reads and checks the cells of chosen fields."""

    def __init__(
        self, schema: TableSchema, fields: Sequence[str], *, key: Sequence[str] = ()
    ) -> None:
        """Compile the readers and checks of `fields`.

        Cells of a field in `key` or in the schema's primary key must not be empty.

        Raises:
            KeyError: the schema has no such field.
            BadConstraint: a constraint does not fit its field (`schema_document.parse` refuses
                such a schema first).
        """
        identifying = {*key, *schema.primary_key}
        chosen = [schema.field(name) for name in fields]
        self._plans = [
            _plan(field, schema, identifying) for field in schema.fields if field in chosen
        ]

    def run(self, cells: pa.Table, row: pa.Array) -> Validated:
        """Read and check one chunk.

        `cells` has a string column for each field, named by it; null is a cell that does not
        exist, and counts as empty.  `row` holds the row number of each.
        """
        columns = read_columns(
            [(plan.field.name, plan.reader, plan.missing) for plan in self._plans], cells
        )
        rows = pl.Series("row", pl.from_arrow(row)).cast(pl.Int64)
        found = _Findings(rows=rows)
        for place, (plan, column) in enumerate(zip(self._plans, columns, strict=True)):
            _check(plan, column, place, found)
        good = found.good
        kept = None if good.all() else good
        arrays = [
            _arrow(plan.field, column, kept)
            for plan, column in zip(self._plans, columns, strict=True)
        ]
        names = [plan.field.name for plan in self._plans]
        return Validated(
            rows=pa.table(arrays, names=names) if names else pa.table({}),
            row=pa.array((rows if kept is None else rows.filter(kept)).to_numpy(), pa.int64()),
            errors=found.table(),
        )


def _plan(field: Field, schema: TableSchema, identifying: set[str]) -> _Plan:
    absent = None
    if field.name in identifying:
        absent = RowErrorCode.PRIMARY_KEY
    elif field.constraints.required:
        absent = RowErrorCode.CONSTRAINT
    return _Plan(
        field=field,
        reader=reader_of(field),
        missing=schema.missing_values if field.missing_values is None else field.missing_values,
        checks=checks_of(field),
        absent=absent,
    )


class _Findings:
    """The errors of a chunk, gathered a rule at a time."""

    def __init__(self, *, rows: pl.Series) -> None:
        self._rows = rows
        self._frames: list[pl.DataFrame] = []
        self.good = pl.Series(np.ones(len(rows), dtype=bool))

    def add(
        self,
        broken: pl.Series,
        *,
        place: int,
        rule: int,
        field: str,
        code: RowErrorCode,
        raw: pl.Series,
        message: Callable[[pl.Series], pl.Series],
    ) -> None:
        """Record an error for every row where `broken` is true; null is no error."""
        broken = broken.fill_null(value=False)
        if not broken.any():
            return
        self.good &= ~broken
        values = raw.filter(broken)
        frame = pl.DataFrame(
            {
                "row": self._rows.filter(broken),
                "value": values,
                "message": message(values),
            }
        ).with_columns(
            pl.lit(place, dtype=pl.Int32).alias("place"),
            pl.lit(rule, dtype=pl.Int32).alias("rule"),
            pl.lit(field).alias("field"),
            pl.lit(code.value).alias("code"),
        )
        self._frames.append(frame)

    def table(self) -> pa.Table:
        """Give the errors in order, as ERRORS_SCHEMA."""
        if not self._frames:
            return no_errors()
        frame = pl.concat(self._frames).sort(*_ORDER, maintain_order=True)
        return frame.select(ERRORS_SCHEMA.names).to_arrow().cast(ERRORS_SCHEMA)


def _check(plan: _Plan, column: Column, place: int, found: _Findings) -> None:
    """Record what is wrong with the cells of one field."""
    name = plan.field.name

    def add(
        rule: int,
        broken: pl.Series,
        code: RowErrorCode,
        message: Callable[[pl.Series], pl.Series],
    ) -> None:
        found.add(
            broken, place=place, rule=rule, field=name, code=code, raw=column.raw, message=message
        )

    if column.nul is not None:
        add(0, column.nul, RowErrorCode.NUL, _constant(f"{name} holds the character U+0000"))
    if plan.absent is not None:
        key = " because it is in the key" if plan.absent is RowErrorCode.PRIMARY_KEY else ""
        add(1, column.missing, plan.absent, _constant(f"{name} is required{key}"))
    if column.reasons:
        add(2, column.unread, RowErrorCode.TYPE, _by_cell(column.reasons))
    for rule, check in enumerate(plan.checks, start=3):
        sentence = _sentence(check.message, quoted=plan.reader.quoted)
        add(rule, column.breaks(check), RowErrorCode.CONSTRAINT, sentence)


def _constant(sentence: str) -> Callable[[pl.Series], pl.Series]:
    return lambda values: pl.repeat(sentence, len(values), eager=True)


def _by_cell(reasons: dict[str, str]) -> Callable[[pl.Series], pl.Series]:
    return lambda values: values.replace_strict(reasons, return_dtype=pl.String)


def _sentence(words: str, *, quoted: bool) -> Callable[[pl.Series], pl.Series]:
    def write(values: pl.Series) -> pl.Series:
        distinct = values.unique().to_list()
        sentences = {text: f"{shown(text, quoted=quoted)} {words}" for text in distinct}
        return values.replace_strict(sentences, return_dtype=pl.String)

    return write


def _arrow(field: Field, column: Column, kept: pl.Series | None) -> pa.Array:
    """Give the typed column of the rows kept."""
    if column.wide is not None:
        wide = column.wide if kept is None else _compress(column.wide, kept)
        return pa.array(wide, pa.decimal256(76, column.scale))
    values = column.values if kept is None else column.values.filter(kept)
    array = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    target = ARROW_TYPES[field.type]
    return array if pa.types.is_decimal(target) else array.cast(target)


def _compress(values: list[Any], kept: pl.Series) -> list[Any]:
    return [value for value, keep in zip(values, kept, strict=True) if keep]
