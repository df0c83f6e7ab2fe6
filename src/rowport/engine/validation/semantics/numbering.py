"""Google's numbering plans as patterns over whole columns.

`phonenumbers` asks for one number: which region of its calling code is it from, and is it of one
of the region's types?  The same patterns answer for a column at once.  Where the library's
answer depends on more than they say, no answer is given here, and the library is asked.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from phonenumbers import PhoneMetadata

_TYPES: Final = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_NO_REGION: Final = "001"
"""The library's region of calling codes that belong to no country."""


def international(plain: pl.Series, region: str | None) -> pl.Series:
    """Write digits as +, calling code and number, where the library surely reads them so."""
    texts = pl.col("t")
    written = pl.when(texts.str.starts_with("+")).then(texts)
    whole = written if region is None else written.otherwise(_home(region)(texts))
    return plain.to_frame("t").select(whole).to_series()


def is_valid(numbers: pl.Series) -> pl.Series:
    """Tell which numbers, written as E.164 has them, are surely valid; false leaves it open."""
    frame = pl.DataFrame({"n": numbers}).with_row_index("row")
    frame = frame.with_columns(code=pl.col("n").str.extract(_codes()))
    parts = [
        part.select(
            "row",
            ok=_plan(int(code))(pl.col("n").str.slice(len(code) + 1)) & pl.lit(value=True),
        )
        for (code,), part in frame.drop_nulls("code").partition_by("code", as_dict=True).items()
    ]
    if not parts:
        return pl.repeat(value=False, n=len(numbers), eager=True)
    found = pl.concat(parts).filter("ok")["row"]
    return pl.repeat(value=False, n=len(numbers), eager=True).scatter(found, values=True)


@cache
def _codes() -> str:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # noqa: PLC0415  only where phones are

    return rf"^\+({'|'.join(map(str, COUNTRY_CODE_TO_REGION_CODE))})[0-9]+$"


@cache
def _metadata(code: int) -> Sequence[PhoneMetadata]:
    from phonenumbers import (  # noqa: PLC0415  see _codes
        COUNTRY_CODE_TO_REGION_CODE,
        PhoneMetadata,
    )

    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    if regions == (_NO_REGION,):
        plans = [PhoneMetadata.metadata_for_nongeo_region(code)]
    else:
        plans = [PhoneMetadata.metadata_for_region(region) for region in regions]
    return tuple(plan for plan in plans if plan is not None)


@cache
def _plan(code: int) -> Callable[[pl.Expr], pl.Expr]:
    """Give the condition under which the digits after a calling code are surely a number.

    Regions that share a code and are known by their leading digits are left to the library, but
    for the first: their numbers are few.
    """
    first, *others = _metadata(code)
    leading = [other.leading_digits for other in others if other.leading_digits]
    open_ones = [plan for plan in (first, *others) if not plan.leading_digits]

    def sure(number: pl.Expr) -> pl.Expr:
        typed = pl.any_horizontal([_is_of(plan, number) for plan in open_ones or [first]])
        if first.leading_digits and first not in open_ones:
            typed = _is_of(first, number) & number.str.contains(f"^(?:{first.leading_digits})")
        if leading:
            typed &= ~number.str.contains(f"^(?:{'|'.join(leading)})")
        return typed & ~_may_lose_prefix(first, number)

    return sure


def _is_of(plan: PhoneMetadata, number: pl.Expr) -> pl.Expr:
    """Say as the library does that a number is of one of the region's types."""
    patterns: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for name in _TYPES:
        kind = getattr(plan, name)
        if kind is not None and kind.national_number_pattern:
            patterns[kind.possible_length].append(kind.national_number_pattern)
    length = number.str.len_bytes()
    typed = [
        _full(number, "|".join(several)) & (length.is_in(list(lengths)) if lengths else True)
        for lengths, several in patterns.items()
    ]
    return _is_general(plan, number) & pl.any_horizontal(typed)


def _is_general(plan: PhoneMetadata, number: pl.Expr) -> pl.Expr:
    pattern, lengths = _general(plan)
    matches = _full(number, pattern)
    return matches & number.str.len_bytes().is_in(list(lengths)) if lengths else matches


def _general(plan: PhoneMetadata) -> tuple[str, tuple[int, ...]]:
    """Give the pattern and the lengths of all numbers of a region."""
    general = plan.general_desc
    if general is None:
        return "", ()
    return general.national_number_pattern or "", general.possible_length


def _may_lose_prefix(plan: PhoneMetadata, number: pl.Expr) -> pl.Expr:
    """Say where the library might take the beginning of a number for a national prefix."""
    pattern = plan.national_prefix_for_parsing
    if not pattern:
        return pl.lit(value=False)
    begins = number.str.contains(f"^(?:{pattern})")
    prefix = _prefix(plan)
    if prefix != pattern:
        return begins
    return begins & _full(number.str.slice(len(prefix)), _general(plan)[0])


def _prefix(plan: PhoneMetadata) -> str:
    """Give the digits that just fall away before national numbers, if that is all that happens.

    Where there are several such prefixes, the first is the one that people dial.
    """
    several = (plan.national_prefix_for_parsing or "").split("|")
    is_plain = all(map(str.isdigit, several)) and not plan.national_prefix_transform_rule
    return several[0] if is_plain else ""


def _full(number: pl.Expr, pattern: str) -> pl.Expr:
    return number.str.contains(f"^(?:{pattern})$")


@cache
def _home(region: str) -> Callable[[pl.Expr], pl.Expr]:
    """Give how numbers of a region without + are written with it; null where that is not sure."""
    from phonenumbers import PhoneMetadata, country_code_for_region  # noqa: PLC0415  see _codes

    plan = PhoneMetadata.metadata_for_region(region)
    if plan is None:
        raise LookupError(region)
    code = str(country_code_for_region(region))
    abroad, prefix = plan.international_prefix or "", _prefix(plan)

    def home(digits: pl.Expr) -> pl.Expr:
        is_abroad = _begins(digits, abroad)
        like_code = digits.str.starts_with(code)
        begun = _begins(digits, plan.national_prefix_for_parsing or "")
        plain = ~is_abroad & ~like_code & ~begun
        ways = [pl.when(plain).then(f"+{code}" + digits)]
        if abroad.isdigit():
            ways.append(pl.when(is_abroad).then("+" + digits.str.slice(len(abroad))))
        if prefix:
            rest = digits.str.slice(len(prefix))
            falls = ~is_abroad & digits.str.starts_with(prefix) & _is_general(plan, rest)
            falls &= ~_is_general(plan, digits) if prefix == code else ~like_code
            ways.append(pl.when(falls).then(f"+{code}" + rest))
        return pl.coalesce(ways)

    return home


def _begins(digits: pl.Expr, pattern: str) -> pl.Expr:
    return digits.str.contains(f"^(?:{pattern})") if pattern else pl.lit(value=False)
