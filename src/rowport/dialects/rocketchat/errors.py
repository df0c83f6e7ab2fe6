"""Refusals in the shapes of this API, and every other error rendered in them."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from litestar import Response
from litestar.exceptions import HTTPException

from rowport.model.errors import Forbidden, RowportError, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar import Request

log = logging.getLogger(__name__)

UNCACHED: Final = {"cache-control": "no-store", "pragma": "no-cache"}
LOGGED_OUT: Final = "You must be logged in to do this."
NOT_PERMITTED: Final = (
    "User does not have the permissions required for this action [error-unauthorized]"
)
TOO_MANY: Final = (
    "Error, too many requests. Please slow down. "
    "You must wait {seconds} seconds before trying this endpoint again. [error-too-many-requests]"
)
HEADERS_LATER: Final = "rocketchat_headers"
"""Where a request's state keeps headers for whatever its answer will be."""
STRICT_SINCE: Final = 8
"""The version whose typed routes changed the shape of a refused body and the order of checks."""
OPENING: Final = {
    HTTPStatus.NOT_FOUND: "Resource not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "Method not allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than this endpoint takes",
}


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, body: Mapping[str, object], *, status: int = 400) -> None:
        super().__init__(str(body.get("error")))
        self.body = body
        self.status = status


def plain(text: str) -> Refused:
    """Refuse as the original's plain errors do."""
    return Refused({"success": False, "error": text})


def coded(reason: str, code: str, details: str) -> Refused:
    """Refuse as the original's coded errors do."""
    return Refused(
        {"success": False, "error": f"{reason} [{code}]", "errorType": code, "details": details}
    )


def no_importer(key: str, details: str) -> Refused:
    """Refuse an importer that does not exist."""
    reason = f"The importer ({key}) has no import class defined."
    return coded(reason, "error-importer-not-defined", details)


def no_operation(details: str) -> Refused:
    """Refuse what needs an operation."""
    return coded("Import Operation Not Found", "error-operation-not-found", details)


def mismatch(text: str, *, version: int, of_query: bool) -> Refused:
    """Refuse a body or a query that does not meet its schema."""
    code = "error-invalid-params" if of_query else "invalid-params"
    if version >= STRICT_SINCE:
        return Refused({"success": False, "errorType": code, "error": text})
    return Refused({"success": False, "error": f"{text} [{code}]", "errorType": code})


def too_many(retry_after_s: float) -> Refused:
    """Refuse a caller who asks too often."""
    text = TOO_MANY.format(seconds=max(1, math.ceil(retry_after_s)))
    return Refused({"success": False, "error": text}, status=HTTPStatus.TOO_MANY_REQUESTS)


def not_logged_in() -> Refused:
    """Refuse a log-in, without telling what was wrong with it.

    Source: RocketChat/Rocket.Chat, apps/meteor/server/api/ApiClass.ts, `_initAuth`.
    """
    return Refused(
        {
            "success": False,
            "error": "Unauthorized",
            "status": "error",
            "message": "Unauthorized",
        },
        status=HTTPStatus.UNAUTHORIZED,
    )


def render(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Say any error in this API's own way."""
    status, body, headers = _told(request, error)
    later = request.scope.get("state", {}).get(HEADERS_LATER, {})
    return Response(body, status_code=status, headers={**headers, **later, **UNCACHED})


def _told(
    request: Request[Any, Any, Any], error: Exception
) -> tuple[int, Mapping[str, object], dict[str, str]]:
    match error:
        case Refused():
            return error.status, error.body, {}
        case Unauthorized():
            body = {"success": False, "error": LOGGED_OUT, "status": "error"}
            return error.status, {**body, "message": LOGGED_OUT}, {}
        case Forbidden():
            return error.status, {"success": False, "error": NOT_PERMITTED}, {}
        case RowportError():
            headers = {"Retry-After": "1"} if error.transient else {}
            return error.status, {"success": False, "error": error.message}, headers
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            text = OPENING.get(HTTPStatus(error.status_code), error.detail)
            return error.status_code, {"success": False, "error": text}, dict(error.headers or {})
        case _:
            _note(request, error)
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return status, {"success": False, "error": "Internal server error"}, {}


def _note(request: Request[Any, Any, Any], error: Exception) -> None:
    """Log kind and place of an error; its message may hold cell values."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "nowhere"
    log.error("%s %s: %s at %s", request.method, request.url.path, type(error).__name__, where)
