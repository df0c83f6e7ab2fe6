"""Set Micro up for a demonstration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rowport.dialects.micro.facets import NAME
from rowport.model.access import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.wire.dialect import Stage

CONTACTS: Final = "clients"
SCOPES: Final = frozenset({Scope.IMPORT_READ, Scope.IMPORT_WRITE, Scope.IMPORT_RUN})


def _field(name: str, title: str, kind: str = "string", **more: object) -> dict[str, object]:
    return {"name": name, "type": kind, "title": title, **more}


DOCUMENTS: Final[dict[str, list[dict[str, object]]]] = {
    "identity": [
        _field("name", "Name"),
        _field("email", "E-mail", format="email"),
        _field("phone", "Phone"),
    ],
    "organization": [
        _field("name", "Name"),
        _field("domain", "Domain"),
        _field("employees", "Employees", "integer"),
        _field("tags", "Tags", "array"),
    ],
    "action": [
        _field("title", "Title"),
        _field("status", "Status", constraints={"enum": ["todo", "doing", "done"]}),
        _field("due_date", "Due date", "date"),
        _field("is_private", "Private", "boolean"),
    ],
    "document": [
        _field("title", "Title"),
        _field("body", "Body"),
        _field("source_url", "Source URL"),
    ],
    "deal": [
        _field("name", "Name"),
        _field("stage", "Stage", constraints={"enum": ["lead", "proposal", "won", "lost"]}),
        _field("value", "Value", "number"),
        _field("close_date", "Close date", "date"),
    ],
    "engagement": [
        _field("subject", "Subject"),
        _field("kind", "Kind", constraints={"enum": ["call", "email", "meeting", "note"]}),
        _field("occurred_at", "Occurred at", "datetime"),
    ],
}
"""The other object types; teams name their own properties, so these are only examples."""


def set_up(stage: Stage) -> Mapping[str, object]:
    """Make every object type and give a fresh API key."""
    types, organization = stage.services.record_types, stage.organization
    types.set_attributes(organization.id, CONTACTS, {NAME: {"object_type": "contact"}})
    for object_type, fields in DOCUMENTS.items():
        facet = {NAME: {"object_type": object_type}}
        types.put(organization, f"micro_{object_type}", {"fields": fields}, attributes=facet)
    key = stage.services.access.issue(stage.admin, name="Micro demo", scopes=SCOPES)
    return {"team_id": str(organization.id), "api_key": key.secret, "object_type": "contact"}


def curl(url: str, made: Mapping[str, object]) -> str:
    """Give a curl line that imports a contact."""
    body = {
        "objects": [{"default": {"first_name": "Ann", "last_name": "Lee", "email": "ann@x.org"}}],
        "options": {"dedupe_by": "email"},
    }
    return (
        f"curl -X POST {url}/v2/prism/{made['team_id']}/{made['object_type']}/import"
        f" -H 'x-api-key: {made['api_key']}' -H 'content-type: application/json'"
        f" -d '{json.dumps(body)}'"
    )
