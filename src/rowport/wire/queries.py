"""The query of a request: its parameters in order, and what it may not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from litestar import Request

NUL_REFUSED: Final = "The query holds the character U+0000."


def query_items(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """Give the parameters as they were sent; the framework's own list has no order."""
    query: bytes = request.scope["query_string"]
    return parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True)


def holds_nul(request: Request[Any, Any, Any]) -> bool:
    """Tell whether a name or a value holds U+0000, which nothing that is kept can hold."""
    return any("\x00" in part for item in query_items(request) for part in item)
