"""What the handlers work with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from rowport.api.guard import principal_of
from rowport.model.access import Principal
from rowport.model.errors import Unauthorized
from rowport.service import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The use cases, and for whom they are done."""

    services: Services
    count_workers: Callable[[], int]
    caller: Principal | None = None
    """None on a route that is open to everybody."""

    @property
    def principal(self) -> Principal:
        """For whom the request is done.

        Raises:
            Unauthorized: nobody knows; an open route has no business with anybody's data.
        """
        if self.caller is None:
            raise Unauthorized
        return self.caller

    @property
    def organization_id(self) -> UUID:
        """Whose data the request sees."""
        return self.principal.organization.id

    @property
    def who(self) -> str:
        """Who asks, in words for people."""
        return self.principal.user.email


def desk_for_each(empty: Desk) -> Callable[[Request[Any, Any, Any]], Desk]:
    """Give what finds the desk of a request: that of whom the guard let through."""

    def desk_of(request: Request[Any, Any, Any]) -> Desk:
        return replace(empty, caller=principal_of(request))

    return desk_of


GivenDesk = NamedDependency[SkipValidation[Desk]]
"""The desk as a handler's argument."""
