"""Phone numbers: phonenumbers, Google's library, with its own patterns as the fast path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics import numbering
from rowport.engine.validation.semantics.meaning import Meaning

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_BETWEEN: Final = " ()./\u00a0\u2010\u2011\u2012\u2013\u202f-"
"""What stands between digits.  Anything else is no phone number: the library would skip it."""
_WRITTEN: Final = re.compile(f"[+(0-9][+0-9{_BETWEEN}]*[0-9]")
_GATE: Final = f"^(?:[+(]|[0-9])[0-9{_BETWEEN}]*[0-9]$"
_REASONS: Final = {
    0: "its country code does not exist",
    1: "it has too few digits",
    2: "it has too few digits after the prefix of international calls",
    3: "it is too short",
    4: "it is too long",
}
"""By the library's error types."""


def phone(region: str | None = None) -> Meaning:
    """Give the meaning; the normal form is that of E.164.

    `region` is the country (alpha-2) of numbers without a country code.
    """

    def fast(texts: pl.Series) -> pl.Series:
        plain = texts.str.replace_all(f"[{_BETWEEN}]", "")
        gated = texts.str.contains(_GATE)
        whole = numbering.international(plain, region)
        where = (gated & numbering.is_valid(whole)).fill_null(value=False)
        return pl.select(pl.when(where).then(whole).alias(texts.name)).to_series()

    return Meaning(noun="a phone number", fast=fast, normal=lambda text: _normal(text, region))


def is_region(code: str) -> bool:
    """Tell whether a country (alpha-2) has phone numbers of its own."""
    import phonenumbers  # noqa: PLC0415  see _normal

    return code in phonenumbers.SUPPORTED_REGIONS


def _normal(text: str, region: str | None) -> str:
    import phonenumbers  # noqa: PLC0415  only where a schema speaks of phone numbers

    def fault(reason: str) -> CellFault:
        return CellFault(f"{shown(text)} is not a phone number: {reason}")

    if not _WRITTEN.fullmatch(text):
        raise fault("it holds more than digits and what stands between them (an extension?)")
    if region is None and not text.lstrip("(").startswith("+"):
        raise fault("it begins with no country code such as +49, and its region is not known")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise fault(_REASONS[error.error_type]) from None
    if not phonenumbers.is_valid_number(number):
        raise fault(_why(number))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _why(number: PhoneNumber) -> str:
    import phonenumbers  # noqa: PLC0415  see _normal

    kind = phonenumbers.ValidationResult
    reasons = {kind.TOO_SHORT: "it is too short", kind.TOO_LONG: "it is too long"}
    reason = phonenumbers.is_possible_number_with_reason(number)
    return reasons.get(reason, f"no number of +{number.country_code} begins or is as long as this")
