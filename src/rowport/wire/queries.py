"""What the query of a request may not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from litestar import Request

NUL_REFUSED: Final = "The query holds the character U+0000."


def holds_nul(request: Request[Any, Any, Any]) -> bool:
    """Tell whether a name or a value holds U+0000, which nothing that is kept can hold."""
    return any("\x00" in part for item in request.query_params.multi_items() for part in item)
