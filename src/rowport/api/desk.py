"""What the handlers work with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from rowport.service import Services
from rowport.wire.auth import bearer


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The use cases, and for whom they are done."""

    services: Services
    organization_id: UUID
    count_workers: Callable[[], int]
    who: str = "the API"
    """Who asks, in words for people."""


def for_whom(open_desk: Desk) -> Callable[[Request[Any, Any, Any]], Desk]:
    """Give what finds the desk of a request: its token's organization, or the open one."""

    def desk_of(request: Request[Any, Any, Any]) -> Desk:
        secret = bearer(request.headers)
        if secret is None:
            return open_desk
        principal = open_desk.services.access.authenticate(secret)
        return replace(
            open_desk, organization_id=principal.organization.id, who=principal.user.email
        )

    return desk_of


GivenDesk = NamedDependency[SkipValidation[Desk]]
"""The desk as a handler's argument."""
