"""HEAD: answered as GET would be, without the body."""

from typing import Final

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

BODY: Final = "http.response.body"


class AnswersHead:
    """An ASGI application around another one, whose routes know GET alone.

    Source: RFC 9110, section 9.3.2; the foreign APIs all do so.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != HttpMethod.HEAD:
            await self._app(scope, receive, send)
            return
        scope["method"] = HttpMethod.GET

        async def say(message: Message) -> None:
            if message["type"] == BODY:
                message["body"] = b""
            await send(message)

        await self._app(scope, receive, say)
