"""What this dialect keeps in the attributes of organizations, record types, feeds and imports.

All under the key `moengage`:

- record type: `{"type": "USERS" | "EVENTS" | "AUX_DATA", "retention": {"period": 15, "type":
  "DAYS" | "WEEKS" | "MONTHS"}}`; without a type that can be read, it is not shown here.
- feed, import: `{"segment": {"id", "name", "type", "user_id_column"}}`, any of them.
- organization: `{"next_scheduled_at_zone": "UTC" | "workspace", "is_suspended": true}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from rowport.dialects.moengage.words import ImportType

if TYPE_CHECKING:
    from rowport.model.organizations import Organization
    from rowport.model.record_types import RecordType

NAME: Final = "moengage"
RETENTION_TYPES: Final = frozenset({"DAYS", "WEEKS", "MONTHS"})
SEGMENT_KEYS: Final = ("id", "name", "type", "user_id_column")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how long auxiliary data is kept."""

    period: int
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """What MoEngage knows of a record type."""

    type: ImportType
    primary_key: str
    retention: Retention | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What MoEngage knows of an organization."""

    id: str
    zone_name: str
    zone: tzinfo
    next_zone: tzinfo
    """The zone in which `next_scheduled_at` is told."""
    is_suspended: bool


def _own(attributes: Mapping[str, object]) -> Mapping[str, object]:
    found = attributes.get(NAME)
    return found if isinstance(found, Mapping) else {}


def facet_of(record_type: RecordType) -> Facet | None:
    """Give the facet of a record type; None when it is not shown to MoEngage."""
    own = _own(record_type.attributes)
    said = own.get("type")
    if not isinstance(said, str) or said not in set(ImportType):
        return None
    return Facet(
        type=ImportType(said),
        primary_key=", ".join(record_type.key),
        retention=_retention(own.get("retention")),
    )


def _retention(said: object) -> Retention | None:
    match said:
        case {"period": bool()}:
            return None
        case {"period": int(period), "type": str(kind)} if kind in RETENTION_TYPES:
            return Retention(period=period, type=kind)
        case _:
            return None


def segment_of(attributes: Mapping[str, object]) -> dict[str, str]:
    """Give the custom segment that an import fills; empty when there is none."""
    segment = _own(attributes).get("segment")
    if not isinstance(segment, Mapping):
        return {}
    return {key: str(segment[key]) for key in SEGMENT_KEYS if key in segment}


def workspace_of(organization: Organization) -> Workspace:
    """Give the workspace that an organization is; its zone is UTC when none can be read."""
    own = _own(organization.attributes)
    try:
        zone_name, zone = organization.time_zone, ZoneInfo(organization.time_zone)
    except (ValueError, OSError, KeyError):
        zone_name, zone = "UTC", ZoneInfo("UTC")
    return Workspace(
        id=organization.oid,
        zone_name=zone_name,
        zone=zone,
        next_zone=zone if own.get("next_scheduled_at_zone") == "workspace" else UTC,
        is_suspended=own.get("is_suspended") is True,
    )
