"""A record type: what can be imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from rowport.model.table_schema import TableSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """A Table Schema with a name, a key and a place in the destination; versioned."""

    id: UUID
    oid: str
    organization_id: UUID
    name: str
    """Unique in its organization: letters, digits, `_`, `-` and `.`; 1 to 63 of them."""
    version: int
    """1 for the first; each change of schema or key adds one."""
    schema: TableSchema
    key: tuple[str, ...]
    """The dedupe key: fields that identify a record.  Empty: every row is a new record."""
    table_schema: str
    """The PostgreSQL schema of its managed table."""
    table_name: str
    """Its managed table."""
    attributes: Mapping[str, object] = field(default_factory=dict)
    """What a face needs to know of it, under keys that the face owns and checks."""
    archived_at: datetime | None = None
    """Since when nothing new is imported into it; its records and imports stay."""
    created_at: datetime
    updated_at: datetime
