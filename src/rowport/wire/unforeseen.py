"""Errors that nobody foresaw, met while a request was answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from rowport.wire.faults import note

LINK: Final = re.compile(r"(/v1/files/)[^/]+")
"""Whoever has the link has the file."""

if TYPE_CHECKING:
    from litestar import Request


def log_unforeseen(request: Request[Any, Any, Any], error: Exception) -> None:
    """Log the kind and the place of an error; its message may hold cell values or secrets."""
    note(request.method, LINK.sub(r"\1...", request.url.path), error)
