"""Errors that nobody foresaw, met while a request was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rowport.wire.faults import note

if TYPE_CHECKING:
    from litestar import Request


def log_unforeseen(request: Request[Any, Any, Any], error: Exception) -> None:
    """Log the kind and the place of an error; its message may hold cell values or secrets."""
    note(request.method, request.url.path, error)
