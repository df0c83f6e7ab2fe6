"""The documents of organizations and tokens; the command line prints the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.wire.times import rfc3339

if TYPE_CHECKING:
    from rowport.model.access import Token
    from rowport.model.organizations import Organization

Document = dict[str, object]


def organization_resource(organization: Organization) -> Document:
    """Say an organization."""
    return {
        "id": str(organization.id),
        "oid": organization.oid,
        "slug": organization.slug,
        "name": organization.name,
        "time_zone": organization.time_zone,
        "running_imports": organization.running_limit,
        "weight": organization.weight,
    }


def token_resource(token: Token) -> Document:
    """Say a token; its secret is said by whoever made it, once."""
    return {
        "id": str(token.id),
        "organization_id": str(token.organization_id),
        "name": token.name,
        "scopes": sorted(token.scopes),
        "created_at": rfc3339(token.created_at),
        "expires_at": rfc3339(token.expires_at),
        "revoked_at": rfc3339(token.revoked_at),
        "last_used_at": rfc3339(token.last_used_at),
    }
