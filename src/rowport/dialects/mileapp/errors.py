"""Errors in MileApp's shape: `status` false, `message`, and in most a `failedCode`."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException

from rowport.model.errors import (
    Forbidden,
    ImportNotFound,
    Invalid,
    NotFound,
    RowportError,
    Unauthorized,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

IMPORT_PATHS: Final = ("/api/v3/import-monitoring", "/api/v3/data/import")
RETRY_AFTER_S: Final = 1
TOO_LARGE_STATUS: Final = 413
TOO_LARGE: Final = "Payload Too Large"
"""Python's own phrase for it changes with its version."""
CODES: Final[Mapping[int, str]] = {400: "import-001", 422: "import-002", 404: "import-004"}
"""`failedCode` of what goes wrong with an import for reasons of its own."""


class Refused(Exception):
    """A request that cannot be done, with what MileApp answers to it."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}


def render(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Say an error as MileApp does."""
    told = refusal(error, is_import=imports(request.url.path))
    if told.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log(request, error)
    body: dict[str, object] = {"status": False, "message": told.message}
    if told.code is not None:
        body["failedCode"] = told.code
    return Response(
        body,
        status_code=told.status,
        media_type="application/json",
        headers=dict(told.headers),
    )


def refusal(error: Exception, *, is_import: bool) -> Refused:
    """Give what is answered to an error; `is_import`: the path is one that imports."""
    told = _known(error)
    if told is None:
        return Refused(500, "Internal server error", "import-045" if is_import else None)
    if is_import and told.code is None and isinstance(error, (NotFound, Invalid)):
        told.code = CODES.get(told.status)
    return told


def _known(error: Exception) -> Refused | None:
    told: Refused | None = None
    match error:
        case Refused():
            told = error
        case Unauthorized():
            told = Refused(401, "Unauthorized", "auth-001", headers={"WWW-Authenticate": "Bearer"})
        case Forbidden():
            message = "You do not have permission to perform this action"
            told = Refused(403, message, "auth-003")
        case ImportNotFound():
            told = Refused(404, "Import monitoring record not found", "import-004")
        case RowportError() if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            headers = {"Retry-After": str(RETRY_AFTER_S)} if error.transient else {}
            told = Refused(error.status, error.message, headers=headers)
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            status = HTTPStatus(error.status_code)
            phrase = TOO_LARGE if status == TOO_LARGE_STATUS else status.phrase
            told = Refused(status, phrase, headers=error.headers)
    return told


def imports(path: str) -> bool:
    """Tell whether a path is one that imports; its errors have a `failedCode`."""
    return any(place in path for place in IMPORT_PATHS)


def _log(request: Request[Any, Any, Any], error: Exception) -> None:
    # The message may hold cell values: only the kind and the place of the error are logged.
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "nowhere"
    log.error("%s %s: %s at %s", request.method, request.url.path, type(error).__name__, where)
