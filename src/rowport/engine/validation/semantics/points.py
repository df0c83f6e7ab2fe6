"""Points as two numbers in one text: longitude and latitude, in the order that is said."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import polars as pl

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics.meaning import Meaning, vectorised

ORDERS: Final = ("lon,lat", "lat,lon")
"""The order of the standard's geopoint, and that of most maps."""
_BOUNDS: Final = {"lon": ("longitude", 180), "lat": ("latitude", 90)}
_NUMBER: Final = r"([+-]?[0-9]+(?:\.[0-9]+)?)"
_WRITTEN: Final = re.compile(rf"{_NUMBER}[ ]*,[ ]*{_NUMBER}")


def geopoint(order: str = "lon,lat") -> Meaning:
    """Give the meaning; the normal form has no blanks, and the numbers as they were typed."""
    axes = [_BOUNDS[axis] for axis in order.split(",")]

    def form(texts: pl.Expr) -> pl.Expr:
        sure = texts.str.contains(rf"^{_NUMBER},{_NUMBER}$")
        for group, (_, bound) in enumerate(axes, start=1):
            number = texts.str.extract(f"^{_NUMBER},{_NUMBER}$", group)
            sure &= number.cast(pl.Float64, strict=False).abs() < bound
        return pl.when(sure).then(texts)

    def normal(text: str) -> str:
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise CellFault(f"{shown(text)} is not a point of the form {order}")
        for (noun, bound), number in zip(axes, match.groups(), strict=True):
            if abs(Decimal(number)) > bound:
                raise CellFault(f"{shown(text)}: {noun} {number} lies outside -{bound} to {bound}")
        return ",".join(match.groups())

    return Meaning(noun="a point", fast=vectorised(form), normal=normal)
