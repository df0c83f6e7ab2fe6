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
    attributes: Mapping[str, object] = field(default_factory=dict)
    """What a face needs to know of it, under keys that the face owns and checks."""
