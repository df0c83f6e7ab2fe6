"""Errors as problem details.

Source: RFC 9457.  `type` is a URN made of the error's stable code: it names the kind of problem
and promises no web page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from rowport.model.errors import Invalid

if TYPE_CHECKING:
    from rowport.model.errors import RowportError

MEDIA_TYPE: Final = "application/problem+json"


def problem(error: RowportError) -> dict[str, object]:
    """Say an error of ours as a problem document."""
    title = (type(error).__doc__ or "").strip().splitlines()[0]
    told: dict[str, object] = {
        "type": f"urn:rowport:problem:{error.code}",
        "title": title,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "retryable": error.transient,
    }
    if isinstance(error, Invalid) and error.pointer is not None:
        told["errors"] = [{"pointer": f"#{quote(error.pointer)}", "detail": error.message}]
    return told


def http_problem(status: int, title: str, detail: str) -> dict[str, object]:
    """Say a problem of HTTP itself (no such path, wrong method, too large) as a document."""
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": title.lower().replace(" ", "_").replace("-", "_"),
        "retryable": False,
    }
