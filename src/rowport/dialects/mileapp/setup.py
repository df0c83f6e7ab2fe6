"""What a demonstration of MileApp needs, and credentials for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rowport.dialects.mileapp.facets import FACET, hubs_of
from rowport.model.access import Scope
from rowport.model.ids import new_oid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.model.organizations import Organization
    from rowport.wire.dialect import Stage

HUB: Final = "Main hub"
CLIENTS: Final = {"type": "datasource", "name": "clients", "commonData": True}

OUTLETS: Final[dict[str, Any]] = {
    "fields": [
        {"name": "dataId", "title": "Data ID", "type": "string"},
        {
            "name": "outletName",
            "title": "Outlet Name",
            "type": "string",
            "constraints": {"required": True},
        },
        {"name": "outletHours", "title": "Outlet Hours", "type": "number"},
        {"name": "email", "title": "E-mail", "type": "string", "format": "email"},
    ],
    "primaryKey": "dataId",
}
ORDERS: Final[dict[str, Any]] = {
    "fields": [
        {
            "name": "orderNumber",
            "title": "Order No",
            "type": "string",
            "constraints": {"required": True},
        },
        {"name": "customerName", "title": "Customer", "type": "string"},
        {"name": "address", "title": "Address", "type": "string"},
    ],
    "primaryKey": "orderNumber",
}
VISITS: Final[dict[str, Any]] = {
    "fields": [
        {
            "name": "visitNumber",
            "title": "Visit No",
            "type": "string",
            "constraints": {"required": True},
        },
        {"name": "customerName", "title": "Customer", "type": "string"},
        {"name": "visitDate", "title": "Visit Date", "type": "date"},
    ],
    "primaryKey": "visitNumber",
}
ROUTES: Final[dict[str, Any]] = {
    "fields": [
        {
            "name": "routeNumber",
            "title": "Route No",
            "type": "string",
            "constraints": {"required": True},
        },
        {"name": "vehicle", "title": "Vehicle", "type": "string"},
        {"name": "stops", "title": "Stops", "type": "integer"},
    ],
    "primaryKey": "routeNumber",
}


def set_up(stage: Stage) -> Mapping[str, object]:
    """Make a hub, data types and a flow; give fresh tokens."""
    services = stage.services
    hub = _hub(stage)
    clients = services.record_types.set_attributes(
        stage.organization.id, "clients", {FACET: CLIENTS}
    )
    outlets = _put(stage, "outlets", OUTLETS, "datasource", "OutletDetail", is_common=False)
    flow = _put(stage, "deliveries", ORDERS, "task", "Delivery")
    _put(stage, "customer_visits", VISITS, "visit", "Customer Visit")
    _put(stage, "daily_routes", ROUTES, "route", "Daily Route Config")
    token = services.access.issue(
        stage.admin, name="MileApp demo", scopes=frozenset(Scope) - {Scope.ADMIN}
    )
    readonly = services.access.issue(
        stage.reader, name="MileApp demo, read only", scopes=frozenset({Scope.IMPORT_READ})
    )
    return {
        "token": token.secret,
        "readonly_token": readonly.secret,
        "organizationId": stage.organization.oid,
        "hubId": hub,
        "dataTypeId": clients.oid,
        "hubDataTypeId": outlets,
        "flowId": flow,
    }


def curl(base_url: str, made: Mapping[str, object]) -> str:
    """Give a line that imports a file."""
    return (
        f"printf 'email,first_name\\nann@example.com,Ann\\n' > clients.csv && "
        f"curl -H 'Authorization: Bearer {made['token']}' -F file=@clients.csv "
        f"-F dataTypeId={made['dataTypeId']} {base_url}/api/v3/data/import"
    )


def _hub(stage: Stage) -> str:
    # The stage's organization may be older than another dialect's set-up: ask again.
    organization = stage.services.access.ensure_organization(
        stage.organization.slug, stage.organization.name, time_zone=stage.organization.time_zone
    )
    known = hubs_of(organization)
    if known:
        return str(known[0]["_id"])
    return _new_hub(stage, organization)


def _new_hub(stage: Stage, organization: Organization) -> str:
    oid = new_oid()
    stage.services.access.ensure_organization(
        organization.slug,
        organization.name,
        time_zone=organization.time_zone,
        attributes={FACET: {"hubs": [{"_id": oid, "name": HUB}]}},
    )
    return oid


def _put(
    stage: Stage,
    name: str,
    document: Mapping[str, object],
    kind: str,
    title: str,
    *,
    is_common: bool = True,
) -> str:
    facet = {"type": kind, "name": title, "commonData": is_common}
    made = stage.services.record_types.put(
        stage.organization, name, document, attributes={FACET: facet}
    )
    return made.oid
