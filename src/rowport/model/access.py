"""Who may do what: users, tokens and what a request may ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from rowport.model.organizations import Organization


class Scope(StrEnum):
    """What a token allows."""

    IMPORT_READ = "import:read"
    """Look at imports, rows and record types."""
    IMPORT_WRITE = "import:write"
    """Create imports and change their mapping."""
    IMPORT_RUN = "import:run"
    """Start, pause, cancel and retry imports."""
    TYPE_WRITE = "type:write"
    """Change record types."""
    ADMIN = "admin"
    """Everything, in every organization of this installation."""


class Role(StrEnum):
    """What a user is in an organization."""

    ADMIN = "admin"
    """Manages it."""
    MEMBER = "member"
    """Works in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who acts."""

    id: UUID
    oid: str
    organization_id: UUID
    email: str
    first_name: str
    last_name: str
    role: Role
    attributes: Mapping[str, object] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token without its secret."""

    id: UUID
    organization_id: UUID
    user_id: UUID
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """For whom a request is done."""

    organization: Organization
    user: User
    token_id: UUID
    token_name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether its token allows this."""
        return scope in self.scopes or Scope.ADMIN in self.scopes
