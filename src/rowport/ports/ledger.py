"""What the service needs of the ledger: every call works inside a transaction it is handed.

All tenant data is asked for by organization; what belongs to another organization does not
exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rowport.model.imports import Priority

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from rowport.model.imports import Import, ImportFault, ImportOptions
    from rowport.model.organizations import Organization
    from rowport.model.record_types import RecordType
    from rowport.model.states import ImportState, Phase
    from rowport.model.undo import UndoCounts
    from rowport.ports import ChunkSpan, FormatLayout, Transaction
    from rowport.ports.basis import Database, OrganizationLedger
    from rowport.ports.definitions import DefinitionLedger
    from rowport.ports.faces import AccessLedger, FeedLedger, MappingLedger, ReplayLedger
    from rowport.ports.queries import ImportQuery
    from rowport.ports.rounds import Again, ChunkFates, NewRound, Standing, WaitingFacts
    from rowport.ports.telling import EventLedger, RetentionLedger, WebhookLedger
    from rowport.ports.told import ChunkProgress, ChunkResult, StoredChunkResult
    from rowport.ports.turns import TurnLedger
    from rowport.ports.undoing import ChunkJournal, Marks
    from rowport.ports.uploads import UploadLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRef:
    """Which import: its organization is part of its name."""

    organization_id: UUID
    import_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRef:
    """Which chunk of which import; chunks are numbered from 1 in row order."""

    organization_id: UUID
    import_id: UUID
    number: int

    @property
    def whole(self) -> ImportRef:
        """The import it belongs to."""
        return ImportRef(organization_id=self.organization_id, import_id=self.import_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChunk:
    """A chunk as the plan lays it down."""

    number: int
    file_id: UUID
    span: ChunkSpan
    staged: str | None = None
    """The blob that holds it as columns; None: the span's bytes of the landed file."""
    again: Again | None = None
    """Which rows are tried again in a later round; None: it is the first one."""
    mended: tuple[str, ...] = ()
    """Blobs with rows that were mended; of a row that stands in several the last one counts."""
    tried: tuple[str, ...] = ()
    """Likewise, of those that were tried."""
    is_undone: bool = False
    """What it loaded is to be given back, instead of loading it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedChunk:
    """A chunk that this worker may try to load."""

    ref: ChunkRef
    planned: PlannedChunk
    attempts: int
    """Tries before this one that ended in a fault of the chunk's own."""
    deaths: int = 0
    """Tries before this one whose end nobody told, as their worker died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedChunk:
    """A chunk that is this transaction's alone, as it stands now."""

    planned: PlannedChunk
    starts: int
    """How often its import had been started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A landed file, before it has an id."""

    name: str
    media_type: str | None
    size_bytes: int
    sha256: str
    blob: str
    rows: int | None = None
    """Known beforehand only for rows that were sent inline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is told of a new import besides its file and options."""

    name: str | None = None
    created_by: UUID | None = None
    feed_id: UUID | None = None
    starts_by_itself: bool = True
    attributes: Mapping[str, object] = field(default_factory=dict)
    scheduled_for: datetime | None = None
    priority: Priority = Priority.NORMAL


class RecordTypeLedger(Protocol):
    """Record types and their versions."""

    def find(self, tx: Transaction, organization_id: UUID, name: str) -> RecordType | None:
        """Give the newest version, archived or not."""
        ...

    def of_import(self, tx: Transaction, ref: ImportRef) -> RecordType:
        """Give the version that the import began with."""
        ...

    def list(self, tx: Transaction, organization_id: UUID) -> Sequence[RecordType]:
        """Give the newest versions, by name, archived or not."""
        ...

    def lock_name(self, tx: Transaction, organization_id: UUID, name: str) -> None:
        """Let nobody else write this name until the transaction ends."""
        ...

    def create(
        self,
        tx: Transaction,
        organization: Organization,
        *,
        name: str,
        document: Mapping[str, object],
        key: Sequence[str],
        attributes: Mapping[str, object],
    ) -> RecordType:
        """Write version 1."""
        ...

    def advance(
        self,
        tx: Transaction,
        current: RecordType,
        *,
        document: Mapping[str, object],
        key: Sequence[str],
        attributes: Mapping[str, object],
    ) -> RecordType:
        """Write the next version."""
        ...

    def set_attributes(
        self, tx: Transaction, current: RecordType, attributes: Mapping[str, object]
    ) -> RecordType:
        """Replace these attributes; others stay, and so does the version."""
        ...

    def archive(self, tx: Transaction, current: RecordType) -> None:
        """Let nothing new be imported into it."""
        ...

    def revive(self, tx: Transaction, current: RecordType) -> RecordType:
        """Let things be imported into it again."""
        ...

    def feed_of(self, tx: Transaction, current: RecordType) -> str | None:
        """Give the name of a feed that imports it."""
        ...


