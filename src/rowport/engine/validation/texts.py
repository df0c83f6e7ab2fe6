"""Strings with their formats, and `any`.

Cells are not trimmed: a blank is a character.  The standard names the formats email, uri, binary
and uuid without defining them; what we take them for stands at each.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from rowport.engine.validation.cells import CellFault, CellReader, as_is, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.model.table_schema import Field

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*|\x22(?:[ !#-\[\]-~]|\\[ -~])*\x22")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP: Final = "(?:[A-Za-z]{2,63}|[xX][nN]--[A-Za-z0-9-]{1,58}[A-Za-z0-9])"
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}\.)+{_TOP}")
_URI: Final = r"[A-Za-z][A-Za-z0-9+.-]*:(?:[^\s<>\x22\\^`{|}\x00-\x20\x7f%]|%[0-9A-Fa-f]{2})*"
_BASE64: Final = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_UUID: Final = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"

MAX_LOCAL: Final = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""
MAX_DOMAIN: Final = 253
"""Characters of a domain name (RFC 1035, 2.3.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StringFormat:
    """A format of strings: `canonical` is a pattern of cells that surely have it."""

    canonical: str
    fits: Callable[[str], object]
    noun: str


def is_email(text: str) -> bool:
    """Tell whether a text is an address as RFC 5321 has it, in any script (RFC 6531).

    The domain has two labels or more, or none of the mail systems at large would find it.
    """
    local, _, domain = text.rpartition("@")
    if not text.isprintable() or len(local) > MAX_LOCAL or not _LOCAL.fullmatch(local):
        return False
    if len(domain) > MAX_DOMAIN or not all(char in ".-" or _is_letter(char) for char in domain):
        return False
    try:
        plain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return False
    return len(plain) <= MAX_DOMAIN and _DOMAIN.fullmatch(plain) is not None


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN"


FORMATS: Final[dict[str, StringFormat]] = {
    "email": StringFormat(
        canonical=(
            r"^[A-Za-z0-9_+'-]+(?:\.[A-Za-z0-9_+'-]+)*"
            r"@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\.)+[A-Za-z]{2,}$"
        ),
        fits=is_email,
        noun="an e-mail address",
    ),
    # RFC 3986 with the letters of RFC 3987: a scheme, then no blanks and no excluded characters
    "uri": StringFormat(
        canonical=rf"^{_URI}$", fits=re.compile(_URI).fullmatch, noun="a URI with its scheme"
    ),
    # RFC 4648, 4, with padding
    "binary": StringFormat(
        canonical=f"^{_BASE64}$", fits=re.compile(_BASE64).fullmatch, noun="base64 text"
    ),
    # RFC 9562, 4
    "uuid": StringFormat(canonical=f"^{_UUID}$", fits=re.compile(_UUID).fullmatch, noun="a UUID"),
}

_SHORT: Final = 64
"""Bytes of an address of which neither the local part nor a label can be too long."""


def string_reader(field: Field) -> CellReader:
    """Read text; a format other than the default must match the full cell."""
    form = FORMATS.get(field.format)
    if form is None:
        return any_reader(field)

    def sure(cells: pl.Expr) -> pl.Expr:
        canonical = cells.str.contains(form.canonical)
        if field.format == "email":
            canonical &= cells.str.len_bytes() < _SHORT
        return canonical

    def fast(cells: pl.Expr) -> pl.Expr:
        return pl.when(sure(cells)).then(cells)

    def exact(text: str) -> str:
        if form.fits(text):
            return text
        raise CellFault(f"{shown(text)} is not {form.noun}")

    return CellReader(dtype=pl.String(), fast=fast, exact=exact, sure=sure)


def any_reader(field: Field) -> CellReader:
    """Read text as it stands: the standard forbids any processing of `any`."""
    del field
    return CellReader(dtype=pl.String(), fast=as_is, exact=str)
