"""Every error leaves as a problem document (RFC 9457); nobody sees a traceback."""

from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from rowport.model.errors import RowportError, TooManyRequests, Unauthorized
from rowport.wire.problems import MEDIA_TYPE, http_problem, problem
from rowport.wire.unforeseen import log_unforeseen

RETRY_AFTER_S: Final = 1


def _of_ours(_: Request[Any, Any, Any], error: RowportError) -> Response[dict[str, object]]:
    wait_s = error.retry_after_s if isinstance(error, TooManyRequests) else RETRY_AFTER_S
    headers = {"Retry-After": str(wait_s)} if error.transient else {}
    if isinstance(error, Unauthorized):  # RFC 6750, section 3
        headers["WWW-Authenticate"] = 'Bearer realm="rowport"'
    return Response(
        problem(error), status_code=error.status, media_type=MEDIA_TYPE, headers=headers
    )


def _of_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, object]]:
    status = HTTPStatus(error.status_code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _of_nobody(_, error)
    return Response(
        http_problem(status, status.phrase, error.detail or status.description),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=error.headers,
    )


def _of_nobody(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:
    log_unforeseen(request, error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Response(
        http_problem(status, status.phrase, "Something unforeseen happened; the log tells more."),
        status_code=status,
        media_type=MEDIA_TYPE,
    )


HANDLERS: Final[ExceptionHandlersMap] = {
    RowportError: _of_ours,
    HTTPException: _of_http,
    Exception: _of_nobody,
}
