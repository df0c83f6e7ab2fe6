"""E-mail addresses that mail can reach: email-validator, without asking any name server."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import polars as pl

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics.meaning import Meaning, keeping, vectorised

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN: Final = (
    r"^[A-Za-z0-9_+'-]+(?:\.[A-Za-z0-9_+'-]+)*"
    r"@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}$"
)
"""Addresses in their normal form; a double hyphen may begin an encoded label, so it is odd."""
_SHORT: Final = 64
"""Bytes of an address of which neither the local part nor a label can be too long."""


def email() -> Meaning:
    """Give the meaning; the normal form has the domain in lower case, and NFC (RFC 5321, 2.4)."""
    ending = "|".join(name.replace(".", "[.]") for name in _unreachable())
    reserved = rf"[@.](?:{ending})$"

    def sure(texts: pl.Expr) -> pl.Expr:
        return (
            (texts.str.len_bytes() < _SHORT)
            & texts.str.contains(_PLAIN)
            & ~texts.str.contains(reserved)
        )

    plain = keeping(sure)

    def fast(texts: pl.Series) -> pl.Series:
        taken = plain(texts)
        others = (taken.is_null() & texts.is_not_null()).arg_true()
        return taken.scatter(others, plain(_lowered(texts.gather(others))))

    return Meaning(noun="an e-mail address", fast=fast, normal=_normal)


def lowered(texts: pl.Expr) -> pl.Expr:
    """Write the domain in lower case; what has none stays."""
    domain = texts.str.extract("@([^@]*)$").str.to_lowercase()
    return pl.coalesce(texts.str.extract("^(.*@)") + domain, texts)


_lowered: Final = vectorised(lowered)


def _normal(text: str) -> str:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  odd texts only

    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise CellFault(f"{shown(text)} is not an e-mail address: {error}") from None


@cache
def _unreachable() -> Sequence[str]:
    from email_validator import SPECIAL_USE_DOMAIN_NAMES  # noqa: PLC0415  see _normal

    return tuple(SPECIAL_USE_DOMAIN_NAMES)
