"""The rule `check`: an SQL expression, with the values that break it in the sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from rowport.engine.validation.cells import shown
from rowport.engine.validation.checks.check import compile_check
from rowport.engine.validation.checks.lexing import BadCheck
from rowport.engine.validation.checks.vectors import Fault, Kind
from rowport.engine.validation.row_rules import BadRule, Broken, RowRule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from rowport.engine.validation.columns import Column
    from rowport.engine.validation.row_rules import Columns
    from rowport.model.table_schema import TableSchema

_BARE: Final = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME})
"""Kinds whose values are told without quotes."""


def compile_rule(
    schema: TableSchema, text: str, *, message: str | None, name: str | None
) -> RowRule:
    """Compile a check.

    Raises:
        BadRule: it cannot be used; the message says what in it, and where.
    """
    try:
        check = compile_check(schema, text)
    except BadCheck as error:
        raise BadRule(f"check {shown(text)}: {error}") from None
    named = f"{name}: {text}" if name else text
    words = message or f"the row breaks the check {named}"
    fields = tuple(check.fields)

    def judge(columns: Columns, today: date) -> Broken:
        judged = check.judge(columns, today=today)
        rows = pl.Series(judged.is_false | (judged.fault > 0))

        def told() -> pl.Series:
            places = rows.arg_true()
            faults = judged.fault[places.to_numpy()].tolist()
            values = _values(check.fields, columns, places)
            sentences = [
                f"{words}{_why(fault)} ({some})" for fault, some in zip(faults, values, strict=True)
            ]
            made = pl.repeat(None, len(rows), dtype=pl.String, eager=True)
            return made.scatter(places, pl.Series(sentences, dtype=pl.String))

        return Broken(rows=rows, told=told)

    return RowRule(
        field=fields[0] if len(fields) == 1 else None,
        fields=fields,
        looks_at=fields,
        judge=judge,
    )


def _why(fault: int) -> str:
    return f"; it cannot be worked out: {Fault(fault).words}" if fault else ""


def _values(
    fields: Mapping[str, Kind], columns: Mapping[str, Column], places: pl.Series
) -> list[str]:
    """Write the values of some rows: `start = 2024-01-02, end = 2024-01-01`."""
    written = [_told(name, kind, columns[name], places) for name, kind in fields.items()]
    return [", ".join(parts) for parts in zip(*written, strict=True)]


def _told(name: str, kind: Kind, column: Column, places: pl.Series) -> list[str]:
    texts = column.text.gather(places).to_list()
    missing = column.missing.gather(places).to_list()
    known = {text: shown(text, quoted=kind not in _BARE) for text in set(texts) - {None}}
    return [
        f"{name} is missing" if is_missing else f"{name} = {known[text]}"
        for text, is_missing in zip(texts, missing, strict=True)
    ]