class ImportLedger(Protocol):
    """Imports and their files."""

    def create(
        self,
        tx: Transaction,
        record_type: RecordType,
        *,
        import_id: UUID,
        options: ImportOptions,
        state: ImportState,
        phase: Phase | None,
        files: Sequence[NewFile],
        around: Circumstances | None = None,
    ) -> ImportRef:
        """Write a new import with its files."""
        ...

    def add_file(self, tx: Transaction, ref: ImportRef, file: NewFile) -> None:
        """Add a file after those it has; the caller holds the import."""
        ...

    def drop_files(self, tx: Transaction, ref: ImportRef) -> None:
        """Forget the files of a draft, whose parts become one."""
        ...

    def by_oid(self, tx: Transaction, organization_id: UUID, oid: str) -> Import | None:
        """Give an import by its 24-hex id."""
        ...

    def find(
        self, tx: Transaction, organization_id: UUID, query: ImportQuery
    ) -> tuple[Sequence[Import], int]:
        """Give a page of imports and how many all pages hold."""
        ...

    def set_attributes(
        self, tx: Transaction, ref: ImportRef, attributes: Mapping[str, object]
    ) -> None:
        """Replace these attributes; others stay."""
        ...

    def set_name(self, tx: Transaction, ref: ImportRef, name: str) -> None:
        """Say what it is called."""
        ...

    def set_options(self, tx: Transaction, ref: ImportRef, options: ImportOptions) -> None:
        """Replace the options of an import that has not started."""
        ...

    def set_starts_by_itself(self, tx: Transaction, ref: ImportRef, *, starts: bool) -> None:
        """Say whether it goes on by itself once it is read and mapped."""
        ...

    def get(self, tx: Transaction, ref: ImportRef) -> Import | None:
        """Give an import with counts of one snapshot."""
        ...

    def list(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        limit: int,
        after: tuple[datetime, UUID] | None = None,
    ) -> Sequence[Import]:
        """Give the newest first, a page after the one named."""
        ...

    def lock(self, tx: Transaction, ref: ImportRef) -> ImportState | None:
        """Give the state and let nobody change it until the transaction ends."""
        ...

    def share(self, tx: Transaction, ref: ImportRef) -> Standing | None:
        """Say where it stands; nobody can change that until the transaction ends."""
        ...

    def move(
        self,
        tx: Transaction,
        ref: ImportRef,
        old: ImportState,
        new: ImportState,
        *,
        phase: Phase | None = None,
        fault: ImportFault | None = None,
        by: str | None = None,
    ) -> None:
        """Go from `old`, which the caller locked, to `new`; `by`: who asked for a stop.

        Raises:
            IllegalTransition: there is no such edge, or the state is not `old`.
        """
        ...

    def set_phase(self, tx: Transaction, ref: ImportRef, phase: Phase) -> None:
        """Say what the import is doing."""
        ...

    def set_reading(
        self,
        tx: Transaction,
        ref: ImportRef,
        *,
        layouts: Mapping[UUID, FormatLayout],
        mapping: Mapping[str, str],
    ) -> None:
        """Keep how the files are read and which header feeds which field."""
        ...

    def set_type_version(self, tx: Transaction, ref: ImportRef, version: int) -> None:
        """Go on by this version of the record type."""
        ...

    def add_round(self, tx: Transaction, ref: ImportRef, about: NewRound) -> None:
        """Note that rows are tried again; the caller holds the import."""
        ...

    def has_round_of(self, tx: Transaction, ref: ImportRef, sha256: str) -> bool:
        """Tell whether a file with this hash was taken already."""
        ...

    def note_waiting(self, tx: Transaction, ref: ImportRef, why: str) -> None:
        """Note what keeps its file from being read; forgotten with its next state."""
        ...

    def waiting_facts(
        self, tx: Transaction, organization_id: UUID, ids: Sequence[UUID]
    ) -> Mapping[UUID, WaitingFacts]:
        """Give what is known of these imports, to tell what they wait for.

        The transaction is not a tenant's: what comes first may belong to others.
        """
        ...

    def moving(self, tx: Transaction) -> Sequence[tuple[ImportRef, ImportState]]:
        """Give every import, of all organizations, that should move by itself."""
        ...


