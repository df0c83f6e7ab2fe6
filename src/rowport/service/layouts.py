"""A layout as the ledger keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rowport.ports import FormatLayout

if TYPE_CHECKING:
    from collections.abc import Mapping


def to_layout(document: Mapping[str, object]) -> FormatLayout:
    """Give the layout of its JSON.

    Raises:
        KeyError: the file has not been read yet.
    """
    known = cast("dict[str, Any]", document)
    return FormatLayout(
        format=known["format"],
        header=tuple(known["header"]),
        options=known["options"],
        evidence=known["evidence"],
        confidence=known["confidence"],
    )
