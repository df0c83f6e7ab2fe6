"""UUIDs in the ways they are written (RFC 9562, 4): with groups, bare, in braces, as a URN."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics.meaning import Meaning, vectorised

_GROUPS: Final = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_WRITTEN: Final = re.compile(
    rf"(?:[uU][rR][nN]:[uU][uU][iI][dD]:)?({_GROUPS})|[{{]({_GROUPS})[}}]|([0-9a-fA-F]{{32}})"
)


def uuid() -> Meaning:
    """Give the meaning; the normal form has five groups in lower case."""

    def form(texts: pl.Expr) -> pl.Expr:
        return pl.when(texts.str.contains(f"^{_GROUPS}$")).then(texts.str.to_lowercase())

    return Meaning(noun="a UUID", fast=vectorised(form), normal=_normal)


def _normal(text: str) -> str:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise CellFault(f"{shown(text)} is not a UUID: it has 32 hexadecimal digits (8-4-4-4-12)")
    digits = "".join(filter(None, match.groups())).replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
