"""Texts: compared and counted by code point, never longer than a limit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.validation import patterns
from rowport.engine.validation.checks.arithmetic import result
from rowport.engine.validation.checks.logic import truth
from rowport.engine.validation.checks.terms import INTEGER_DIGITS, Mismatch, Term, need
from rowport.engine.validation.checks.vectors import MAX_TEXT, Fault, Kind, Vector, failed, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.engine.validation.checks.vectors import Faults, Mask, Rows

_FAR: Final = 2**31
"""Beyond the characters of any text."""


def concat(one: Term, other: Term) -> Term:
    """Join two texts; one that would be too long is a fault."""
    need(one, Kind.TEXT)
    need(other, Kind.TEXT)

    def run(rows: Rows) -> Vector:
        left, right = one.run(rows), other.run(rows)
        null, fault = joined(left, right)
        size = _counted(lambda a, b: a.str.len_bytes() + b.str.len_bytes(), left, right)
        is_long = (size > MAX_TEXT) & ~null
        fault = failed(fault, is_long, Fault.LENGTH)
        if is_long.any():
            left = _without(left, is_long)
        return _made(_over(lambda a, b: a + b, left, right), null, fault)

    return Term(kind=Kind.TEXT, run=run)


def length(one: Term) -> Term:
    """Count the characters."""
    need(one, Kind.TEXT)

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        return result(_counted(lambda a: a.str.len_chars(), vector), *joined(vector))

    return Term(kind=Kind.INTEGER, run=run, whole=INTEGER_DIGITS)


def cased(one: Term, *, upper: bool) -> Term:
    """Change the case of each character that has another of one character (as in C.UTF-8)."""
    need(one, Kind.TEXT)
    change = pc.utf8_upper if upper else pc.utf8_lower

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        made = change(pa.array(vector.data.to_arrow()))
        return _made(pl.Series(pl.from_arrow(made)), *joined(vector))

    return Term(kind=Kind.TEXT, run=run)


def trimmed(one: Term, chars: str, side: str) -> Term:
    """Take these characters off an end (`LEADING`, `TRAILING`) or off both."""
    need(one, Kind.TEXT)
    strip: Callable[[pl.Expr], pl.Expr] = {
        "LEADING": lambda text: text.str.strip_chars_start(chars),
        "TRAILING": lambda text: text.str.strip_chars_end(chars),
    }.get(side, lambda text: text.str.strip_chars(chars))

    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        return _made(_over(strip, vector) if chars else vector.data, *joined(vector))

    return Term(kind=Kind.TEXT, run=run)


def part(one: Term, start: Term, count: Term | None) -> Term:
    """Take `count` characters from the place `start` (1 is the first), or all from there on."""
    need(one, Kind.TEXT)
    need(start, Kind.INTEGER)
    terms = [one, start] + ([] if count is None else [need(count, Kind.INTEGER)])

    def run(rows: Rows) -> Vector:
        vectors = [term.run(rows) for term in terms]
        null, fault = joined(*vectors)
        begin = np.clip(vectors[1].data, -_FAR, _FAR)
        end = np.full(1, 2 * _FAR)
        if count is not None:
            many = np.clip(vectors[2].data, -_FAR, _FAR)
            fault = failed(fault, (many < 0) & ~null, Fault.NEGATIVE)
            end = begin + many
        begin = np.maximum(begin, 1)
        taken = np.maximum(end - begin, 0)
        at = [_whole(begin - 1), _whole(taken)]
        text = _over(lambda a, b, c: a.str.slice(b, c), vectors[0], *at)
        return _made(text, null, fault)

    return Term(kind=Kind.TEXT, run=run)


def place(one: Term, wanted: Term) -> Term:
    """Give where a text first stands in another (1 is the first character); 0: nowhere."""
    need(one, Kind.TEXT)
    need(wanted, Kind.TEXT)

    def found(text: pl.Expr, piece: pl.Expr) -> pl.Expr:
        before = text.str.split_exact(piece, 1).struct[0].str.len_chars().cast(pl.Int64) + 1
        here = text.str.contains(piece, literal=True)
        return pl.when(piece == "").then(1).when(here).then(before).otherwise(0)

    def run(rows: Rows) -> Vector:
        left, right = one.run(rows), wanted.run(rows)
        return result(_counted(found, left, right), *joined(left, right))

    return Term(kind=Kind.INTEGER, run=run, whole=INTEGER_DIGITS)


def starts(one: Term, wanted: Term) -> Term:
    """Tell whether a text starts with another."""
    need(one, Kind.TEXT)
    need(wanted, Kind.TEXT)

    def run(rows: Rows) -> Vector:
        left, right = one.run(rows), wanted.run(rows)
        return truth(
            _truths(_over(lambda a, b: a.str.starts_with(b), left, right)), *joined(left, right)
        )

    return Term(kind=Kind.BOOLEAN, run=run)


def like(one: Term, pattern: str, *, escape: str = "\\", folds: bool = False) -> Term:
    """Give LIKE and, with `folds`, ILIKE.

    Raises:
        Mismatch: the pattern ends in the escape character, or that is none.
    """
    if len(escape) > 1:
        raise Mismatch("the character behind ESCAPE is one character")
    text = cased(one, upper=False) if folds else need(one, Kind.TEXT)
    folded = str(pc.utf8_lower(pa.scalar(pattern)).as_py()) if folds else pattern
    return _matching(text, f"^(?s:{_regex(folded, escape)})$")


def matches(one: Term, pattern: str, *, folds: bool = False) -> Term:
    """Tell whether a pattern (RE2) is found anywhere in the text.

    Raises:
        Mismatch: it is none.
    """
    try:
        patterns.check(pattern)
    except patterns.BadPattern as error:
        raise Mismatch(f"the pattern cannot be used: {error}") from None
    return _matching(need(one, Kind.TEXT), f"(?i:{pattern})" if folds else pattern)


def _matching(one: Term, regex: str) -> Term:
    def run(rows: Rows) -> Vector:
        vector = one.run(rows)
        return truth(_truths(_over(lambda a: a.str.contains(regex), vector)), *joined(vector))

    return Term(kind=Kind.BOOLEAN, run=run)


def _regex(pattern: str, escape: str) -> str:
    """Write a LIKE pattern as a regular expression."""
    made, chars = [], iter(pattern)
    for char in chars:
        if char == escape:
            plain = next(chars, None)
            if plain is None:
                raise Mismatch("a LIKE pattern must not end with its escape character")
            made.append(re.escape(plain))
        else:
            made.append({"%": ".*", "_": "."}.get(char, re.escape(char)))
    return "".join(made)


def _over(make: Callable[..., pl.Expr], *vectors: Vector) -> pl.Series:
    """Work out an expression over the values of vectors, of which some are the same for all.

    The first is always a column: not every function of Polars repeats the text it works on.
    """
    count = max(len(vector.null) for vector in vectors)
    columns: dict[str, pl.Series] = {}
    parts: list[pl.Expr] = []
    for number, vector in enumerate(vectors):
        series = vector.data if isinstance(vector.data, pl.Series) else pl.Series(vector.data)
        if not number and len(series) != count:
            series = series.new_from_index(0, count)
        if len(series) == count:
            columns[str(number)] = series
            parts.append(pl.col(str(number)))
        else:
            parts.append(pl.lit(series[0], dtype=series.dtype))
    return pl.DataFrame(columns).select(make(*parts).alias("made"))["made"]


def _counted(make: Callable[..., pl.Expr], *vectors: Vector) -> Any:  # noqa: ANN401  see Vector
    counts = _over(make, *vectors)
    return counts.cast(pl.Int64).fill_null(0).to_numpy()


def _truths(series: pl.Series) -> Mask:
    return np.asarray(series.fill_null(value=False).to_numpy())


def _made(text: pl.Series, null: Mask, fault: Faults | None) -> Vector:
    if fault is not None:
        null = null | (fault > 0)
    return Vector(data=text, null=null, fault=fault)


def _without(vector: Vector, where: Mask) -> Vector:
    """Leave texts out."""
    count = max(len(where), len(vector.null))
    text = vector.data if len(vector.data) == count else vector.data.new_from_index(0, count)
    none = pl.repeat(None, count, dtype=pl.String, eager=True)
    keep = pl.Series(np.broadcast_to(~where, (count,)).copy())
    return Vector(data=text.zip_with(keep, none), null=np.broadcast_to(vector.null, (count,)))


def _whole(data: Any) -> Vector:  # noqa: ANN401  see Vector
    return Vector(data=data, null=np.zeros(len(data), dtype=np.bool_))
