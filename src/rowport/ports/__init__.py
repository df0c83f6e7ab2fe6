"""What the service needs of the world, as Protocols.

Adapters live in `store`, `sources`, `formats`, `destinations` and `blobs`; each port has one
conformance suite under tests/conformance that every adapter runs.

Row numbers are 1-based over data rows; line numbers are 1-based physical lines (or sheet rows);
byte offsets are 0-based and half open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from rowport.config import DEFAULT_CHUNK_MB, DEFAULT_CHUNK_ROWS
from rowport.model.imports import KeyRules

if TYPE_CHECKING:
    from uuid import UUID

    import pyarrow as pa

    from rowport.model.imports import Mode, OnMatch
    from rowport.model.record_types import RecordType
    from rowport.ports.undoing import Marks, ReverseBatch, ReverseResult

# --------------------------------------------------------------------------------------- blobs


class BlobReader(Protocol):
    """Random access to the bytes of one landed file."""

    size_bytes: int

    def read_at(self, offset: int, length: int) -> bytes:
        """Give up to `length` bytes from `offset`; fewer only at the end of the file.

        Raises:
            Unavailable: the store does not answer.
        """
        ...


@runtime_checkable
class InFile(Protocol):
    """A blob that is a file of this machine, so that another process can read it itself."""

    def fileno(self) -> int:
        """Give the descriptor of the file, whose bytes are those of the blob."""
        ...


class BlobPart(Protocol):
    """The beginning of a blob that arrives bit by bit; nobody else writes it meanwhile."""

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        ...

    def cut(self, size_bytes: int) -> None:
        """Forget all bytes from here on."""
        ...

    def write_at(self, offset: int, data: bytes) -> None:
        """Write bytes where they belong.

        Raises:
            StorageFull: no room is left.
        """
        ...

    def sync(self) -> None:
        """Make all that was written survive a power cut."""
        ...

    def discard(self) -> None:
        """Delete it, and let go of it."""
        ...

    def close(self) -> None:
        """Let others write it."""
        ...


class BlobStore(Protocol):
    """Where uploads, staged chunks and results are kept, under names made of ids."""

    def write(self, name: str, parts: Iterator[bytes]) -> tuple[int, str]:
        """Store the parts under `name`; visible all at once or not at all.

        Returns the size in bytes and the SHA-256 in hex.

        Raises:
            StorageFull: no room is left.
        """
        ...

    def open(self, name: str) -> BlobReader:
        """Open for reading.

        Raises:
            NotFound: nothing has this name.
        """
        ...

    def part(self, name: str) -> BlobPart:
        """Take hold of the beginning of a blob, empty if nothing has this name.

        Raises:
            Locked: somebody else holds it.
        """
        ...

    def share(self, name: str, new_name: str) -> None:
        """Let a blob that nobody changes any more have a second name; each goes by itself.

        Raises:
            NotFound: nothing has this name.
        """
        ...

    def delete(self, prefix: str) -> None:
        """Delete every blob whose name starts with `prefix`; none is no error."""
        ...


# -------------------------------------------------------------------------------------- formats


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatLayout:
    """How a file is to be read: found by detection, overridden by hand, kept with the import."""

    format: str
    """The name of the Format."""
    header: tuple[str, ...]
    """The header cells as they stand, in file order (made-up names where there is no header)."""
    options: Mapping[str, object] = field(default_factory=dict)
    """JSON values that the Format understands: encoding, delimiter, quote, escape, sheet, ..."""
    evidence: Mapping[str, object] = field(default_factory=dict)
    """Why it was read so: JSON values for people; nothing depends on them."""
    confidence: float = 1.0
    """0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSpan:
    """A span of whole records that can be parsed alone."""

    first_row: int
    rows: int
    first_line: int
    begin: int
    end: int
    """Bytes `begin` to `end` (half open) of the landed file hold it."""
    hints: Mapping[str, object] = field(default_factory=dict)
    """JSON values that the Format wants back when it reads the span (for example "clean")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedChunk:
    """The records of one span; cells are text."""

    cells: pa.Table
    """String columns named "0", "1", ... in file order, one row for each record that could be
    taken apart into exactly as many cells as the header has.  Null: the cell does not exist
    (JSON without that key, an empty spreadsheet cell); "" is an empty cell."""
    row: pa.Array
    """int64, the row number of each record of `cells`, ascending."""
    line: pa.Array
    """int64, the line on which each record of `cells` begins."""
    broken: Sequence[BrokenRow] = ()
    """Records that could not be taken apart so; their numbers are missing in `row`."""

    @property
    def rows(self) -> int:
        """Data rows in the span, readable or not."""
        return int(self.cells.num_rows) + len(self.broken)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRow:
    """A record that cannot be read cleanly: one failed row, and the rest of the file goes on."""

    row: int
    line: int
    code: str
    """A `RowErrorCode`: missing-cell, extra-cell, encoding-error, source-error."""
    note: str
    """A sentence for people."""
    cells: tuple[str, ...]
    """The cells as far as they could be told apart (for a ragged row: all of them)."""
    field_index: int | None = None
    """0-based column at fault, where one is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLimits:
    """How large chunks are made."""

    chunk_bytes: int = DEFAULT_CHUNK_MB * 1024 * 1024
    chunk_rows: int = DEFAULT_CHUNK_ROWS


