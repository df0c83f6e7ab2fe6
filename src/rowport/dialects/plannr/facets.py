"""What Plannr needs to know of record types and organizations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rowport.model.organizations import Organization
    from rowport.model.record_types import RecordType

NAME: Final = "plannr"
LAST_RESORT: Final = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """What a record type is called here."""

    type: str
    """The `type` of an import: `clients`."""
    singular: str
    """What one record is called: `client`."""


def facet_of(attributes: Mapping[str, object], type_name: str) -> Facet | None:
    """Give the facet in a record type's attributes; None: it is invisible here."""
    said = attributes.get(NAME)
    if not isinstance(said, dict):
        return None
    type_ = _text(said.get("type")) or type_name
    return Facet(type=type_, singular=_text(said.get("singular")) or singular(type_))


def singular(type_: str) -> str:
    """Give what one record of a type is called, where its facet does not say so."""
    if type_.endswith("ies"):
        return type_.removesuffix("ies") + "y"
    return type_.removesuffix("s")


def types_of(record_types: Iterable[RecordType]) -> dict[str, RecordType]:
    """Give the record types that can be imported here, by what they are called."""
    found: dict[str, RecordType] = {}
    for record_type in record_types:
        facet = facet_of(record_type.attributes, record_type.name)
        if facet is not None:
            found.setdefault(facet.type, record_type)
    return found


def zone_of(organization: Organization) -> ZoneInfo:
    """Give the zone in which an account tells times; its own, else its organization's."""
    said = organization.attributes.get(NAME)
    own = _text(said.get("time_zone")) if isinstance(said, dict) else None
    for name in (own, organization.time_zone):
        try:
            return ZoneInfo(name or "")
        except (OSError, ValueError, KeyError):  # unknown, a folder, or no name of a zone at all
            continue
    return ZoneInfo(LAST_RESORT)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