class ChunkLedger(Protocol):
    """Chunks: the unit of work, of retry and of truth about rows."""

    def plan(self, tx: Transaction, ref: ImportRef, chunks: Sequence[PlannedChunk]) -> None:
        """Lay the chunks down, held, in place of any earlier plan."""
        ...

    def release(self, tx: Transaction, ref: ImportRef, *, as_one: bool) -> None:
        """Let held chunks wait, untried; `as_one`: only the first, the others come with it."""
        ...

    def plan_again(
        self, tx: Transaction, ref: ImportRef, *, again: Again, mended: Mapping[int, str]
    ) -> None:
        """Hold the chunks that a round touches; `mended`: chunk -> blob with mended rows.

        They are those with rows that were never processed, those in `mended`, and, if all that
        failed is tried again, those with failed rows.
        """
        ...

    def claim(self, tx: Transaction) -> ClaimedChunk | None:
        """Take the chunk whose turn it is; commit before working."""
        ...

    def hold(self, tx: Transaction, ref: ChunkRef) -> None:
        """Keep others from claiming it for some seconds more."""
        ...

    def lock(self, tx: Transaction, ref: ChunkRef) -> LeasedChunk | None:
        """Take the lease for the rest of the transaction; None when it is another's or done."""
        ...

    def finish(
        self, tx: Transaction, ref: ChunkRef, result: ChunkResult, *, done: bool = True
    ) -> None:
        """Write the fate of its rows; `done=False`: its other rows stay unprocessed (void)."""
        ...

    def put_back(
        self, tx: Transaction, ref: ChunkRef, *, delay: timedelta, fault: str | None
    ) -> None:
        """Give it back without counting the try."""
        ...

    def delay(self, tx: Transaction, ref: ChunkRef, *, delay: timedelta, fault: str) -> None:
        """Let it wait after a fault of its own; the try counts."""
        ...

    def void_waiting(self, tx: Transaction, ref: ImportRef) -> None:
        """Take every chunk that no worker holds out of the queue for good."""
        ...

    def hold_waiting(self, tx: Transaction, ref: ImportRef) -> None:
        """Take every chunk that no worker holds out of the queue until it is released."""
        ...

    def end_overdue(self, tx: Transaction, ref: ImportRef) -> None:
        """End the sessions that hold chunks of an import that was to stop some time ago, or ended.

        What they did in their transactions is undone, and is soon; ask again.
        """
        ...

    def result(self, tx: Transaction, ref: ChunkRef) -> ChunkFates | None:
        """Give what became of a chunk's rows in earlier rounds; None: nothing yet."""
        ...

    def of_import(self, tx: Transaction, ref: ImportRef) -> Sequence[PlannedChunk]:
        """Give all chunks of an import in order."""
        ...

    def progress(self, tx: Transaction, ref: ImportRef) -> ChunkProgress:
        """Tell what is still to come."""
        ...

    def any_waits(self, tx: Transaction) -> bool:
        """Tell whether a worker could claim one now."""
        ...

    def publish_keys(self, tx: Transaction, ref: ChunkRef, digests: bytes) -> None:
        """Let the workers of later chunks know this chunk's keys."""
        ...

    def earlier(
        self, tx: Transaction, ref: ChunkRef, *, dry_run: bool
    ) -> Sequence[tuple[int, bool]]:
        """Give earlier chunks whose keys the destination cannot tell: (number, published)."""
        ...

    def without_keys(self, tx: Transaction, ref: ChunkRef) -> Sequence[int]:
        """Give earlier chunks that are done and whose keys were lost in a crash."""
        ...

    def digests(
        self, tx: Transaction, ref: ImportRef, numbers: Sequence[int]
    ) -> Mapping[int, bytes]:
        """Give the published keys of these chunks."""
        ...

    def with_met_records(
        self, tx: Transaction, ref: ChunkRef, *, any_number: bool
    ) -> Sequence[tuple[int, datetime]]:
        """Give the earlier chunks that met records and left them as they are: (number, when).

        `any_number`: all chunks, as a later round has to know.
        """
        ...

    def with_records(self, tx: Transaction, ref: ImportRef) -> Sequence[tuple[int, datetime]]:
        """Give the chunks in which rows made or met records, as (number, when it was loaded)."""
        ...

    def outcomes(
        self, tx: Transaction, ref: ImportRef, numbers: Sequence[int]
    ) -> Mapping[int, bytes]:
        """Give the encoded outcomes of these chunks."""
        ...

    def forget_keys(self, tx: Transaction, ref: ImportRef) -> None:
        """Drop the published keys of an import that ended."""
        ...

    def results(
        self, tx: Transaction, ref: ImportRef, *, failed_only: bool = False
    ) -> Iterator[StoredChunkResult]:
        """Give what is known of each chunk, in order, one at a time."""
        ...

    def page_results(
        self, tx: Transaction, ref: ImportRef, *, after: int, limit: int, outcome: str | None
    ) -> Iterator[StoredChunkResult]:
        """Give the chunks that hold the first `limit` rows behind `after`, one at a time.

        `outcome`: the word of the rows wanted; None: all.
        """
        ...

    def errors(self, tx: Transaction, ref: ImportRef) -> Iterator[bytes]:
        """Give the encoded errors of each chunk that has any, in order, one at a time."""
        ...

    def failed_results(
        self,
        tx: Transaction,
        organization_id: UUID,
        import_ids: Sequence[UUID],
        *,
        limit: int | None = None,
    ) -> Iterator[tuple[UUID, StoredChunkResult]]:
        """Give the chunks of several imports that have failed rows, import by import, in order.

        `limit`: of each import only as many as hold its first so many failed rows.
        """
        ...


