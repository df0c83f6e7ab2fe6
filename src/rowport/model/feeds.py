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
    from rowport.model.imports import Import, ImportOptions
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


class AfterRead(StrEnum):
    """What becomes of a file in its source once its import has it."""

    NONE = "none"
    """It stays."""
    MOVE = "move"
    """It goes to another folder of the source."""
    DELETE = "delete"
    """It is deleted."""


class OnceBy(StrEnum):
    """By what a feed knows a file again that it has imported."""

    VERSION = "version"
    """Name and version: a file that was replaced is imported again."""
    NAME = "name"
    """A name is imported once, whatever it holds later."""
    CONTENT = "content"
    """The same bytes are imported once, whatever they are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRules:
    """How a feed goes about the files that it finds."""

    is_together: bool = True
    """Whether all new files are one import, or each is one of its own."""
    once_by: OnceBy = OnceBy.VERSION
    settle_s: int = 10
    """How long a file must not change before it is taken; for sources that show half files."""
    marker: str | None = None
    """Only files are taken beside which lies one whose name ends so too, such as `.done`."""
    after: AfterRead = AfterRead.NONE
    after_folder: str = "done"
    most_files: int = 100
    """Of one run; the others are the next run's."""


class Decision(StrEnum):
    """What a run decided about a file."""

    TAKEN = "taken"
    """It is imported."""
    KNOWN = "known"
    """It was imported before."""
    UNSETTLED = "unsettled"
    """It may still be written."""
    UNMARKED = "unmarked"
    """Its marker is missing."""
    LATER = "later"
    """There were too many for one run."""
    CHANGED = "changed"
    """It changed while it was read; the next run takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDecision:
    """A file that a run found, and what it decided."""

    name: str
    size_bytes: int | None
    version: str | None
    decision: Decision
    reason: str = ""
    import_id: str | None = None


class RunState(StrEnum):
    """How a run of a feed stands; how its import goes, the import says."""

    OPEN = "open"
    """It looks for files or fetches them."""
    DONE = "done"
    """Its files are here, and their imports go on by themselves."""
    NOTHING = "nothing"
    """There was no new file."""
    SKIPPED = "skipped"
    """It was due while an earlier run was still under way."""
    FAILED = "failed"
    """The source did not let us in, or was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRun:
    """One time that a feed was due, or asked to run."""

    id: UUID
    organization_id: UUID
    feed_id: UUID
    feed_oid: str
    slot: datetime
    """When it was due."""
    asked_by: str | None
    """Who asked for it; None: its schedule."""
    state: RunState
    looks: int
    files: tuple[FileDecision, ...]
    reason: str | None
    attempt: int
    created_at: datetime
    finished_at: datetime | None


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
    options: ImportOptions
    """Of its imports; without the mapping."""
    rules: FeedRules
    secrets: bytes | None
    """The secret settings of its source, encrypted."""
    paused_at: datetime | None
    paused_by: str | None
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
