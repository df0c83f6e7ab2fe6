"""What MileApp needs to know of record types and organizations, kept in their attributes.

A record type is seen here if it has the attribute `mileapp`:
`{"type": "datasource" | "task" | "visit" | "route", "name": ..., "commonData": true | false}`.
An organization's attribute `mileapp` names its hubs: `{"hubs": [{"_id": ..., "name": ...}]}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.model.organizations import Organization
    from rowport.model.record_types import RecordType

FACET: Final = "mileapp"
OID: Final = re.compile(r"[0-9a-f]{24}", re.ASCII)

Kind = Literal["datasource", "task", "visit", "route"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How a kind's record type is called in records and requests."""

    id: str
    name: str
    reference: str
    """`referenceType` of a saved mapping."""
    missing: str
    """What is said when there is none of an id."""


KINDS: Final[Mapping[Kind, Naming]] = {
    "datasource": Naming(
        id="dataTypeId", name="dataTypeName", reference="dataType", missing="Data type not found"
    ),
    "task": Naming(id="flowId", name="flowName", reference="flow", missing="Flow not found"),
    "visit": Naming(
        id="visitTypeId",
        name="visitTypeName",
        reference="visitType",
        missing="Visit type not found",
    ),
    "route": Naming(
        id="routeConfigId",
        name="routeConfigName",
        reference="routeConfig",
        missing="Route configuration not found",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """What a record type is to MileApp."""

    kind: Kind
    name: str
    is_common: bool
    """False: its data belongs to a hub, which every import has to name."""
    limits_users: bool
    fields: Mapping[str, Mapping[str, Any]]
    """What a field was made with and a Table Schema cannot say (`type`, `default`)."""
    is_deleted: bool
    created_by: str | None
    """The e-mail address of who made it, where a client did."""


def facet_of(attributes: Mapping[str, object], type_name: str) -> Facet | None:
    """Read the facet of a record type; None when MileApp does not see it."""
    said = attributes.get(FACET)
    if not isinstance(said, dict):
        return None
    kind = said.get("type", "datasource")
    fields = said.get("fields", {})
    return Facet(
        kind=kind if kind in KINDS else "datasource",
        name=str(said.get("name") or type_name),
        is_common=said.get("commonData") is not False,
        limits_users=said.get("limitUser") is True,
        fields=fields if isinstance(fields, dict) else {},
        is_deleted=said.get("deleted") is True,
        created_by=str(said["createdBy"]) if said.get("createdBy") else None,
    )


def facets_of_kinds(kinds: frozenset[Kind]) -> list[dict[str, object]]:
    """Give what the attributes of record types of these kinds contain."""
    return [{FACET: {"type": kind}} for kind in sorted(kinds)]


def is_oid(text: object) -> bool:
    """Tell whether it may be an id of ours at all."""
    return isinstance(text, str) and OID.fullmatch(text) is not None


def seen_types(types: list[RecordType]) -> list[tuple[RecordType, Facet]]:
    """Give the record types that MileApp sees."""
    found = ((one, facet_of(one.attributes, one.name)) for one in types)
    return [(one, facet) for one, facet in found if facet is not None and not facet.is_deleted]


def hubs_of(organization: Organization) -> list[dict[str, Any]]:
    """Give the hubs of an organization, by name."""
    said = organization.attributes.get(FACET)
    hubs = said.get("hubs", []) if isinstance(said, dict) else []
    known = [{"_id": hub.get("_id"), "name": hub.get("name")} for hub in hubs]
    return sorted(known, key=lambda hub: str(hub["name"]))


def has_hub(organization: Organization, hub_id: str) -> bool:
    """Tell whether a hub is one of the organization's."""
    return any(hub["_id"] == hub_id for hub in hubs_of(organization))
