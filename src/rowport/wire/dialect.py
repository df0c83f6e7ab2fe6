"""What a dialect is to the rest of Rowport: its routes, its errors, and how it is set up.

A dialect is a package under `rowport.dialects` whose function `dialect()` gives one of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from litestar.di import NamedDependency
from litestar.params import SkipValidation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from litestar import Request, Response
    from litestar.types import ControllerRouterHandler

    from rowport.model.access import User
    from rowport.model.imports import Import
    from rowport.model.organizations import Organization
    from rowport.service import Services
    from rowport.wire.limits import Limiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What every handler of a dialect works with."""

    services: Services
    limiter: Limiter
    base_url: str | None = None
    """How the outside reaches us (ROWPORT_PUBLIC_URL); None: as the request said."""


GivenFront = NamedDependency[SkipValidation[Front]]
"""The front as a handler's argument, named `front`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a dialect finds when it is set up for a demonstration."""

    services: Services
    organization: Organization
    admin: User
    """May do everything in the organization."""
    reader: User
    """May only look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The rows of an import as a dialect counts them."""

    total: int
    good: int
    """Rows that are done and did not fail."""
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """What the foreign API's documents promise, and how the dialect keeps it.

    The conformance suite and `make conformance` hold every dialect to its charter.
    """

    endpoints: Sequence[tuple[str, str]]
    """Each documented operation: method and path, parameters in braces."""
    words: frozenset[str]
    """Every documented word for the state of an import."""
    unsaid: Mapping[str, str]
    """Documented words that are never said, each with the reason."""
    word: Callable[[Import], str | None]
    """The word for an import; None where such an import is not shown."""
    tally: Callable[[Import], Tally]
    """The counts of an import as they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One foreign API."""

    name: str
    title: str
    routes: Sequence[ControllerRouterHandler]
    """Handlers with absolute paths; the dialects' paths do not collide."""
    owns: Callable[[str], bool]
    """Whether a path belongs to this dialect: its errors are then told in its way, also those of
    HTTP itself (404, 405, 413, ...)."""
    render: Callable[[Request[Any, Any, Any], Exception], Response[Any]]
    """Give an error (RowportError, HTTPException or anything else) in the dialect's own shape."""
    set_up: Callable[[Stage], Mapping[str, object]]
    """Make what a demonstration needs and give fresh credentials; repeatable."""
    curl: Callable[[str, Mapping[str, object]], str]
    """Give a curl line that works, from the base URL and what `set_up` gave."""
    charter: Charter | None = None
    """What its documents promise."""
