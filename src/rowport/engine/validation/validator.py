"""The validator: compiled once from a Table Schema, run on each chunk.

Three passes over a chunk, each vectorised: read every cell by the fast path; give what it did
not take to the exact reader, once for each distinct text; check the constraints on the typed
values.  Sentences are written for failed cells only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import pyarrow as pa

from rowport.engine.tables import left_out
from rowport.engine.validation import transforms
from rowport.engine.validation.cells import shown
from rowport.engine.validation.columns import Reading, read_columns
from rowport.engine.validation.constraints import checks_of
from rowport.engine.validation.findings import Findings, Rule
from rowport.engine.validation.readers import ARROW_TYPES, reader_of
from rowport.engine.validation.rules import compile_rules
from rowport.engine.validation.semantics.catalogue import semantic_of
from rowport.engine.validation.semantics.meaning import judged
from rowport.engine.validation.steps import reading
from rowport.model.outcomes import RowErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rowport.engine.validation.columns import Column
    from rowport.engine.validation.constraints import Check
    from rowport.engine.validation.findings import Flags, Sentence
    from rowport.engine.validation.row_rules import RowRule
    from rowport.engine.validation.semantics.meaning import Semantic
    from rowport.model.table_schema import Field, TableSchema

_SEMANTIC: Final = 500
"""The semantic of a field is told after its constraints."""
_RULES_BEGIN: Final = 1000
"""Rules between fields are told after those of the field."""


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
    reading: Reading
    checks: tuple[Check, ...]
    absent: RowErrorCode | None
    """The error of a row that has no value here; None: it may."""
    semantic: Semantic | None


class Validator:
    """Reads and checks the cells of chosen fields."""

    def __init__(
        self,
        schema: TableSchema,
        fields: Sequence[str],
        *,
        key: Sequence[str] = (),
        today: date | None = None,
    ) -> None:
        """Compile the readers and checks of `fields`.

        Cells of a field in `key` or in the schema's primary key must not be empty.
        `today` is what rules take for the current date; None: the day (UTC) of this call.

        Raises:
            KeyError: the schema has no such field.
            BadConstraint, BadTransform, BadRule, BadSemantic: the schema cannot be used
                (`schema_document.parse` refuses such a schema first).
        """
        self._today = datetime.now(UTC).date() if today is None else today
        identifying = {*key, *schema.primary_key}
        chosen = [schema.field(name) for name in fields]
        self._rules = [rule for rule in compile_rules(schema) if _applies(rule, fields)]
        self._plans = [
            _plan(field, schema, fields, identifying) for field in schema.fields if field in chosen
        ]

    def run(self, cells: pa.Table, row: pa.Array) -> Validated:
        """Read and check one chunk.

        `cells` has a string column for each field, named by it; null is a cell that does not
        exist, and counts as empty.  `row` holds the row number of each.

        Raises:
            RuleTooSlow: a check takes too long on these rows.
        """
        columns = read_columns([plan.reading for plan in self._plans], cells)
        rows = row.to_numpy()
        found = Findings(rows)
        for place, (plan, column) in enumerate(zip(self._plans, columns, strict=True)):
            _check(plan, column, place, found)
        self._check_semantics(columns, found)
        self._check_rules(columns, found)
        bad = np.flatnonzero(~found.good)
        arrays = {
            plan.field.name: _arrow(plan.field, column)
            for plan, column in zip(self._plans, columns, strict=True)
        }
        return Validated(
            rows=left_out(pa.table(arrays), bad),
            row=pa.array(rows[found.good], pa.int64()),
            errors=found.table(),
        )

    def _check_semantics(self, columns: Sequence[Column], found: Findings) -> None:
        """Record which values do not mean what their field says they do."""
        by_field = {
            plan.field.name: column for plan, column in zip(self._plans, columns, strict=True)
        }
        for place, (plan, column) in enumerate(zip(self._plans, columns, strict=True)):
            if plan.semantic is None:
                continue
            other = by_field.get(plan.semantic.other or "")
            faults = judged(
                plan.semantic, column.values, None if other is None else other.text
            ).faults
            rule = Rule(
                field=plan.field.name,
                place=place,
                number=_SEMANTIC,
                code=RowErrorCode.CONSTRAINT,
                sentence=str,
            )
            found.add(rule, faults.is_not_null(), raw=column.raw, text=faults)

    def _check_rules(self, columns: Sequence[Column], found: Findings) -> None:
        """Record which rules between fields the rows break."""
        names = [plan.field.name for plan in self._plans]
        by_field = dict(zip(names, columns, strict=True))
        for number, rule in enumerate(self._rules, start=_RULES_BEGIN):
            broken = rule.judge(by_field, self._today)
            if not broken.rows.any():
                continue
            column = None if rule.field is None else by_field[rule.field]
            raw = pl.repeat(None, len(found.good), dtype=pl.String, eager=True)
            found.add(
                Rule(
                    field=rule.field,
                    place=len(names) if rule.field is None else names.index(rule.field),
                    number=number,
                    code=RowErrorCode.ROW_CONSTRAINT,
                    sentence=str,
                ),
                broken.rows,
                raw=raw if column is None else column.raw,
                text=broken.told(),
            )


def _applies(rule: RowRule, fields: Sequence[str]) -> bool:
    """Tell whether the columns at hand are those that a rule needs."""
    return set(rule.fields) <= set(fields) and any(field in fields for field in rule.looks_at)


def _plan(
    field: Field, schema: TableSchema, columns: Sequence[str], identifying: set[str]
) -> _Plan:
    absent = None
    if field.name in identifying:
        absent = RowErrorCode.PRIMARY_KEY
    elif field.constraints.required:
        absent = RowErrorCode.CONSTRAINT
    missing = schema.missing_values if field.missing_values is None else field.missing_values
    read = Reading(
        name=field.name,
        reader=reader_of(reading(field)),
        missing=missing,
        steps=transforms.steps_of(field, missing=missing, columns=columns),
    )
    return _Plan(
        field=field,
        reading=read,
        checks=checks_of(field),
        absent=absent,
        semantic=semantic_of(reading(field)),
    )


def _check(plan: _Plan, column: Column, place: int, found: Findings) -> None:
    """Record what is wrong with the cells of one field."""
    name = plan.field.name
    raw = column.cells if column.typed is not None else column.raw

    def add(number: int, code: RowErrorCode, broken: Flags, sentence: Sentence) -> None:
        rule = Rule(field=name, place=place, number=number, code=code, sentence=sentence)
        found.add(rule, broken, raw=raw, text=raw if column.changed is None else column.changed)

    for where, words in column.unfit:
        if words is None:
            add(0, RowErrorCode.NUL, where, f"{name} holds the character U+0000")
            continue
        told = words if isinstance(words, pl.Series) else column.raw
        sentence = str if isinstance(words, pl.Series) else _ending(words)
        rule = Rule(field=name, place=place, number=0, code=RowErrorCode.TYPE, sentence=sentence)
        found.add(rule, where, raw=column.raw, text=told)
    if plan.absent is not None:
        key = " because it is in the key" if plan.absent is RowErrorCode.PRIMARY_KEY else ""
        add(1, plan.absent, column.absent, f"{name} is required{key}")
    if column.reasons:
        add(2, RowErrorCode.TYPE, column.unread, column.reasons.__getitem__)
    for number, check in enumerate(plan.checks, start=3):
        if column.spares(check):
            continue
        sentence = _sentence(check, quoted=plan.reading.reader.quoted)
        add(number, RowErrorCode.CONSTRAINT, column.breaks(check), sentence)


def _ending(words: str) -> Sentence:
    return lambda text: f"{shown(text)} {words}"


def _sentence(check: Check, *, quoted: bool) -> Sentence:
    explain = check.explain
    if explain is None:
        return lambda text: f"{shown(text, quoted=quoted)} {check.message}"
    return lambda text: f"{shown(text)} breaks the JSON Schema: {explain(text)}"


def _arrow(field: Field, column: Column) -> pa.Array:
    """Give the typed column."""
    if column.wide is not None:
        return pa.array(column.wide, pa.decimal256(76, column.scale))
    target = ARROW_TYPES[field.type]
    array = column.typed
    if array is None:
        array = column.values.to_arrow(compat_level=pl.CompatLevel.oldest())
    return array if pa.types.is_decimal(target) else array.cast(target)
