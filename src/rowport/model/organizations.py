"""A tenant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

DEFAULT_SLUG: Final = "default"
"""The organization that the CLI works in, and the only one of a fresh install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Who owns record types, imports and records; nobody sees another's."""

    id: UUID
    oid: str
    slug: str
    """Lower-case letters, digits and `_`; names its PostgreSQL schema."""
    name: str
    time_zone: str
    """IANA name."""
    running_limit: int | None = None
    """How many of its imports run at once; None: as many as the installation says."""
    weight: int = 1
    """Its share of the workers beside other organizations that have work, 1 to 100."""
    attributes: Mapping[str, object] = field(default_factory=dict)
    """What a face needs to know of it, under keys that the face owns and checks."""