class Format(Protocol):
    """How bytes become rows.  Found by the name of its module under `rowport.formats`."""

    name: ClassVar[str]
    """Lower case, as users write it: "csv", "xlsx", "jsonl", "parquet"."""
    suffixes: ClassVar[tuple[str, ...]]

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is (0 to 1) that a file that begins with `head` is of this format.

        `head` is up to 64 KiB.  Content decides; the name only breaks ties.
        """
        ...

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Find how to read the file.

        Raises:
            UnreadableFile: it cannot be read as a table (empty, binary, encrypted, no header...).
            InvalidOptions: an override is unknown or cannot be right.
        """
        ...


@runtime_checkable
class SplittableFormat(Format, Protocol):
    """A format whose file can be cut into byte ranges: nothing is written twice."""

    def spans(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ChunkSpan]:
        """Cut the file in one streaming pass, in order, without gap or overlap of rows.

        A file with a header and no data row yields nothing.
        """
        ...

    def read_span(self, blob: BlobReader, layout: FormatLayout, span: ChunkSpan) -> ParsedChunk:
        """Parse one span; the answer is a function of the bytes alone."""
        ...


@runtime_checkable
class SequentialFormat(Format, Protocol):
    """A format that can only be read from its start; its chunks are staged as columns."""

    def batches(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ParsedChunk]:
        """Parse the file in one pass, in order."""
        ...


# --------------------------------------------------------------------------------- destinations


