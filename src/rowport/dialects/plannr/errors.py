"""Errors in the shapes of Laravel, which Plannr's API answers with."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException

from rowport.model.errors import Invalid, NotFound, RowportError
from rowport.wire.unforeseen import log_unforeseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rowport.wire.limits import Verdict

Document = dict[str, object]
JSON: Final = "application/json"
RATE_KEY: Final = "plannr_rate"
"""Where the verdict of the rate limit lies in a request's state."""
RETRY_AFTER_S: Final = 1
SHOWN: Final = 100
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

MESSAGES: Final = {
    HTTPStatus.UNAUTHORIZED: "Unauthenticated.",
    HTTPStatus.FORBIDDEN: "This action is unauthorized.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The POST data is too large.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too Many Attempts.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Server Error",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service Unavailable",
    HTTPStatus.INSUFFICIENT_STORAGE: "Insufficient Storage",
}


class Refused(Invalid):
    """The given data was invalid."""

    status = 422
    code = "validation_failed"

    def __init__(self, faults: Mapping[str, Sequence[str]]) -> None:
        self.faults = {name: list(messages) for name, messages in faults.items()}
        super().__init__(summary(self.faults))


def summary(faults: Mapping[str, Sequence[str]]) -> str:
    """Give the first message and how many more there are.

    Source: Laravel, ValidationException::summarize.
    """
    messages = [message for said in faults.values() for message in said]
    more = len(messages) - 1
    return (
        f"{messages[0]} (and {more} more error{'s' if more > 1 else ''})" if more else messages[0]
    )


class BadRequest(RowportError):
    """The request cannot be understood, whatever it asks for."""

    status = 400
    code = "bad_request"


class PayloadTooLarge(RowportError):
    """The body is larger than such a request can be."""

    status = 413
    code = "payload_too_large"


class ImportMissing(NotFound):
    """Import not found."""

    code = "import_not_found"


class TooManyAttempts(RowportError):
    """Too Many Attempts."""

    status = 429
    code = "rate_limited"
    transient: ClassVar[bool] = True


def render(request: Request[Any, Any, Any], error: Exception) -> Response[Document]:
    """Give any error in Laravel's shape."""
    status, body = _said(request, error)
    return Response(
        body,
        status_code=status,
        media_type=JSON,
        headers={**_headers(status, error), **rate_headers(request)},
    )


def rate_headers(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Give the headers that tell how many calls are left; none before anybody was counted."""
    verdict: Verdict | None = request.state.get(RATE_KEY)
    if verdict is None:
        return {}
    told = {
        "X-RateLimit-Limit": str(verdict.limit),
        "X-RateLimit-Remaining": str(verdict.remaining),
    }
    if verdict.allowed:
        return told
    return told | {
        "Retry-After": str(max(1, math.ceil(verdict.retry_after_s))),
        "X-RateLimit-Reset": str(math.ceil(verdict.reset_at_s)),
    }


def _said(request: Request[Any, Any, Any], error: Exception) -> tuple[HTTPStatus, Document]:
    match error:
        case Refused():
            return HTTPStatus.UNPROCESSABLE_ENTITY, {
                "message": error.message,
                "errors": error.faults,
            }
        case Invalid():
            return HTTPStatus.UNPROCESSABLE_ENTITY, {"message": error.message, "errors": {}}
        case NotFound():
            return HTTPStatus.NOT_FOUND, {"message": "Import not found."}
        case RowportError() if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            status = HTTPStatus(error.status)
            return status, {"message": MESSAGES.get(status, error.message)}
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            status = HTTPStatus(error.status_code)
            return status, {"message": _of_http(request, status, error)}
        case _:
            log_unforeseen(request, error)
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return status, {"message": MESSAGES[status]}


def _of_http(request: Request[Any, Any, Any], status: HTTPStatus, error: HTTPException) -> str:
    path = request.url.path.strip("/")[:SHOWN]
    match status:
        case HTTPStatus.NOT_FOUND:
            return f"The route {path} could not be found."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return (
                f"The {request.method} method is not supported for route {path}. "
                f"Supported methods: {', '.join(allowed(error))}."
            )
        case _:
            return MESSAGES.get(status, status.phrase)


def allowed(error: HTTPException) -> list[str]:
    """Give the methods that a route has, in Laravel's order; HEAD goes wherever GET does.

    Source: Laravel, AbstractRouteCollection::methodNotAllowed.
    """
    told = {name.lower(): value for name, value in (error.headers or {}).items()}
    known = {method.strip() for method in told.get("allow", "").split(",")}
    known |= {"HEAD"} if "GET" in known else set()
    return [method for method in METHODS if method in known]


def _headers(status: HTTPStatus, error: Exception) -> dict[str, str]:
    if isinstance(error, HTTPException) and status == HTTPStatus.METHOD_NOT_ALLOWED:
        return {"Allow": ", ".join(allowed(error))}
    if isinstance(error, HTTPException) and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return dict(error.headers or {})
    if isinstance(error, RowportError) and error.transient:
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {}
