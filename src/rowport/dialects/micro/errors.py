"""Errors in Micro's envelope."""

from __future__ import annotations

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException

from rowport.model.errors import Conflict, Invalid, NotFound, RowportError
from rowport.wire.request_ids import HEADER as REQUEST_ID
from rowport.wire.request_ids import chosen
from rowport.wire.unforeseen import log_unforeseen

if TYPE_CHECKING:
    from collections.abc import Sequence

Document = dict[str, object]
MOST_ISSUES: Final = 100
RETRY_AFTER_S: Final = 1

CODES: Final = {
    HTTPStatus.BAD_REQUEST: "invalid_request",
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "payload_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid_request",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
    HTTPStatus.INSUFFICIENT_STORAGE: "insufficient_storage",
}
"""Only `invalid_request` and `idempotency_key_mismatch` are published; the rest is our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What is wrong with one place of a request."""

    field: str
    """Where: `.body.objects[0].default.email`."""
    message: str
    rule: str = "type"
    """The rule of the API's description that is broken: type, required, format, ..."""

    @property
    def document(self) -> Document:
        """The issue as it stands in the envelope."""
        code = f"{self.rule}.openapi.validation"
        return {"field": self.field, "message": self.message, "code": code}


class InvalidRequest(Invalid):
    """The request does not fit the API's description."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues = issues[:MOST_ISSUES]
        first = issues[0]
        more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
        super().__init__(f"{first.field} {first.message}{more}")


def invalid(field: str, message: str, rule: str = "type") -> InvalidRequest:
    """Give the error of a request with one issue."""
    return InvalidRequest([Issue(field=field, message=message, rule=rule)])


class UnknownThing(NotFound):
    """There is no such thing."""


class PayloadTooLarge(RowportError):
    """The request holds more than is taken at once."""

    status = 413
    code = "payload_too_large"


class UnsupportedMediaType(RowportError):
    """The body must be application/json."""

    status = 415
    code = "unsupported_media_type"


class RateLimited(RowportError):
    """Too many requests."""

    status = 429
    code = "rate_limited"
    transient: ClassVar[bool] = True

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = max(1, math.ceil(retry_after_s))
        super().__init__(f"Too many requests; try again in {self.retry_after_s} s.")


class KeyMismatch(Conflict):
    """This Idempotency-Key was used with another request."""

    code = "idempotency_key_mismatch"


class KeyInUse(Conflict):
    """The first request with this Idempotency-Key is still running."""

    code = "idempotency_key_in_use"


def request_id(request: Request[Any, Any, Any]) -> str:
    """Give the id that the answer shows: the client's own if it is a sane one."""
    return chosen(request.headers.get(REQUEST_ID, ""))


def envelope(
    code: str, message: str, *, request_id: str | None, issues: Sequence[Issue] = ()
) -> Document:
    """Give an error as the v2 API words it."""
    error: Document = {"code": code, "message": message, "request_id": request_id}
    if issues:
        error["errors"] = [issue.document for issue in issues]
    return {"error": error}


def render(request: Request[Any, Any, Any], error: Exception) -> Response[Document]:
    """Give any error in the envelope."""
    status, code, message = _words(request, error)
    said = request_id(request)
    issues = error.issues if isinstance(error, InvalidRequest) else ()
    return Response(
        envelope(code, message, request_id=said, issues=issues),
        status_code=status,
        media_type="application/json",
        headers={REQUEST_ID: said, **_headers(status, error)},
    )


def _words(request: Request[Any, Any, Any], error: Exception) -> tuple[HTTPStatus, str, str]:
    """Give status, code and message."""
    if isinstance(error, RowportError) and error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
        status = HTTPStatus(error.status)
        if status is HTTPStatus.UNPROCESSABLE_ENTITY:
            status = HTTPStatus.BAD_REQUEST
        own = isinstance(error, (KeyMismatch, KeyInUse))
        return status, error.code if own else CODES[status], error.message
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        status = HTTPStatus(error.status_code)
        words = status.description or status.phrase
        return status, CODES.get(status, "invalid_request"), f"{words}."
    log_unforeseen(request, error)
    return (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "Something unforeseen happened; the server's log tells more.",
    )


def _headers(status: HTTPStatus, error: Exception) -> dict[str, str]:
    if isinstance(error, RateLimited):
        return {"Retry-After": str(error.retry_after_s)}
    if status is HTTPStatus.CONFLICT:
        # The official client tries a 409 twice again by itself unless it is told not to.
        return {"x-should-retry": "false"}
    if isinstance(error, RowportError) and error.transient:
        return {"Retry-After": str(RETRY_AFTER_S)}
    if isinstance(error, HTTPException):
        return dict(error.headers or {})
    return {}
