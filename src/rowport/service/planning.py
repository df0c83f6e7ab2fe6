"""From a landed file to chunks: detect, map, cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rowport.engine.fields_match import check_columns
from rowport.engine.staging import freeze
from rowport.model.errors import (
    MappingIncomplete,
    RowportError,
    UnreadableFile,
)
from rowport.model.imports import ImportFault
from rowport.model.states import ImportState
from rowport.ports import ChunkLimits, ChunkSpan, FormatLayout, SequentialFormat, SplittableFormat
from rowport.ports.ledger import ImportRef, PlannedChunk
from rowport.service.layouts import column_mapping
from rowport.service.reading import open_table
from rowport.service.references import references_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rowport.engine.mapping import ColumnMapping
    from rowport.model.imports import Import, ImportFile
    from rowport.model.record_types import RecordType
    from rowport.ports import BlobReader, BlobStore, Format
    from rowport.ports.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What reading found."""

    layout: FormatLayout
    mapping: ColumnMapping
    chunks: Sequence[PlannedChunk]


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
            self._fail(ref, error)
        else:
            self._lay_down(ref, found, plan)
        self.settle(ref)

    def give_up(self, ref: ImportRef, reason: str) -> None:
        """End an import whose file cannot be read for a reason that nobody foresaw."""
        self._fail(ref, ReadingFailed(f"The file could not be read: {reason}"), retryable=True)

    def _read(self, found: Import, record_type: RecordType) -> Plan:
        with self.ledger.database.transaction() as tx:
            references_of(tx, self.ledger.record_types, record_type)
        (file,) = found.files
        blob = self.blobs.open(file.blob)
        table = open_table(self.formats, blob, file.name, found.options.format)
        form, layout = table.form, table.layout
        mapping = column_mapping(
            layout,
            record_type,
            found.options.mapping,
            by_name=found.options.matches_by_name,
        )
        if mapping.missing and not found.options.waits_for_mapping:
            raise MappingIncomplete(f"{file.name} has no column for {', '.join(mapping.missing)}.")
        if not mapping.missing:
            check_columns(mapping, record_type.schema)
        chunks = list(self._chunks(found, file, blob, form, layout))
        if not chunks:
            raise EmptyFile(
                f"{file.name} has a header and no data row: there is nothing to import."
            )
        return Plan(layout=layout, mapping=mapping, chunks=chunks)

    def _chunks(
        self, found: Import, file: ImportFile, blob: BlobReader, form: Format, layout: FormatLayout
    ) -> Iterator[PlannedChunk]:
        match form:
            case SplittableFormat():
                for number, span in enumerate(form.spans(blob, layout, self.limits), start=1):
                    yield PlannedChunk(number=number, file_id=file.id, span=span)
            case SequentialFormat():
                yield from self._staged(found, file, blob, form, layout)
            case _:
                raise TypeError(f"{form.name} is neither splittable nor sequential")

    def _staged(
        self,
        found: Import,
        file: ImportFile,
        blob: BlobReader,
        form: SequentialFormat,
        layout: FormatLayout,
    ) -> Iterator[PlannedChunk]:
        """Write each batch as a columnar chunk of its own; a repeated plan writes the same."""
        first_row = 1
        batches = form.batches(blob, layout, self.limits)
        for number, batch in enumerate((b for b in batches if b.rows), start=1):
            staged = f"imports/{found.id}/chunks/{number}"
            self.blobs.write(staged, iter([freeze(batch)]))
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
            (file,) = found.files
            self.ledger.imports.set_reading(
                tx, ref, layouts={file.id: plan.layout}, mapping=plan.mapping.by_header
            )
            self.ledger.chunks.plan(
                tx,
                ref,
                plan.chunks,
                priority=0,
            )
            if not plan.mapping.is_complete(by_name=by_name):
                state = ImportState.NEEDS_MAPPING
            elif not found.starts_by_itself:
                state = ImportState.READY
            else:
                state = ImportState.QUEUED
                as_one = found.options.policy.all_or_nothing
                self.ledger.chunks.release(tx, ref, as_one=as_one)
            self.ledger.imports.move(tx, ref, ImportState.READING, state)

    def _fail(self, ref: ImportRef, error: RowportError, *, retryable: bool = False) -> None:
        fault = ImportFault(code=error.code, message=error.message, retryable=retryable)
        with self.ledger.database.transaction() as tx:
            if self.ledger.imports.lock(tx, ref) is ImportState.READING:
                self.ledger.imports.move(
                    tx, ref, ImportState.READING, ImportState.FAILED, fault=fault
                )


class ReadingFailed(RowportError):
    """Reading the file failed for a reason that nobody foresaw."""

    code = "reading_failed"


class EmptyFile(UnreadableFile):
    """The file has no data row."""

    code = "empty_file"
