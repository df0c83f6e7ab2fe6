"""What comes before every answer: who is asking, how often, for what, and in which form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rowport.dialects.mileapp.errors import Refused, imports
from rowport.model.errors import Unauthorized
from rowport.service.access import require
from rowport.wire.auth import bearer
from rowport.wire.laravel import read_integer, read_page
from rowport.wire.limits import Rate
from rowport.wire.queries import NUL_REFUSED, holds_nul, query_items

if TYPE_CHECKING:
    from litestar import Request

    from rowport.model.access import Principal, Scope
    from rowport.wire.dialect import Front

RATE: Final = Rate(calls=100, seconds=1)
"""Of an organization."""
WAIT_S: Final = 60
"""How long a client should wait after too many calls, as MileApp's pages say."""
ACCEPTABLE: Final = frozenset({"application/json", "application/*", "*/*"})
DEFAULT_LIMIT: Final = 20
LARGEST_LIMIT: Final = 100


def enter(request: Request[Any, Any, Any], front: Front, *scopes: Scope) -> Principal:
    """Let a request in and tell for whom it is.

    Raises:
        Unauthorized: the token is missing, unknown, expired or revoked.
        Forbidden: it does not allow one of `scopes`.
        Refused: too many requests, an answer in another form than JSON is wanted, or the query
            cannot be.
    """
    secret = bearer(request.headers)
    if secret is None:
        raise Unauthorized
    principal = front.services.access.authenticate(secret)
    verdict = front.limiter.take(f"mileapp:{principal.organization.id}", RATE)
    if not verdict.allowed:
        raise Refused(429, "Too Many Requests", headers={"Retry-After": str(WAIT_S)})
    if not accepts_json(request.headers.get("accept", "*/*")):
        raise Refused(406, "Not Acceptable")
    if holds_nul(request):
        raise Refused(400, NUL_REFUSED, "import-003" if imports(request.url.path) else None)
    for scope in scopes:
        require(principal, scope)
    return principal


def accepts_json(accept: str) -> bool:
    """Tell whether an answer in JSON is welcome."""
    kinds = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return not accept.strip() or any(kind in ACCEPTABLE for kind in kinds)


def query_of(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Give the query's words; of a repeated one the last, and none that is empty, as PHP does."""
    return {name: value for name, value in query_items(request) if value}


def page_of(query: dict[str, str]) -> tuple[int, int]:
    """Give the page and how many it holds; what cannot be read takes the default."""
    limit = read_integer(query.get("limit")) or DEFAULT_LIMIT
    return read_page(query.get("page")), min(limit, LARGEST_LIMIT)


def base_of(request: Request[Any, Any, Any], front: Front) -> str:
    """Give how the outside reaches us, without a slash at the end."""
    return front.base_url or str(request.base_url).rstrip("/")


def path_of(request: Request[Any, Any, Any], front: Front) -> str:
    """Give the URL of a request without its query."""
    return base_of(request, front) + request.url.path.rstrip("/")
