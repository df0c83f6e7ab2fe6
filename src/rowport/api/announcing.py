"""What every answer carries, whatever was asked, and the line of the log that tells of it."""

import logging
import time
from collections.abc import Iterable
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from rowport.api.limiting import rate_headers
from rowport.wire.request_ids import HEADER, chosen, current

ID: Final = HEADER.encode()
SAFE: Final = (
    (b"x-content-type-options", b"nosniff"),
    # Nothing here is a page: what is shown as one all the same may load and run nothing.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
PRIVATE: Final = (b"cache-control", b"no-store")
"""Of the native API, where a route says nothing else."""
NATIVE: Final = "/v1/"

log = logging.getLogger(__name__)

Headers = Iterable[tuple[bytes, bytes]]


class Announces:
    """An ASGI application around all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        identity = chosen(dict(scope["headers"]).get(ID, b"").decode("latin-1"))
        # So that a dialect that tells the id tells this one.
        rest = [(name, value) for name, value in scope["headers"] if name != ID]
        scope["headers"] = [*rest, (ID, identity.encode())]
        began, status = time.monotonic(), 0

        async def say(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _complete(scope, message["headers"], identity)
            await send(message)

        mark = current.set(identity)
        try:
            await self._app(scope, receive, say)
        finally:
            took_ms = (time.monotonic() - began) * 1000
            log.debug("%s %s: %s in %.0f ms", scope["method"], _place(scope), status, took_ms)
            current.reset(mark)


def _complete(scope: HTTPScope, headers: Headers, identity: str) -> list[tuple[bytes, bytes]]:
    given = list(headers)
    wanted = [(ID, identity.encode()), *SAFE, *rate_headers(scope)]
    if scope["path"].startswith(NATIVE):
        wanted.append(PRIVATE)
    there = {name.lower() for name, _ in given}
    return given + [(name, value) for name, value in wanted if name not in there]


def _place(scope: HTTPScope) -> str:
    """Say which route it was: a whole path may hold a signed link."""
    return scope.get("path_template") or "no route"
