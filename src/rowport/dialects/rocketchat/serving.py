"""What every endpoint does before its work: who asks, may they, how often, and is the body right.

Version 8 asks for the permission before it looks at the body; earlier ones do it last.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from litestar import Response
from litestar.utils.path import normalize_path

from rowport.dialects.rocketchat.ajv import Mismatch, check
from rowport.dialects.rocketchat.bodies import NOTHING, read_body
from rowport.dialects.rocketchat.errors import (
    HEADERS_LATER,
    STRICT_SINCE,
    UNCACHED,
    mismatch,
    too_many,
)
from rowport.dialects.rocketchat.workspace import Workspace
from rowport.model.access import Role, Scope
from rowport.model.errors import Unauthorized
from rowport.service.access import require
from rowport.wire.auth import header
from rowport.wire.limits import Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from litestar import Request

    from rowport.model.access import Principal
    from rowport.wire.dialect import Front

RATE: Final = Rate(calls=10, seconds=60)
"""What a fresh workspace allows each address on each route."""
SMALL_BODY: Final = 1 << 20
"""Bytes that are taken of anybody, before we know who it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What a route asks of its caller."""

    scopes: tuple[Scope, ...] = (Scope.IMPORT_RUN, Scope.IMPORT_READ)
    body: Mapping[str, Any] | None = None
    """The schema of the body; None: none is looked at."""
    takes_query: bool = False
    """Whether unknown query parameters are let through."""


READING: Final = Endpoint()
WRITING: Final = Endpoint(scopes=(Scope.IMPORT_RUN, Scope.IMPORT_WRITE), takes_query=True)


async def serve(
    request: Request[Any, Any, Any],
    front: Front,
    endpoint: Endpoint,
    work: Callable[[Workspace, Any], object],
) -> Response[Any]:
    """Check the request, do its work in a thread, and answer."""
    await take_small_body(request)
    who = await asyncio.to_thread(_authenticated, request, front)
    space = Workspace(services=front.services, who=who)
    body: object = await read_body(request) if endpoint.body is not None else {}
    if space.version >= STRICT_SINCE:
        _permit(who, endpoint)
        body = _checked(request, endpoint, body, space.version)
        _limit(request, front, who)
    else:
        _limit(request, front, who)
        body = _checked(request, endpoint, body, space.version)
        _permit(who, endpoint)
    return answer(request, await asyncio.to_thread(work, space, body))


async def take_small_body(request: Request[Any, Any, Any]) -> None:
    """Take a body that nobody may want: the server drops connections on which one was left."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) <= SMALL_BODY:
        await request.body()  # kept, for whoever reads it later


def answer(request: Request[Any, Any, Any], document: object) -> Response[Any]:
    """Give a success; `success` comes last in objects, and arrays stay bare."""
    if isinstance(document, dict):
        document = {**document, "success": True}
    later = request.scope.get("state", {}).get(HEADERS_LATER, {})
    return Response(document, status_code=200, headers={**later, **UNCACHED})


def _authenticated(request: Request[Any, Any, Any], front: Front) -> Principal:
    token = header(request.headers, "x-auth-token")
    user_id = header(request.headers, "x-user-id")
    if not token or not user_id:
        raise Unauthorized
    who = front.services.access.authenticate(token)
    if who.user.oid != user_id:
        raise Unauthorized
    return who


def _permit(who: Principal, endpoint: Endpoint) -> None:
    for scope in endpoint.scopes:
        require(who, scope)


def _checked(
    request: Request[Any, Any, Any], endpoint: Endpoint, body: object, version: int
) -> object:
    if not endpoint.takes_query:
        try:
            check(NOTHING, dict(request.query_params))
        except Mismatch as error:
            raise mismatch(str(error), version=version, of_query=True) from None
    if endpoint.body is None:
        return {}
    try:
        return check(endpoint.body, body)
    except Mismatch as error:
        raise mismatch(str(error), version=version, of_query=False) from None


def _limit(request: Request[Any, Any, Any], front: Front, who: Principal) -> None:
    """Count the call; administrators have the permission `api-bypass-rate-limit`."""
    if who.user.role is not Role.ADMIN:
        limit(request, front, str(who.organization.id))


def limit(request: Request[Any, Any, Any], front: Front, whose: str) -> None:
    """Count a call of this address on this route, and tell in headers what is left.

    Raises:
        Refused: 429.
    """
    address = request.client.host if request.client else ""
    route = normalize_path(request.url.path)  # more slashes lead to the same route
    caller = f"rocketchat:{whose}:{address}:{request.method}:{route}"
    verdict = front.limiter.take(caller, RATE)
    request.scope.setdefault("state", {})[HEADERS_LATER] = {
        "X-RateLimit-Limit": str(verdict.limit),
        "X-RateLimit-Remaining": str(verdict.remaining),
        "X-RateLimit-Reset": str(int(verdict.reset_at_s * 1000)),
    }
    if not verdict.allowed:
        raise too_many(verdict.retry_after_s)
