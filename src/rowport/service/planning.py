"""From a landed file to chunks: detect, map, cut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rowport.engine.fields_match import check_columns
from rowport.engine.staging import freeze
from rowport.model.errors import (
    InvalidSchema,
    MappingIncomplete,
    RowportError,
    UnreadableFile,
)
from rowport.model.imports import ImportFault, Mode
from rowport.model.states import ImportState
from rowport.ports import ChunkLimits, ChunkSpan, FormatLayout, SequentialFormat, SplittableFormat
from rowport.ports.ledger import ImportRef, PlannedChunk
from rowport.service.layouts import column_mapping, has_columns_of, moved, ordered_as
from rowport.service.reading import open_table
from rowport.service.references import references_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from uuid import UUID

    from rowport.engine.mapping import ColumnMapping
    from rowport.model.imports import Import, ImportFile
    from rowport.model.record_types import RecordType
    from rowport.ports import BlobStore, Format, ParsedChunk
    from rowport.ports.ledger import Ledger
    from rowport.service.reading import FileTable


OF_THE_SCHEMA: Final = (InvalidSchema, MappingIncomplete)
"""What goes away when the schema is mended; a file that cannot be read stays one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What reading found."""

    layouts: Mapping[UUID, FormatLayout]
    mapping: ColumnMapping
    chunks: Sequence[PlannedChunk]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the earlier files of an import hold."""

    chunks: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Read an import's file once and lay its chunks down."""

    ledger: Ledger
    formats: Mapping[str, Format]
    blobs: BlobStore
    limits: ChunkLimits
    settle: Callable[[ImportRef], None]

    def plan(self, ref: ImportRef) -> None:
        """Bring an import from `reading` to `queued`, `needs_mapping` or `failed`.

        Doing it again is harmless: an import that is not in `reading` any more is left alone.

        Raises:
            Unavailable: the database or the blob store does not answer; try again.
        """
        with self.ledger.database.transaction() as tx:
            found = self.ledger.imports.get(tx, ref)
            if found is None or found.state is not ImportState.READING:
                return
            record_type = self.ledger.record_types.of_import(tx, ref)
        try:
            plan = self._read(found, record_type)
        except RowportError as error:
            if error.transient:
                raise
            self._fail(ref, error, retryable=isinstance(error, OF_THE_SCHEMA))
        else:
            self._lay_down(ref, found, plan)
        self.settle(ref)

    def give_up(self, ref: ImportRef, reason: str) -> None:
        """End an import whose file cannot be read for a reason that nobody foresaw."""
        self._fail(ref, ReadingFailed(f"The file could not be read: {reason}"), retryable=True)

    def _read(self, found: Import, record_type: RecordType) -> Plan:
        with self.ledger.database.transaction() as tx:
            references_of(tx, self.ledger.record_types, record_type)
        tables = [self._open(found, file) for file in found.files]
        first, layout = found.files[0], tables[0].layout
        for file, table in zip(found.files[1:], tables[1:], strict=True):
            if not has_columns_of(table.layout, layout):
                raise UnreadableFile(
                    f"{file.name} has other columns than {first.name}: {_difference(table, layout)}"
                )
        mapping = column_mapping(
            layout,
            record_type,
            found.options.mapping,
            by_name=found.options.matches_by_name,
        )
        if mapping.missing and not found.options.waits_for_mapping:
            raise MappingIncomplete(f"{first.name} has no column for {', '.join(mapping.missing)}.")
        if not mapping.missing:
            check_columns(mapping, record_type.schema)
        chunks = list(self._chunks(found, tables))
        if not chunks:
            raise EmptyFile(
                f"{first.name} has a header and no data row: there is nothing to import."
            )
        layouts = {file.id: table.layout for file, table in zip(found.files, tables, strict=True)}
        return Plan(layouts=layouts, mapping=mapping, chunks=chunks)

    def _open(self, found: Import, file: ImportFile) -> FileTable:
        blob = self.blobs.open(file.blob)
        return open_table(self.formats, blob, file.name, found.options.format)

    def _chunks(self, found: Import, tables: Sequence[FileTable]) -> Iterator[PlannedChunk]:
        """Number chunks and rows through all files."""
        number, rows = 0, 0
        for file, table in zip(found.files, tables, strict=True):
            before = Before(chunks=number, rows=rows)
            for chunk in self._chunks_of(found, file, table, tables[0].layout, before):
                number, rows = chunk.number, chunk.span.first_row - 1 + chunk.span.rows
                yield chunk

    def _chunks_of(
        self,
        found: Import,
        file: ImportFile,
        table: FileTable,
        first: FormatLayout,
        before: Before,
    ) -> Iterator[PlannedChunk]:
        match table.form:
            case SplittableFormat() as form:
                spans = form.spans(table.blob, table.layout, self.limits)
                for number, span in enumerate(spans, start=before.chunks + 1):
                    moved = replace(span, first_row=span.first_row + before.rows)
                    yield PlannedChunk(number=number, file_id=file.id, span=moved)
            case SequentialFormat() as form:
                batches = form.batches(table.blob, table.layout, self.limits)
                ordered = (ordered_as(b, table.layout, first) for b in batches if b.rows)
                yield from self._staged(found, file, ordered, before)
            case form:
                raise TypeError(f"{form.name} is neither splittable nor sequential")

    def _staged(
        self, found: Import, file: ImportFile, batches: Iterator[ParsedChunk], before: Before
    ) -> Iterator[PlannedChunk]:
        """Write each batch as a columnar chunk of its own; a repeated plan writes the same."""
        first_row = before.rows + 1
        for number, batch in enumerate(batches, start=before.chunks + 1):
            staged = f"imports/{found.id}/chunks/{number}"
            self.blobs.write(staged, iter([freeze(moved(batch, before.rows))]))
            lines = [*batch.line[:1].to_pylist(), *(b.line for b in batch.broken)]
            span = ChunkSpan(
                first_row=first_row, rows=batch.rows, first_line=min(lines), begin=0, end=0
            )
            yield PlannedChunk(number=number, file_id=file.id, span=span, staged=staged)
            first_row += batch.rows

    def _lay_down(self, ref: ImportRef, found: Import, plan: Plan) -> None:
        by_name = found.options.matches_by_name
        with self.ledger.database.transaction() as tx:
            if self.ledger.imports.lock(tx, ref) is not ImportState.READING:
                return
            self.ledger.imports.set_reading(
                tx, ref, layouts=plan.layouts, mapping=plan.mapping.by_header
            )
            self.ledger.chunks.plan(tx, ref, plan.chunks)
            if not plan.mapping.is_complete(by_name=by_name):
                state = ImportState.NEEDS_MAPPING
            elif not found.starts_by_itself:
                state = ImportState.READY
            else:
                state = ImportState.QUEUED
                as_one = found.options.policy.all_or_nothing
                self.ledger.chunks.release(tx, ref, as_one=as_one)
            self.ledger.imports.move(tx, ref, ImportState.READING, state)

    def _fail(self, ref: ImportRef, error: RowportError, *, retryable: bool) -> None:
        with self.ledger.database.transaction() as tx:
            job = self.ledger.imports.get(tx, ref)
            dry = job is not None and job.options.mode is Mode.VALIDATE
            fault = ImportFault(
                code=error.code, message=error.message, retryable=retryable and not dry
            )
            if self.ledger.imports.lock(tx, ref) is ImportState.READING:
                self.ledger.imports.move(
                    tx, ref, ImportState.READING, ImportState.FAILED, fault=fault
                )


def _difference(table: FileTable, first: FormatLayout) -> str:
    """Say which columns there are too many of, and which are missing."""
    extra = [name for name in table.layout.header if name not in first.header]
    missing = [name for name in first.header if name not in table.layout.header]
    parts = [f"it lacks {', '.join(missing)}"] if missing else []
    parts += [f"it has {', '.join(extra)} too"] if extra else []
    return f"{' and '.join(parts) or 'some of its columns have one name'}."


class ReadingFailed(RowportError):
    """Reading the file failed for a reason that nobody foresaw."""

    code = "reading_failed"


class EmptyFile(UnreadableFile):
    """The file has no data row."""

    code = "empty_file"
