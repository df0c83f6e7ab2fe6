"""Strings with their formats, and `any`.

Cells are not trimmed: a blank is a character.  The standard names the formats email, uri, binary
and uuid without defining them; what we take them for stands at each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from rowport.engine.validation.cells import CellFault, CellReader, shown

if TYPE_CHECKING:
    from rowport.model.table_schema import Field

_LABEL: Final = r"[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?"
_LOCAL: Final = r"[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]{0,63}"
FORMATS: Final[dict[str, tuple[str, str]]] = {
    # HTML's valid address (local part of 64, labels of 63), letters of any script (RFC 6531)
    "email": (
        rf"^[\p{{L}}\p{{M}}\p{{N}}!#$%&'*+/=?^_`{{|}}~-]{_LOCAL}@(?:{_LABEL}\.)+{_LABEL}$",
        "an e-mail address",
    ),
    # RFC 3986: a scheme and something after it, without blanks or the excluded characters
    "uri": (r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\x22\\^`{|}\x00-\x20]+$", "a URI with its scheme"),
    # RFC 4648 base64 with padding
    "binary": (
        "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        "base64 text",
    ),
    # RFC 9562 text form
    "uuid": (
        "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
        "a UUID",
    ),
}


def string_reader(field: Field) -> CellReader:
    """Read text; a format other than the default must match the full cell."""
    if field.format not in FORMATS:
        return CellReader(dtype=pl.String(), fast=_as_is, exact=str)
    pattern, noun = FORMATS[field.format]

    def fast(cells: pl.Expr) -> pl.Expr:
        return pl.when(cells.str.contains(pattern)).then(cells)

    def exact(text: str) -> str:
        if pl.Series([text]).str.contains(pattern)[0]:
            return text
        raise CellFault(f"{shown(text)} is not {noun}")

    return CellReader(dtype=pl.String(), fast=fast, exact=exact)


def any_reader(field: Field) -> CellReader:
    """Read text as it stands: the standard forbids any processing of `any`."""
    del field
    return CellReader(dtype=pl.String(), fast=_as_is, exact=str)


def _as_is(cells: pl.Expr) -> pl.Expr:
    return cells
