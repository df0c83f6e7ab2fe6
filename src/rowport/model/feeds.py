"""Recurring definitions and saved mappings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from rowport.model.counts import Counts
    from rowport.model.imports import Import
    from rowport.model.states import ImportState


class SourceKind(StrEnum):
    """Where the bytes of a feed come from."""

    UPLOAD = "upload"
    """A person sends a file."""
    S3 = "s3"
    """An S3-compatible object store."""
    SFTP = "sftp"
    """An SFTP server."""
    URL = "url"
    """An HTTPS URL."""
    FOLDER = "folder"
    """An allow-listed folder of this machine."""
    INLINE = "inline"
    """Rows inside the request."""


class ScheduleKind(StrEnum):
    """When a feed runs."""

    ONCE = "once"
    """One time."""
    PERIODIC = "periodic"
    """Again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A recurring definition: source, schedule, record type and mapping; each run is an import."""

    id: UUID
    oid: str
    organization_id: UUID
    name: str
    """Unique in its organization."""
    record_type_id: UUID
    type_name: str
    type_attributes: Mapping[str, object]
    source_kind: SourceKind
    source: Mapping[str, object]
    schedule_kind: ScheduleKind
    schedule: Mapping[str, object]
    mapping: Mapping[str, str]
    options: Mapping[str, object]
    next_run_at: datetime | None
    """None: nothing is due."""
    ends_at: datetime | None
    """After this it runs no more; None: for ever."""
    archived_at: datetime | None
    created_by_email: str | None
    attributes: Mapping[str, object] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMapping:
    """A mapping kept under a name, to be used by later imports."""

    id: UUID
    oid: str
    organization_id: UUID
    name: str
    record_type_id: UUID | None
    columns: Mapping[str, str]
    """Header -> field."""
    attributes: Mapping[str, object] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What is imported and when: a feed, or an import that belongs to none, with its newest run."""

    feed: Feed | None
    """None: an import of its own, which defines itself."""
    last_run: Import | None
    """None: it never ran."""

    @property
    def own(self) -> Import:
        """The import that defines itself.

        Raises:
            ValueError: it is a feed.
        """
        if self.feed is not None or self.last_run is None:
            raise ValueError("only an import without a feed defines itself")
        return self.last_run

    @property
    def name(self) -> str:
        """Its name, unique in its organization: files are often called the same, ids never are."""
        if self.feed is not None:
            return self.feed.name
        first = self.own.files[0].name if self.own.files else self.own.type_name
        return f"{self.own.name or first} ({self.own.oid})"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRun:
    """A file of an import with its own counts, and how its import stands."""

    oid: str
    name: str
    size_bytes: int
    state: ImportState
    """Of its import."""
    error: str | None
    """Why its import failed as a whole."""
    counts: Counts
    """Of this file only."""
    scheduled_at: datetime
    finished_at: datetime | None
