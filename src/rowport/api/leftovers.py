"""Take what is left of a request's body before the answer goes out.

The server drops a kept-alive connection on which a body was left unread, so the caller's next
request would fail after a 401, 404 or 405 that nobody needed the body for.  Where too much is left
the answer says that the connection ends.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

LARGEST: Final = 1024 * 1024
"""A longer body is not waited for: dropping the connection is cheaper for both sides."""
PATIENCE_S: Final = 5.0


class TakesLeftovers:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP or not _has_body(scope["headers"]):
            await self._app(scope, receive, send)
            return
        is_small = _is_small(scope["headers"])
        whole = asyncio.Event()

        async def hear() -> ReceiveMessage:
            message = await receive()
            if message["type"] != "http.request" or not message.get("more_body"):
                whole.set()
            return message

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_S):
                        while is_small and not whole.is_set():
                            await hear()
                if not whole.is_set():  # so that the caller sends nothing more on it
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self._app(scope, hear, say)


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    said = dict(headers)
    return b"transfer-encoding" in said or said.get(b"content-length", b"0") != b"0"


def _is_small(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    said = dict(headers).get(b"content-length", b"")
    return said.isdigit() and 0 < int(said[:20]) <= LARGEST
