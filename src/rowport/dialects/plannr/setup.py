"""Make what a demonstration needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from rowport.dialects.plannr.asking import ACCOUNT
from rowport.dialects.plannr.facets import NAME
from rowport.dialects.plannr.routes import PATH
from rowport.model.access import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.wire.dialect import Stage

ZONE: Final = "Europe/London"
LIFETIME: Final = timedelta(days=365)
"""Plannr's personal access tokens live a year."""
SCOPES: Final = frozenset({Scope.IMPORT_READ, Scope.IMPORT_WRITE, Scope.IMPORT_RUN})
CLIENTS: Final = {"type": "clients", "singular": "client"}


def set_up(stage: Stage) -> Mapping[str, object]:
    """Show `clients` to Plannr, set the account's zone, and give a fresh personal access token."""
    services, organization = stage.services, stage.organization
    services.access.ensure_organization(
        organization.slug,
        organization.name,
        time_zone=organization.time_zone,
        attributes={NAME: {"time_zone": ZONE}},
    )
    services.record_types.set_attributes(organization.id, "clients", {NAME: CLIENTS})
    token = services.access.issue(
        stage.admin,
        name="Plannr demo",
        scopes=SCOPES,
        expires_at=datetime.now(UTC) + LIFETIME,
    )
    return {"token": token.secret, "account_uuid": str(organization.id)}


def curl(url: str, credentials: Mapping[str, object]) -> str:
    """Give a curl line that lists all imports."""
    return (
        f"curl {url}{PATH} -H 'Authorization: Bearer {credentials['token']}' "
        f"-H '{ACCOUNT.upper()}: {credentials['account_uuid']}' -H 'Accept: application/json'"
    )
