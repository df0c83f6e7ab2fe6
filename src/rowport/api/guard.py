"""The one gate before every route of the native API: who is asking, and may they?

A route says what it needs as `opt={"scope": Scope.IMPORT_READ}`; one that is for everybody says
`opt=OPEN`.  A route that says nothing answers nobody, and a test names it.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from rowport.api.limiting import Limits
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Lets requests through; it asks the database each time, so a revoked token ends at once."""

    find_access: Callable[[], Access]
    limits: Limits | None = None
    """None: nobody counts."""

    def guard(self) -> Guard:
        """Give what stands before a route, as the framework wants it."""

        async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
            if SCOPE not in handler.opt:
                raise Forbidden("Nobody has said who may call this.")
            if handler.opt[SCOPE] is not None and principal_of(connection) is None:
                await self.admit(connection, handler)

        return guard

    async def admit(self, connection: Connection, handler: BaseRouteHandler) -> Principal:
        """Let a request through to a route that is not for everybody.

        Raises:
            Unauthorized: it carries no token, or one that is unknown, expired or revoked.
            TooManyRequests: its token or organization called too often.
            Forbidden: the token does not have the route's scope.
        """
        secret = bearer(connection.headers)
        if secret is None:
            raise Unauthorized("Send a token: `Authorization: Bearer rp_...`.")
        principal = await sync_to_thread(self.find_access().authenticate, secret)
        if self.limits is not None:
            self.limits.count(principal, connection.state)
        require(principal, handler.opt[SCOPE])
        connection.state[CALLER] = principal
        return principal


def principal_of(connection: Connection) -> Principal | None:
    """Give whom the gate let through; None on an open route."""
    found: Principal | None = connection.state.get(CALLER)
    return found
