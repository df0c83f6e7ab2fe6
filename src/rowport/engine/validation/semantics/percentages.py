"""Percentages: 12.5 % is the share 0.125, exactly, with the digits that were typed."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics.meaning import Meaning, vectorised

BARE: Final = ("error", "percent", "share")
"""What a number without % can be."""
_SIGNS: Final = {"%": 2, "\u066a": 2, "\uff05": 2, "‰": 3}
"""Signs, and by how many places they move the point; the Arabic and the wide one count too."""


def percentage(*, point: str = ".", group: str | None = None, bare: str = "error") -> Meaning:
    """Give the meaning; the normal form is the share, written with the same decimal sign."""
    mark = re.escape(point)
    plain = rf"^[+-]?[0-9]+(?:{mark}[0-9]+)? ?%$"

    def form(texts: pl.Expr) -> pl.Expr:
        sign = texts.str.extract("^([+-]?)")
        whole = texts.str.extract("^[+-]?([0-9]+)").str.pad_start(3, "0")
        rest = texts.str.extract(f"{mark}([0-9]+)").fill_null("")
        ones = whole.str.head(-2).str.replace("^0+([0-9])", "$1")
        share = pl.concat_str([sign, ones, pl.lit(point), whole.str.tail(2), rest])
        return pl.when(texts.str.contains(plain)).then(share)

    written = re.compile(
        rf"([+-]?)([0-9]*)(?:{mark}([0-9]*))?[ \u00a0\u202f]?([{''.join(_SIGNS)}]?)"
    )

    def normal(text: str) -> str:
        match = written.fullmatch(text.replace(group, "") if group else text)
        if match is None or not (match[2] or match[3]):
            raise CellFault(f"{shown(text)} is not a percentage such as 12{point}5%")
        if not match[4] and bare != "percent":
            return _bare(text, match, bare)
        return _moved(match, _SIGNS.get(match[4], 2), point)

    return Meaning(noun="a percentage", fast=vectorised(form), normal=normal)


def _bare(text: str, match: re.Match[str], bare: str) -> str:
    if bare == "share":
        return match[0]
    raise CellFault(
        f"{shown(text)} has no %: the option `bare` says whether such numbers are percent or shares"
    )


def _moved(match: re.Match[str], places: int, point: str) -> str:
    """Move the point to the left."""
    whole = match[2].rjust(places + 1, "0")
    ones = whole[:-places].lstrip("0") or "0"
    return f"{match[1]}{ones}{point}{whole[-places:]}{match[3] or ''}"
