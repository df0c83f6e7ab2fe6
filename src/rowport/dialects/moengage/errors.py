"""MoEngage's error bodies.

They differ by endpoint and by status, and so do these: a client tells them apart by their shape.
Source: the public OpenAPI document of MoEngage's Data API, "File Import".
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from litestar import Response
from litestar.exceptions import HTTPException

from rowport.model.errors import Forbidden, NotFound, RowportError, Unauthorized
from rowport.wire.faults import note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar import Request

Body = dict[str, object]
LETTERS: Final = string.ascii_letters
ID_LETTERS: Final = 8
RETRY_AFTER_S: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An error as it leaves."""

    status: int
    body: Body


class Refused(Exception):
    """A request that is answered with an error of MoEngage's."""

    def __init__(self, told: Told, *, headers: Mapping[str, str] | None = None) -> None:
        self.told = told
        self.headers = dict(headers or {})
        super().__init__(str(told.status))


def _failure(error_type: str, message: str) -> Told:
    body: Body = {"status": "FAILURE", "error_type": error_type, "message": message}
    return Told(status=400, body=body)


def _denied(title: str, description: str) -> Told:
    return Told(status=401, body={"title": title, "description": description})


def _untriggered(error_type: str, message: str) -> Told:
    body: Body = {"status": "fail", "error_type": error_type, "message": message}
    return Told(status=400, body=body)


def _unable(status: int, said: str) -> Told:
    body: Body = {
        "success": False,
        "status_code": f"{status} {said}",
        "data": "Unable to process the request",
    }
    return Told(status=status, body=body)


INVALID_DATE: Final = _failure(
    "Invalid Date format",
    "The provided date format is either incorrect or doesn't match the entered dates. "
    "Please ensure both the dates and the format are valid.",
)
DATE_SPAN: Final = _failure(
    "Difference exceeds 30 days",
    "Please note that only imports with a date difference of 30 can be displayed. "
    "Kindly adjust the dates accordingly.",
)
INVALID_OFFSET: Final = _failure(
    "Invalid Offset Value",
    "The offset value you have provided is not valid. Please review and correct the offset.",
)
NO_IMPORT: Final = _failure(
    "Import Doesn't Exist", "No import exist in the database with the given query parameters."
)
UNABLE: Final = _unable(400, "Bad Request")
TOO_LARGE: Final = _unable(413, "Payload Too Large")

HEADER_MISSING: Final = _denied("HeaderMissing", "MOE-APPKEY is missing in Header")
HEADER_MISMATCH: Final = _denied(
    "HeaderMismatch",
    "MOE_APPKEY doesn't match the Username (APP_KEY) used in Basic Auth authorization",
)
PASSWORD_INVALID: Final = _denied(
    "AuthenticationInvalid",
    "Password (APP_KEY) doesn't match the one available on the dashboard. "
    "Kindly ensure the same APP_KEY available on the dashboard is used.",
)

TRIGGER_NOT_FOUND: Final = _untriggered("NOT_FOUND", "This import is either deleted or expired.")
TRIGGER_TOO_SOON: Final = _untriggered("ALREADY_EXISTS", "Import has run in the last 5 min.")
METHOD: Final = Told(status=405, body={"status": "fail", "message": "Method not allowed"})


def invalid_state(message: str) -> Told:
    """Say why an import cannot be triggered as it stands."""
    return _untriggered("INVALID_STATE", message)


def not_found(path: str) -> Told:
    """Say that there is nothing at a path."""
    if "/fileimports/trigger" in path:
        return Told(status=404, body={"status": "fail", "message": "Resource not found"})
    return Told(status=404, body={"status": "fail", "data": "Resource not found."})


def unsupported(path: str) -> Told:
    """Say that the body is no JSON."""
    key = "error_description" if path.endswith("/run/history") else "description"
    body: Body = {"title": "Unsupported media type", key: "Content type is not supported"}
    return Told(status=415, body=body)


def _blocked(status: int, message: str, error_type: str) -> Told:
    error = {"message": message, "type": error_type, "request_id": new_code()}
    return Told(status=status, body={"status": "fail", "error": error})


def suspended() -> Told:
    """Say that the workspace is suspended."""
    message = "Your account is suspended. Please contact MoEngage team."
    return _blocked(403, message, "BlockedClient")


def forbidden() -> Told:
    """Say that the key does not allow this; the shape of the only 403 that is published."""
    return _blocked(403, "This API key does not allow this request.", "BlockedClient")


def too_many() -> Told:
    """Say that the rate limit is passed."""
    message = "Rate limits exceeded, please try after some time"
    return _blocked(429, message, "Rate Limits Exceeded")


def server_error(code: str, *, status: int = 500) -> Told:
    """Say that something went wrong here."""
    body: Body = {
        "title": "Server Error",
        "description": "An unexpected error was encountered while processing this request.",
        "code": code,
    }
    return Told(status=status, body=body)


def new_code() -> str:
    """Make an id by which a request can be found in the log."""
    return "".join(secrets.choice(LETTERS) for _ in range(ID_LETTERS))


def render(request: Request[Any, Any, Any], error: Exception) -> Response[Body]:
    """Give any error in MoEngage's shape."""
    told, headers = _tell(request, error)
    if told.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="File Import", charset="UTF-8"'
    return Response(told.body, status_code=told.status, headers=headers)


def _tell(request: Request[Any, Any, Any], error: Exception) -> tuple[Told, dict[str, str]]:
    match error:
        case Refused():
            return error.told, error.headers
        case RowportError():
            return _of_ours(request, error)
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return _of_http(request.url.path, error.status_code), dict(error.headers or {})
        case _:
            return _fault(request, error), {}


def _of_ours(request: Request[Any, Any, Any], error: RowportError) -> tuple[Told, dict[str, str]]:
    match error:
        case Unauthorized():
            return PASSWORD_INVALID, {}
        case Forbidden():
            return forbidden(), {}
        case NotFound():
            return not_found(request.url.path), {}
        case RowportError(transient=True):
            fault = _fault(request, error, status=HTTPStatus.SERVICE_UNAVAILABLE)
            return fault, {"Retry-After": str(RETRY_AFTER_S)}
        case _ if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return UNABLE, {}
        case _:
            return _fault(request, error), {}


def _fault(request: Request[Any, Any, Any], error: Exception, *, status: int = 500) -> Told:
    code = new_code()
    note(request.method, request.url.path, error, code=code)
    return server_error(code, status=status)


def _of_http(path: str, status: int) -> Told:
    match status:
        case HTTPStatus.NOT_FOUND:
            return not_found(path)
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return METHOD
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return TOO_LARGE
        case HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return unsupported(path)
        case _:
            return UNABLE
