"""How one cell is read: a vectorised fast path that accepts, an exact reader that arbitrates.

The fast path takes only text of a strict canonical form, of which the vectorised parser is known
to be right; every other cell goes to the exact reader, once for each distinct text.  So no
quirk of a library ever decides what a cell means, and an odd column costs time, not truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

XSD_SPACE: Final = " \t\r\n"
"""What XML Schema collapses around a number (whiteSpace facet, XSD part 2, 4.3.6)."""

_SHOWN: Final = 120


class CellFault(Exception):
    """The cell cannot be read; the message is the sentence of the row's error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swift:
    """What was read from the bytes of a column."""

    values: NDArray[Any]
    """As the reader's type is kept: days, microseconds, digits without their point."""
    taken: NDArray[np.bool_]
    """Which cells were read; the others are for slower readers."""
    decimals: NDArray[np.int64] | None = None
    """Of decimals: how many digits stand behind the point."""


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
    swift: Callable[[pa.Array], Swift] | None = None
    """Reads the commonest form from the bytes of a text column, at a fraction of the cost of
    `fast`; what it takes, `fast` or `exact` would read to the same value."""
    sure: Callable[[pl.Expr], pl.Expr] | None = None
    """Of texts that stay as they are: where they surely may; `exact` decides of the others."""
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


def as_is(cells: pl.Expr) -> pl.Expr:
    """Accept every cell as it stands."""
    return cells


def nothing(cells: pl.Expr) -> pl.Expr:
    """Accept no cell: every distinct text goes to the exact reader."""
    return pl.when(pl.lit(value=False)).then(cells)
