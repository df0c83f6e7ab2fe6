"""Errors that nobody foresaw: what the log is told of them, and what it is not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litestar import Request

log = logging.getLogger(__name__)


def log_unforeseen(request: Request[Any, Any, Any], error: Exception) -> None:
    """Log the kind and the place of an error; its message may hold cell values or secrets."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "nowhere"
    log.error("%s %s: %s at %s", request.method, request.url.path, type(error).__name__, where)
