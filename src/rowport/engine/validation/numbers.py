"""Numbers, integers and booleans.

Source: Table Schema 2.0 (number, integer, boolean), which takes XML Schema's decimal as the
lexical form.  Decisions:

- NaN, INF and digits other than 0-9 are refused: no exact column can hold them.
- Blanks around a number are allowed (XML Schema collapses them), underscores are not.
- A group character stands between two digits of the whole part; groups may have any size
  (12,34,567 is a number in India).
- With `bareNumber: false` what stands before and after the number is left out, unless it holds
  a sign, a parenthesis or a digit: then the value could change its meaning.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.texts_in_arrow import text_bytes
from rowport.engine.validation.cells import XSD_SPACE, CellFault, CellReader, Swift, shown
from rowport.engine.validation.plain_numbers import read_numbers

if TYPE_CHECKING:
    from rowport.model.table_schema import Field

MAX_DIGITS: Final = 38
"""Of PostgreSQL's and Arrow's decimals, the digits that decimal128 holds."""
_INT64: Final = range(-(2**63), 2**63)
_EXPONENT: Final = r"(?:[eE](?P<exponent>[+-]?[0-9]{1,6}))?"
_SIGNS: Final = frozenset("+-()\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d\uff0b")


def integer_reader(field: Field) -> CellReader:
    """Read whole numbers of 64 bits."""
    group = re.escape(field.group_char) if field.group_char else None
    canonical = r"^[+-]?[0-9]{1,18}$"
    if group:
        canonical = rf"^[+-]?[0-9]{{1,4}}(?:{group}[0-9]{{2,4}}){{0,3}}$"
    full = re.compile(rf"[+-]?{_whole(group)}")

    def fast(cells: pl.Expr) -> pl.Expr:
        plain = _without(cells, field.group_char)
        return pl.when(cells.str.contains(canonical)).then(plain).cast(pl.Int64, strict=False)

    def exact(text: str) -> int:
        number = _bare(text, field)
        if not full.fullmatch(number):
            raise CellFault(f"{shown(text)} is not a whole number{_hint(field)}")
        digits = _ungrouped(number, field)
        value = int(digits) if len(digits.lstrip("+-0")) <= MAX_DIGITS else 10**MAX_DIGITS
        if value not in _INT64:
            raise CellFault(
                f"{shown(text)} is beyond the whole numbers of 64 bits"
                f" ({_INT64.start} to {_INT64.stop - 1})"
            )
        return value

    def swift(texts: pa.Array) -> Swift:
        found = read_numbers(text_bytes(texts), point=None, group=field.group_char)
        return Swift(values=found.units, taken=found.taken)

    return CellReader(
        dtype=pl.Int64(),
        fast=fast,
        exact=exact,
        swift=swift if _is_plain(field.group_char) else None,
        quoted=False,
    )


def number_reader(field: Field) -> CellReader:
    """Read decimals of up to 38 digits, exactly."""
    group = re.escape(field.group_char) if field.group_char else None
    point = re.escape(field.decimal_char)
    whole = rf"[0-9]{{1,4}}(?:{group}[0-9]{{2,4}}){{0,4}}" if group else "[0-9]{1,20}"
    canonical = rf"^[+-]?{whole}(?:{point}[0-9]{{1,18}})?$"
    full = re.compile(rf"[+-]?(?:{_whole(group)}(?:{point}[0-9]*)?|{point}[0-9]+){_EXPONENT}")

    def fast(cells: pl.Expr) -> pl.Expr:
        plain = _without(cells, field.group_char)
        if field.decimal_char != ".":
            plain = plain.str.replace(field.decimal_char, ".", literal=True)
        return pl.when(cells.str.contains(canonical)).then(plain)

    def exact(text: str) -> Decimal:
        number = _bare(text, field)
        if not full.fullmatch(number):
            raise CellFault(f"{shown(text)} is not a number{_hint(field)}")
        plain = _ungrouped(number, field).replace(field.decimal_char, ".")
        return _fitted(Decimal(plain), text)

    def swift(texts: pa.Array) -> Swift:
        found = read_numbers(text_bytes(texts), point=field.decimal_char, group=field.group_char)
        return Swift(values=found.units, taken=found.taken, decimals=found.decimals)

    marks = (field.decimal_char, field.group_char)
    return CellReader(
        dtype=pl.Decimal(38, 0),
        fast=fast,
        exact=exact,
        swift=swift if all(map(_is_plain, marks)) and len(set(marks)) > 1 else None,
        decimal=True,
        quoted=False,
    )


def boolean_reader(field: Field) -> CellReader:
    """Read the words of `trueValues` and `falseValues`, exactly as written there."""
    words = dict.fromkeys(field.true_values, True) | dict.fromkeys(field.false_values, False)

    def fast(cells: pl.Expr) -> pl.Expr:
        return cells.replace_strict(words, default=None, return_dtype=pl.Boolean)

    members = pa.array(list(words), pa.string())
    truths = np.array([*words.values(), False])

    def swift(texts: pa.Array) -> Swift:
        places = pc.index_in(texts, members.cast(texts.type))
        taken = places.is_valid().to_numpy(zero_copy_only=False)
        return Swift(values=truths[places.fill_null(-1).to_numpy()], taken=taken)

    def exact(text: str) -> bool:
        if text in words:
            return words[text]
        yes, no = " or ".join(field.true_values), " or ".join(field.false_values)
        raise CellFault(f"{shown(text)} is neither true ({yes}) nor false ({no})")

    return CellReader(dtype=pl.Boolean(), fast=fast, exact=exact, swift=swift)


def _is_plain(mark: str | None) -> bool:
    """Tell whether a mark within numbers is one byte that cannot be taken for another part."""
    return mark is None or (len(mark) == 1 and mark.isascii() and mark not in "+-0123456789")


def _without(cells: pl.Expr, group: str | None) -> pl.Expr:
    return cells.str.replace_all(group, "", literal=True) if group else cells


def _whole(group: str | None) -> str:
    return rf"[0-9]+(?:{group}[0-9]+)*" if group else "[0-9]+"


def _ungrouped(number: str, field: Field) -> str:
    return number.replace(field.group_char, "") if field.group_char else number


def _hint(field: Field) -> str:
    """Say which characters the field uses, where they are not the plain ones."""
    parts = []
    if field.decimal_char != ".":
        parts.append(f"decimals after {shown(field.decimal_char)}")
    if field.group_char:
        parts.append(f"groups parted by {shown(field.group_char)}")
    return f" ({', '.join(parts)})" if parts else ""


def _fitted(value: Decimal, text: str) -> Decimal:
    """Give the value with as many decimals as were typed, if 38 digits can hold it."""
    digits, exponent = value.as_tuple().digits, value.as_tuple().exponent
    if not isinstance(exponent, int):  # pragma: no cover  the pattern lets no NaN through
        raise CellFault(f"{shown(text)} is not a number")
    if not any(digits):
        return Decimal(0).scaleb(-min(max(-exponent, 0), MAX_DIGITS))
    shape = "".join(map(str, digits))
    if exponent < 0 and max(len(shape), -exponent) > MAX_DIGITS:
        kept = shape.rstrip("0")  # decimals that say nothing give way before the row fails
        exponent, shape = exponent + len(shape) - len(kept), kept
    whole = max(len(shape.lstrip("0")) + exponent, 0)
    if whole + max(-exponent, 0) > MAX_DIGITS:
        raise CellFault(f"{shown(text)} has more than {MAX_DIGITS} digits")
    sign = "-" if value.is_signed() else ""
    if exponent >= 0:
        return Decimal(sign + shape + "0" * exponent)
    return Decimal(f"{sign}{shape}e{exponent}")


def _bare(text: str, field: Field) -> str:
    """Give the number without blanks and, if the field says so, without what stands around it."""
    number = text.strip(XSD_SPACE)
    if field.bare_number:
        return number
    digits = [index for index, char in enumerate(number) if "0" <= char <= "9"]
    if not digits:
        return number
    first, last = digits[0], digits[-1]
    point = field.decimal_char
    before = number[:first]
    if before.endswith(point) and not before[: -len(point)][-1:].isalpha():
        before = before[: -len(point)]  # "€.50" has a point, "Rs.500" has an abbreviation
        first -= len(point)
    if before[-1:] in {"+", "-"}:
        before, first = before[:-1], first - 1
    stripped = before + number[last + 1 :]
    if any(char in _SIGNS or char.isdigit() for char in stripped):
        raise CellFault(
            f"{shown(text)} has a sign, parenthesis or foreign digit apart from its number"
        )
    return number[first : last + 1]
