"""An import, its files and its chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from rowport.model.states import ImportState, Phase, Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal
    from uuid import UUID

    from rowport.model.counts import Counts
    from rowport.model.retention import Expiry
    from rowport.model.undo import Undo
    from rowport.model.waiting import Waiting


class Mode(StrEnum):
    """Which records an import may touch."""

    UPSERT = "upsert"
    """New ones are created, existing ones are handled as `on_match` says."""
    INSERT = "insert"
    """Only new ones; a row whose record exists fails."""
    UPDATE = "update"
    """Only existing ones; a row without a record fails."""
    VALIDATE = "validate"
    """None: a dry run that tells each row's outcome and writes nothing to the destination."""


class OnMatch(StrEnum):
    """What happens to a row whose record exists already."""

    UPDATE = "update"
    """The record gets the row's values; `unchanged` if it has them already."""
    SKIP = "skip"
    """The record is left alone; the row is `skipped`."""
    ERROR = "error"
    """The row fails with `record-exists`."""


class Priority(StrEnum):
    """How often an import has its turn beside others of its organization.

    Of its organization only: nobody takes from another by calling all that is theirs urgent.
    """

    LOW = "low"
    """A chunk for four of a normal one."""
    NORMAL = "normal"
    HIGH = "high"
    """Four chunks for one of a normal one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many failed rows an import bears.

    At most one of these is set; none of them: any number (`valid_rows`).
    """

    all_or_nothing: bool = False
    """Nothing is visible in the destination unless every row is good."""
    max_errors: int | None = None
    """More failed rows than this end the import as failed; what was loaded stays."""
    max_errors_percent: Decimal | None = None
    """So do more than this part of all its rows, of a hundred."""

    @property
    def word(self) -> str:
        """The policy as the CLI and the API write it."""
        if self.all_or_nothing:
            return "all_or_nothing"
        if self.max_errors_percent is not None:
            return f"max_errors={self.max_errors_percent}%"
        return "valid_rows" if self.max_errors is None else f"max_errors={self.max_errors}"

    def bears(self, failed: int, *, total: int) -> bool:
        """Whether an import of `total` rows may go on with so many failed ones."""
        if self.max_errors_percent is not None:
            return failed * 100 <= self.max_errors_percent * total
        return self.max_errors is None or failed <= self.max_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRules:
    """How keys are compared beyond plain equality.

    Anything but the defaults goes with mode `upsert` and on_match `skip` alone: none of it can
    tell which record a row may overwrite.
    """

    folds_case: bool = False
    """Text is compared without the blanks around it and by Unicode case folding; the key is one
    field."""
    skips_repeats: bool = False
    """A row whose key stands in an earlier row of the import is `skipped`, with that row's
    record; otherwise it fails with `unique-error`."""
    creates_keyless: bool = False
    """A row without a value in the key is a new record; otherwise it fails with `primary-key`."""
    takes_any_field: bool = False
    """The destination need not keep the key unique; of several records that have a row's key the
    oldest counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What the person who started an import asked for."""

    key: tuple[str, ...] = ()
    """Fields that identify a record; empty takes the record type's."""
    mode: Mode = Mode.UPSERT
    on_match: OnMatch = OnMatch.UPDATE
    policy: Policy = Policy()
    key_rules: KeyRules = KeyRules()
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Header -> field, given by hand; headers not named here are matched by name and alias."""
    matches_by_name: bool = True
    """False: headers not named in `mapping` are left out, and an import without any mapped column
    waits for a mapping."""
    format: Mapping[str, object] = field(default_factory=dict)
    """Overrides of what detection would find (encoding, delimiter, ...)."""
    waits_for_mapping: bool = True
    """Whether it waits for a person when a required field has no column; False: it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFault:
    """Why the import as a whole failed."""

    code: str
    message: str
    retryable: bool
    """Whether a retry can come to another end, by itself or once the schema, the rows or the
    surroundings are mended.  Never of a dry run: it is run again instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFile:
    """One file of an import."""

    id: UUID
    oid: str
    name: str
    """As its sender called it: data, never a path."""
    size_bytes: int
    sha256: str
    blob: str
    """Where its bytes lie in the blob store."""
    media_type: str | None = None
    rows: int | None = None
    """Known before reading only for rows that were sent inline."""
    layout: Mapping[str, object] | None = None
    """What detection found (a `FormatLayout` as JSON); None before reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkTally:
    """How far the chunks of an import are."""

    total: int = 0
    done: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One execution: state, counts, files, mapping.  The central thing."""

    id: UUID
    oid: str
    organization_id: UUID
    type_name: str
    type_version: int
    state: ImportState
    phase: Phase | None
    options: ImportOptions
    mapping: Mapping[str, str] | None
    """Header -> field as used; None before reading."""
    counts: Counts
    chunks: ChunkTally
    files: tuple[ImportFile, ...]
    type_oid: str
    type_attributes: Mapping[str, object]
    """The attributes of its record type, which tell the faces that show it."""
    name: str | None
    """What its owner calls it."""
    created_by: UUID | None
    """The user who asked for it; None for the CLI and the system."""
    created_by_email: str | None
    feed_oid: str | None
    """The feed that it is a run of; None for an import of its own."""
    starts_by_itself: bool
    """Whether it goes on to `queued` once it is read and mapped, or waits in `ready`."""
    attributes: Mapping[str, object]
    """What a face needs to know of it, under keys that the face owns and checks."""
    scheduled_for: datetime | None
    archived_at: datetime | None
    error: ImportFault | None
    """Set exactly in state `failed`."""
    waiting: Waiting | None
    """Why nothing happens just now, where it was asked for; None also when something does."""
    starts: int
    """How often it was queued: at first, resumed, and for each round."""
    state_since: datetime
    stopped_by: str | None
    """Who asked for the pause or the cancel that it is in."""
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    priority: Priority = Priority.NORMAL
    expired: tuple[Expiry, ...] = ()
    """What is kept of it no more."""
    undo: Undo | None = None
    """How far it is taken back; None: nobody asked for that."""

    @property
    def result(self) -> Result | None:
        """How it went; None unless it completed."""
        return self.counts.result if self.state is ImportState.COMPLETED else None
