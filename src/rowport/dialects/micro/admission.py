"""Who may come in: the key, its team, its scopes and its rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rowport.dialects.micro.bodies import uuid_text
from rowport.dialects.micro.errors import RateLimited
from rowport.model.errors import Forbidden, Unauthorized
from rowport.service.access import require
from rowport.wire.auth import header
from rowport.wire.limits import Rate

if TYPE_CHECKING:
    from litestar import Request

    from rowport.model.access import Principal, Scope
    from rowport.wire.dialect import Front

KEY_HEADER: Final = "x-api-key"
PER_SECOND: Final = Rate(calls=10, seconds=1)
PER_MONTH: Final = Rate(calls=1000, seconds=30 * 24 * 3600)
"""Source: the vendor's guide to rate limits (docs.micro.so/guides/rate-limits), for its beta."""


def admit(request: Request[Any, Any, Any], front: Front, team_id: str, *scopes: Scope) -> Principal:
    """Tell for whom a request speaks.

    Raises:
        Unauthorized: there is no key.
        Forbidden: the key is unknown, of another team, or lacks a scope.
        InvalidRequest: the team's id is no UUID.
        RateLimited: the key was used too often.
    """
    secret = header(request.headers, KEY_HEADER)
    if not secret:
        raise Unauthorized("The header x-api-key is missing.")
    try:
        principal = front.services.access.authenticate(secret)
    except Unauthorized:
        raise Forbidden("The API key is not valid.") from None
    for name, rate in (("second", PER_SECOND), ("month", PER_MONTH)):
        verdict = front.limiter.take(f"micro:{principal.token_id}:{name}", rate)
        if not verdict.allowed:
            raise RateLimited(verdict.retry_after_s)
    if uuid_text(team_id, ".params.teamId") != str(principal.organization.id):
        raise Forbidden("The API key has no access to this team.")
    for scope in scopes:
        require(principal, scope)
    return principal
