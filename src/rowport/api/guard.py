"""The one guard before every route of the native API: who is asking, and may they?

A route says what it needs as `opt={"scope": Scope.IMPORT_READ}`; one that is for everybody says
`opt=OPEN`.  A route that says nothing answers nobody, and a test names it.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from rowport.model.access import Principal
from rowport.model.errors import Forbidden, Unauthorized
from rowport.service.access import Access, require
from rowport.wire.auth import bearer

SCOPE: Final = "scope"
OPEN: Final[Mapping[str, None]] = {SCOPE: None}
"""What a route declares that answers everybody."""
CALLER: Final = "caller"

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Coroutine[Any, Any, None]]


def guard_with(find_access: Callable[[], Access]) -> Guard:
    """Give the guard; the database is asked at every call, so a revoked token ends at once."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        if SCOPE not in handler.opt:
            raise Forbidden("Nobody has said who may call this.")
        if handler.opt[SCOPE] is not None and principal_of(connection) is None:
            await admit(connection, handler, find_access())

    return guard


async def admit(connection: Connection, handler: BaseRouteHandler, access: Access) -> Principal:
    """Let a request through to a route that is not for everybody.

    Raises:
        Unauthorized: it carries no token, or one that is unknown, expired or revoked.
        Forbidden: the token does not have the route's scope.
    """
    secret = bearer(connection.headers)
    if secret is None:
        raise Unauthorized("Send a token: `Authorization: Bearer rp_...`.")
    principal = await sync_to_thread(access.authenticate, secret)
    require(principal, handler.opt[SCOPE])
    connection.state[CALLER] = principal
    return principal


def principal_of(connection: Connection) -> Principal | None:
    """Give whom the guard let through; None on an open route."""
    found: Principal | None = connection.state.get(CALLER)
    return found