class Transaction(Protocol):
    """An open transaction of the ledger's database, handed through layers that cannot use it."""

    @property
    def connection(self) -> Any:  # noqa: ANN401  the adapters alone know what it is
        """The driver's connection."""
        ...

    def savepoint(self) -> Any:  # noqa: ANN401  a context manager of the driver
        """Open a savepoint: a context manager that rolls back to it on an exception."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBatch:
    """Valid rows of one chunk, ready to be loaded."""

    import_id: UUID
    rows: pa.Table
    """Typed columns, named by field, only the fields that are mapped."""
    row: pa.Array
    """int64, the row number of each."""
    key: tuple[str, ...]
    """The fields that identify a record; empty: every row is a new record."""
    mode: Mode
    on_match: OnMatch
    met: Callable[[Any], Any] | None = None
    """Tells for record ids (n x 16 uint8) whether an earlier row of the import met them and left
    them as they are; such records bear no mark of the import.  None: no earlier row did."""
    may_repeat: Callable[[], Any] | None = None
    """Tells for each row (bool) whether an earlier row of the import may have its key, so that a
    destination that hopes for new records need not look up the others.  None, or an answer of
    None: not known."""
    key_rules: KeyRules = field(default_factory=KeyRules)
    """How the keys are compared; other than the defaults only with on_match `skip`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What became of the rows of a LoadBatch."""

    outcome: pa.Array
    """uint8 (`Outcome`), aligned with LoadBatch.row; never PENDING."""
    record_id: pa.Array
    """fixed_size_binary[16], aligned; null where the row failed."""
    errors: pa.Table
    """ERRORS_SCHEMA rows for those that failed."""
    before: pa.Table | None
    """The values that updated records had: column "row" (int64), "record_id", then one column
    for each loaded field; beside them who had written the record, see `rowport.engine.journal`.
    None when nothing was updated."""
    written_by: Marks = ()
    """The marks that were put on the records written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record as the destination keeps it."""

    id: UUID
    import_id: UUID
    """The import that last wrote it."""
    row: int
    """Its row."""
    values: Mapping[str, str]
    """The value of each field as JSON text: numbers with all their digits."""


class Destination(Protocol):
    """Where rows go."""

    kind: ClassVar[str]

    def prepare(self, tx: Transaction, record_type: RecordType) -> None:
        """Make the place ready for this version of the record type; repeatable.

        Raises:
            DestinationConflict: what is there cannot follow (data that does not fit, a name
                that is taken); nothing was changed.
        """
        ...

    def load(self, tx: Transaction, record_type: RecordType, batch: LoadBatch) -> LoadResult:
        """Load the rows inside `tx`; the fate of each is in the answer.

        A row that the destination refuses fails alone; the others load.  A row whose key was
        loaded by an earlier row of the same import fails with `unique-error`, or is `skipped`
        with that row's record if the key rules say so.
        """
        ...

    def find(self, tx: Transaction, record_type: RecordType, keys: pa.Table) -> pa.Array:
        """Give for each of `keys` the id of the record that has these values.

        `keys` has typed columns without nulls, named by field.  The answer is a
        fixed_size_binary[16] array, aligned; null where no record has them, and the oldest of
        several that have.
        """
        ...

    def ensure(
        self,
        tx: Transaction,
        record_type: RecordType,
        keys: pa.Table,
        *,
        import_id: UUID,
        row: pa.Array,
    ) -> None:
        """Make records that have these values alone, where there are none.

        `keys` is one column of a unique field; `row` is the row of the import that asks for each.
        Several loaders may ask for the same at once: one record comes of it.  A record that the
        destination refuses is not made.
        """
        ...

    def reverse(
        self, tx: Transaction, record_type: RecordType, batch: ReverseBatch
    ) -> ReverseResult:
        """Give back inside `tx` what was before the rows: records made go, old values return.

        A record that does not bear one of the batch's marks, or another row's, is left alone, as
        is one that others refer to.  What the destination refuses stays; the others are given back.
        """
        ...

    def records(
        self, tx: Transaction, record_type: RecordType, *, after: UUID | None, limit: int
    ) -> Sequence[StoredRecord]:
        """Give a page of records by id, those behind `after`; None: from the first."""
        ...

    def record(
        self, tx: Transaction, record_type: RecordType, record_id: UUID
    ) -> StoredRecord | None:
        """Give one record."""
        ...


# -------------------------------------------------------------------------------------- queue


class Queue(Protocol):
    """The task queue, as far as the service needs it."""

    def read(
        self,
        tx: Transaction,
        organization_id: UUID,
        import_id: UUID,
        *,
        urgency: int,
        is_large: bool,
    ) -> None:
        """Let a worker read an import's file once the transaction commits.

        The more urgent first; large files keep only each other waiting.
        """
        ...

    def defer(self, tx: Transaction, task: str, **arguments: str) -> None:
        """Enqueue a task inside the transaction: it exists exactly if the transaction commits."""
        ...


Discover = Callable[[], Mapping[str, Format]]
