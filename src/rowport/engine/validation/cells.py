"""How one cell is read: a vectorised fast path that accepts, an exact reader that arbitrates.

The fast path takes only text of a strict canonical form, of which the vectorised parser is known
to be right; every other cell goes to the exact reader, once for each distinct text.  So no
quirk of a library ever decides what a cell means, and an odd column costs time, not truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

XSD_SPACE: Final = " \t\r\n"
"""What XML Schema collapses around a number (whiteSpace facet, XSD part 2, 4.3.6)."""

_SHOWN: Final = 120


class CellFault(Exception):
    """The cell cannot be read; the message is the sentence of the row's error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellReader:
    """How cells of one field become values.

    `fast` turns a string expression into the typed one, null where the text is not of the
    canonical form; for decimals it gives the plain text (`-1234.50`), because the scale is known
    only when the whole column was seen.  `exact` reads one text.
    """

    dtype: pl.DataType
    fast: Callable[[pl.Expr], pl.Expr]
    exact: Callable[[str], object]
    """Raises CellFault."""
    decimal: bool = False
    quoted: bool = True
    """Whether messages show the cell in quotes."""


def shown(text: str, *, quoted: bool = True) -> str:
    """Write a cell for a message: quoted, one line, not longer than a person reads.

    The error's own `value` has the cell in full.
    """
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    plain = cut.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
    return f'"{plain}"' if quoted else plain


def nothing(cells: pl.Expr) -> pl.Expr:
    """Accept no cell: every distinct text goes to the exact reader."""
    return pl.when(pl.lit(value=False)).then(cells)
