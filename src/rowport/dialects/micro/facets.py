"""What Micro needs to know of record types: which kind of object each of them is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowport.dialects.micro.errors import UnknownThing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from rowport.model.record_types import RecordType
    from rowport.service import Services

NAME: Final = "micro"
OBJECT_TYPES: Final = (
    "identity",
    "organization",
    "contact",
    "action",
    "document",
    "deal",
    "engagement",
)
"""What can be imported; the public API has an `event` too, which cannot."""


def object_type_of(attributes: Mapping[str, object]) -> str | None:
    """Give the object type that a record type's attributes make it; None: it is none here."""
    facet = attributes.get(NAME)
    said = facet.get("object_type") if isinstance(facet, dict) else None
    return said if said in OBJECT_TYPES else None


def list_fields(record_type: RecordType, list_id: str | None) -> dict[str, str]:
    """Give the fields that hold the properties of a list, by slug."""
    facet = record_type.attributes.get(NAME)
    lists = facet.get("lists") if isinstance(facet, dict) else None
    fields = lists.get(list_id) if isinstance(lists, dict) and list_id else None
    return dict(fields) if isinstance(fields, dict) else {}


def all_list_fields(record_type: RecordType) -> frozenset[str]:
    """Give the fields that belong to lists alone."""
    facet = record_type.attributes.get(NAME)
    lists = facet.get("lists") if isinstance(facet, dict) else None
    every = lists.values() if isinstance(lists, dict) else ()
    return frozenset(name for fields in every for name in fields.values())


def default_fields(record_type: RecordType) -> list[str]:
    """Give the fields that are properties of the object itself; a field's name is its slug."""
    of_lists = all_list_fields(record_type)
    return [f.name for f in record_type.schema.fields if f.name not in of_lists]


def served(services: Services, organization_id: UUID) -> dict[str, RecordType]:
    """Give the record types that are objects here, by object type in the API's order."""
    found: dict[str, RecordType] = {}
    for record_type in services.record_types.list(organization_id):
        object_type = object_type_of(record_type.attributes)
        if object_type:
            found.setdefault(object_type, record_type)
    return {name: found[name] for name in OBJECT_TYPES if name in found}


def record_type_of(services: Services, organization_id: UUID, object_type: str) -> RecordType:
    """Give the record type of an object type.

    Raises:
        UnknownThing: there is none.
    """
    found = served(services, organization_id).get(object_type)
    if found is None:
        raise UnknownThing("There is no such object type to import.")
    return found


def threshold_of(attributes: Mapping[str, object], default: int) -> int:
    """Give how many rows make an import asynchronous in an organization."""
    facet = attributes.get(NAME)
    said: Sequence[object] | object = facet.get("async_from") if isinstance(facet, dict) else None
    return said if isinstance(said, int) and not isinstance(said, bool) and said >= 0 else default
