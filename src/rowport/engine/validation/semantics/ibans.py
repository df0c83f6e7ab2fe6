"""IBANs: python-stdnum knows the registry of SWIFT and the check digits of ISO 13616."""

from __future__ import annotations

import itertools
import re
import string
from functools import cache
from typing import Final

import polars as pl

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics.meaning import Meaning, vectorised

_WRITTEN: Final = "^[A-Za-z]{2}[0-9]{2}[A-Za-z0-9 ]*[A-Za-z0-9]$"
_LETTERS: Final = {chr(ord("A") + place): str(10 + place) for place in range(26)}
_DIGITS: Final = 72
"""Digits of the longest IBAN (34 signs), each letter two, in whole parts."""
_PART: Final = 9
_LONGEST: Final = 34
"""Signs of an IBAN (ISO 13616)."""
_RIGHT: Final = 1
_MODULUS: Final = 97
_STRUCTURE: Final = re.compile("([1-9][0-9]*)!([nac])")
_SIGNS: Final = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_REASONS: Final = {
    "InvalidChecksum": "its check digits are wrong, so a sign is mistyped",
    "InvalidFormat": "it has not the signs that an IBAN of its country has",
    "InvalidLength": "it has not the length of an IBAN of its country",
    "InvalidComponent": "its first two letters are no country with IBANs",
}


def iban() -> Meaning:
    """Give the meaning; the normal form is compact, in upper case."""
    return Meaning(noun="an IBAN", fast=vectorised(_fast), normal=_normal)


def _fast(texts: pl.Expr) -> pl.Expr:
    """Take what is right by its check digits and has the structure of its country."""
    compact = texts.str.replace_all(" ", "", literal=True).str.to_uppercase()
    sure = (
        texts.str.contains(_WRITTEN)
        & (compact.str.len_bytes() <= _LONGEST)
        & compact.str.contains(_structures())
        & (_remainder(compact) == _RIGHT)
    )
    return pl.when(sure).then(compact)


def _remainder(compact: pl.Expr) -> pl.Expr:
    """Compute the remainder by 97 of the rearranged number, nine digits at a time."""
    turned = compact.str.slice(4) + compact.str.slice(0, 4)
    marks, digits = list(_LETTERS), list(_LETTERS.values())
    number = turned.str.replace_many(marks, digits).str.pad_start(_DIGITS, "0")
    rest = pl.lit(0, dtype=pl.Int64)
    for begin in range(0, _DIGITS, _PART):
        part = number.str.slice(begin, _PART).cast(pl.Int64, strict=False)
        rest = (rest * 10**_PART + part) % _MODULUS
    return rest


@cache
def _structures() -> str:
    """Give one pattern of the IBANs of all countries, from the registry that stdnum has."""
    from stdnum import numdb  # noqa: PLC0415  only where a schema speaks of IBANs

    registry = numdb.get("iban")
    countries = []
    for first, second in itertools.product(string.ascii_uppercase, repeat=2):
        ((country, told), *_) = registry.info(first + second)
        if "bban" in told:
            bban = _STRUCTURE.sub(lambda part: f"{_SIGNS[part[2]]}{{{part[1]}}}", told["bban"])
            countries.append(f"{country}[0-9]{{2}}{bban}")
    return f"^(?:{'|'.join(countries)})$"


def _normal(text: str) -> str:
    from stdnum import exceptions, iban  # noqa: PLC0415  odd texts only

    if not text.isascii() or text != text.strip():
        raise CellFault(f"{shown(text)} is not an IBAN: it has letters A to Z, digits and blanks")
    try:
        # The check digits that some countries have inside their accounts are no part of ISO 13616.
        return iban.validate(text, check_country=False)
    except exceptions.ValidationError as error:
        reason = _REASONS.get(type(error).__name__, str(error))
        raise CellFault(f"{shown(text)} is not an IBAN: {reason}") from None