class UndoLedger(Protocol):
    """Undos: of an import there is at most one, for ever."""

    def begin(self, tx: Transaction, ref: ImportRef, *, by: str | None) -> None:
        """Lay every chunk with records down to be undone; the caller holds the import."""
        ...

    def is_open(self, tx: Transaction, ref: ImportRef) -> bool:
        """Tell whether the import is being undone, and hold that until the transaction ends."""
        ...

    def journal(self, tx: Transaction, ref: ChunkRef) -> ChunkJournal:
        """Give what the rows of a chunk wrote."""
        ...

    def finish(self, tx: Transaction, ref: ChunkRef, counts: UndoCounts, undone: bytes) -> None:
        """Write what undoing made of a chunk's rows."""
        ...

    def has_later(self, tx: Transaction, ref: ChunkRef) -> bool:
        """Tell whether a chunk behind this one is not undone yet."""
        ...

    def end(self, tx: Transaction, ref: ImportRef) -> None:
        """End the undo if no chunk is left."""
        ...

    def fail(self, tx: Transaction, ref: ImportRef, *, code: str, message: str) -> None:
        """End the undo for a fault that persists."""
        ...

    def as_left(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        authors: Sequence[str],
        rows: Sequence[int],
        marks: Sequence[int],
    ) -> Sequence[tuple[int, UUID, int]]:
        """Give which records were as their authors had left them.

        All three are aligned.  Each is told as (its place from 0, import, chunk of the import).
        """
        ...

    def hand_over(
        self,
        tx: Transaction,
        organization_id: UUID,
        chunks: Sequence[tuple[UUID, int]],
        marks: Marks,
    ) -> None:
        """Let these marks count as those of chunks (import, number) whose records are as left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The ledger's parts, as one thing to hand around."""

    database: Database
    organizations: OrganizationLedger
    record_types: RecordTypeLedger
    imports: ImportLedger
    chunks: ChunkLedger
    access: AccessLedger
    feeds: FeedLedger
    definitions: DefinitionLedger
    mappings: MappingLedger
    replays: ReplayLedger
    events: EventLedger
    webhooks: WebhookLedger
    retention: RetentionLedger
    undos: UndoLedger
    turns: TurnLedger
    uploads: UploadLedger
