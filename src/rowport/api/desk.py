"""What the handlers work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from litestar.params import Dependency

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from rowport.service import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The use cases, and for whom they are done."""

    services: Services
    organization_id: UUID
    count_workers: Callable[[], int]


GivenDesk = Annotated[Desk, Dependency(skip_validation=True)]
"""The desk as a handler's argument."""
