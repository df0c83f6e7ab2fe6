"""What a workspace needs: record types for users and contacts, and token pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rowport.dialects.rocketchat.users import CONTACTS, CONTACTS_SCHEMA, USERS, USERS_SCHEMA
from rowport.model.access import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.model.organizations import Organization
    from rowport.service import Services
    from rowport.wire.dialect import Stage

RUNNER = frozenset({Scope.IMPORT_READ, Scope.IMPORT_WRITE, Scope.IMPORT_RUN})
"""The permissions `run-import` and `view-import-operations`."""
PLAIN = frozenset({Scope.IMPORT_READ})
SHARED = "clients"


def ensure_types(services: Services, organization: Organization) -> None:
    """Make the record types that users and contacts land in; repeatable."""
    kinds: tuple[tuple[str, Mapping[str, Any], str], ...] = (
        (USERS, USERS_SCHEMA, "api"),
        (CONTACTS, CONTACTS_SCHEMA, "omnichannel_contact"),
    )
    for name, document, key in kinds:
        facet = {"rocketchat": {"importer": key}}
        services.record_types.put(organization, name, document, attributes=facet)


def set_up(stage: Stage) -> dict[str, object]:
    """Make a workspace and give a token pair that may run imports, and one that may not."""
    services, organization = stage.services, stage.organization
    ensure_types(services, organization)
    facet = {"rocketchat": {"importer": "csv"}}
    services.record_types.set_attributes(organization.id, SHARED, facet)
    runner = services.access.issue(stage.admin, name="rocketchat demo", scopes=RUNNER)
    plain = services.access.issue(stage.reader, name="rocketchat demo, plain", scopes=PLAIN)
    return {
        "user_id": stage.admin.oid,
        "auth_token": runner.secret,
        "plain_user_id": stage.reader.oid,
        "plain_auth_token": plain.secret,
    }


def curl(url: str, credentials: Mapping[str, object]) -> str:
    """Give a call that works."""
    return (
        f"curl -H 'X-Auth-Token: {credentials['auth_token']}' "
        f"-H 'X-User-Id: {credentials['user_id']}' {url}/api/v1/import.status"
    )
