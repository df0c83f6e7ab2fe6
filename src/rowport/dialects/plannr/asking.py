"""What comes before every answer: who is asking, for which account, how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response

from rowport.dialects.plannr.errors import (
    JSON,
    RATE_KEY,
    BadRequest,
    TooManyAttempts,
    rate_headers,
)
from rowport.model.errors import Forbidden, Unauthorized
from rowport.service.access import require
from rowport.wire.auth import bearer, header
from rowport.wire.limits import Rate
from rowport.wire.queries import NUL_REFUSED, holds_nul

if TYPE_CHECKING:
    from rowport.model.access import Principal, Scope
    from rowport.wire.dialect import Front

RATE: Final = Rate(calls=500, seconds=60)
"""Of a user.  Source: Plannr's how-to pages."""
ACCOUNT: Final = "x-plannr-account-uuid"

Document = dict[str, object]


def enter(request: Request[Any, Any, Any], front: Front, *scopes: Scope) -> Principal:
    """Let a request in and tell for whom it is.

    Raises:
        Unauthorized: the token is missing, unknown, expired or revoked.
        Forbidden: it is not of the account named, or does not allow one of `scopes`.
        TooManyAttempts: its user asked too often.
        BadRequest: the query cannot be.
    """
    try:
        principal = _known(request, front)
    except Unauthorized:
        peer = request.client.host if request.client else ""
        _count(request, front, f"plannr:peer:{peer}")
        raise
    _count(request, front, f"plannr:{principal.user.id}")
    # A token is of one account, so the header may be left out.
    account = header(request.headers, ACCOUNT)
    if account and account.lower() != str(principal.organization.id):
        raise Forbidden("The token is of another account.")
    for scope in scopes:
        require(principal, scope)
    if holds_nul(request):
        raise BadRequest(NUL_REFUSED)
    return principal


def _known(request: Request[Any, Any, Any], front: Front) -> Principal:
    secret = bearer(request.headers)
    if secret is None:
        raise Unauthorized
    return front.services.access.authenticate(secret)


def _count(request: Request[Any, Any, Any], front: Front, caller: str) -> None:
    verdict = front.limiter.take(caller, RATE)
    request.state[RATE_KEY] = verdict
    if not verdict.allowed:
        raise TooManyAttempts


def reply(request: Request[Any, Any, Any], document: Document) -> Response[Document]:
    """Answer with a document and how many calls are left."""
    return Response(document, status_code=200, media_type=JSON, headers=rate_headers(request))


def base_of(request: Request[Any, Any, Any], front: Front) -> str:
    """Give how the outside reaches us, without a slash at the end."""
    return front.base_url or str(request.base_url).rstrip("/")
