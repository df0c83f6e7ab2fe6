"""Make what a demonstration needs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from rowport.dialects.moengage.facets import NAME
from rowport.dialects.moengage.routes import STATUS
from rowport.dialects.moengage.words import ImportType
from rowport.model.access import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.wire.dialect import Stage


def set_up(stage: Stage) -> Mapping[str, object]:
    """Show `clients` to MoEngage as users, and give a fresh key of the workspace."""
    stage.services.record_types.set_attributes(
        stage.organization.id, "clients", {NAME: {"type": ImportType.USERS.value}}
    )
    key = stage.services.access.issue(
        stage.admin,
        name="MoEngage demo",
        scopes=frozenset({Scope.IMPORT_READ, Scope.IMPORT_RUN}),
    )
    return {"workspace_id": stage.organization.oid, "api_key": key.secret}


def curl(url: str, credentials: Mapping[str, object]) -> str:
    """Give a curl line that lists all imports."""
    workspace_id, api_key = credentials["workspace_id"], credentials["api_key"]
    encoded = base64.b64encode(f"{workspace_id}:{api_key}".encode()).decode()
    return (
        f"curl -X POST {url}{STATUS} -H 'Authorization: Basic {encoded}' "
        f"-H 'MOE-APPKEY: {workspace_id}' -H 'Content-Type: application/json' -d '{{}}'"
    )
