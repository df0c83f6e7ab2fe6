"""Dialects beside the native API: their routes, and their errors in their own shapes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router
from litestar.types import ExceptionHandlersMap
from litestar.utils.path import normalize_path

from rowport.api.mistakes import HANDLERS
from rowport.wire.dialect import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """A dialect and the path that all its own paths stand under ("" for none)."""

    dialect: Dialect
    prefix: str = ""

    def router(self) -> Router:
        """Give its routes under the prefix."""
        return Router(path=self.prefix or "/", route_handlers=list(self.dialect.routes))

    def owns(self, path: str) -> bool:
        """Tell whether a path belongs to it."""
        inside = path.removeprefix(self.prefix)
        return path.startswith(self.prefix) and self.dialect.owns(inside)


def handlers_for(dialects: Sequence[Mounted]) -> ExceptionHandlersMap:
    """Let each error be told in the way of whoever owns the path.

    Errors that arise before any route is found (404, 405) come to the application alone, so the
    path decides, not the route.
    """

    def told(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        path = normalize_path(request.url.path)  # as routes are found
        for mounted in dialects:
            if mounted.owns(path):
                return mounted.dialect.render(request, error)
        for kind, handler in HANDLERS.items():
            if isinstance(kind, type) and isinstance(error, kind):
                answer: Response[Any] = handler(request, error)
                return answer
        raise error

    return dict.fromkeys(HANDLERS, told)
