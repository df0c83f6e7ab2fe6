"""What happens to an import before it runs: rows sent inline, mapping by hand, start by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rowport.engine.fields_match import check_columns
from rowport.model.errors import (
    IllegalTransition,
    ImportNotFound,
    MappingIncomplete,
    PreconditionFailed,
)
from rowport.model.ids import new_uuid
from rowport.model.states import ImportState, Phase
from rowport.ports.ledger import ImportRef, NewFile
from rowport.service.imports import check_options, defer_plan
from rowport.service.layouts import column_mapping, to_layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from rowport.model.imports import Import, ImportFile, ImportOptions
    from rowport.ports import BlobStore, Queue, Transaction
    from rowport.ports.ledger import Circumstances, Ledger
    from rowport.service.imports import Imports
    from rowport.service.record_types import RecordTypes

JSON_LINES: Final = "application/x-ndjson"
BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """Drafts, mappings and starts."""

    ledger: Ledger
    imports: Imports
    record_types: RecordTypes
    blobs: BlobStore
    queue: Queue

    def draft(
        self,
        organization_id: UUID,
        type_name: str,
        *,
        options: ImportOptions,
        around: Circumstances | None = None,
    ) -> Import:
        """Make an import without rows yet.

        Raises:
            RecordTypeNotFound: no such type.
            InvalidOptions: the key, mapping or mode cannot be.
        """
        record_type = self.record_types.get(organization_id, type_name)
        check_options(record_type, options)
        import_id = new_uuid()
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.imports.create(
                tx,
                record_type,
                import_id=import_id,
                options=options,
                state=ImportState.DRAFT,
                phase=None,
                files=[],
                around=around,
            )
        return self.imports.get(organization_id, import_id)

    def add_rows(
        self, organization_id: UUID, import_id: UUID, rows: Sequence[Mapping[str, object]]
    ) -> Import:
        """Add rows (field -> JSON value) to a draft.

        Raises:
            ImportNotFound: no such import.
            IllegalTransition: it is no draft any more.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        file = self._landed(import_id, rows)
        with self.ledger.database.transaction() as tx:
            self._locked(tx, ref, ImportState.DRAFT)
            self.ledger.imports.add_file(tx, ref, file)
        return self.imports.get(organization_id, import_id)

    def replace_rows(
        self, organization_id: UUID, import_id: UUID, rows: Sequence[Mapping[str, object]]
    ) -> Import:
        """Put these rows in the place of all that a draft holds; none leaves it empty.

        Raises:
            ImportNotFound: no such import.
            IllegalTransition: it is no draft any more.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        file = self._landed(import_id, rows) if rows else None
        with self.ledger.database.transaction() as tx:
            self._locked(tx, ref, ImportState.DRAFT)
            self.ledger.imports.drop_files(tx, ref)
            if file is not None:
                self.ledger.imports.add_file(tx, ref, file)
        return self.imports.get(organization_id, import_id)

    def rows(self, organization_id: UUID, import_id: UUID) -> Iterator[Mapping[str, object]]:
        """Give the rows (field -> JSON value) that were sent inline, in order.

        Raises:
            ImportNotFound: no such import (at once, not on iteration).
        """
        job = self.imports.get(organization_id, import_id)
        return map(json.loads, _lines(self._parts(replace(job, files=_inline(job)))))

    def submit(self, organization_id: UUID, import_id: UUID) -> Import:
        """Send a draft with its rows on its way; its parts become one file in their order.

        A draft without rows completes at once.

        Raises:
            ImportNotFound: no such import.
            IllegalTransition: it is no draft any more.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            self._locked(tx, ref, ImportState.DRAFT)
            job = self.ledger.imports.get(tx, ref)
            if job is None:
                raise ImportNotFound
            self.ledger.imports.move(tx, ref, ImportState.DRAFT, ImportState.RECEIVING)
            move = self.ledger.imports.move
            if job.counts.pending == 0:
                move(tx, ref, ImportState.RECEIVING, ImportState.READING)
                move(tx, ref, ImportState.READING, ImportState.QUEUED)
                move(tx, ref, ImportState.QUEUED, ImportState.COMPLETED)
            else:
                self._join(tx, ref, job)
                move(tx, ref, ImportState.RECEIVING, ImportState.READING, phase=Phase.READING)
                size = sum(file.size_bytes for file in job.files)
                defer_plan(self.ledger, self.queue, tx, ref, job.priority, size)
        return self.imports.get(organization_id, import_id)

    def inline(
        self,
        organization_id: UUID,
        type_name: str,
        rows: Sequence[Mapping[str, object]],
        *,
        options: ImportOptions,
        around: Circumstances | None = None,
    ) -> Import:
        """Import rows (field -> JSON value) that came inside a request.

        Raises:
            RecordTypeNotFound: no such type.
            InvalidOptions: the key, mapping or mode cannot be.
        """
        job = self.draft(organization_id, type_name, options=options, around=around)
        if rows:
            self.add_rows(organization_id, job.id, rows)
        return self.submit(organization_id, job.id)

    def set_mapping(
        self,
        organization_id: UUID,
        import_id: UUID,
        mapping: Mapping[str, str],
        *,
        name: str | None = None,
        known: Import | None = None,
    ) -> Import:
        """Map headers to fields by hand, in place of any mapping given before.

        `name`: what the import is called from now on.  `known`: the change is made for this
        version alone.

        Raises:
            ImportNotFound: no such import.
            PreconditionFailed: it is not as it is known any more.
            IllegalTransition: it is not waiting for a mapping or a start.
            InvalidOptions: the mapping names a header or field that does not exist.
            FieldsMismatch: with it the columns are not those that `fieldsMatch` asks for.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            state = self._locked(tx, ref, ImportState.NEEDS_MAPPING, ImportState.READY)
            job = self.ledger.imports.get(tx, ref)
            if job is None:
                raise ImportNotFound
            _check_known(job, known)
            if name is not None:
                self.ledger.imports.set_name(tx, ref, name)
            record_type = self.ledger.record_types.of_import(tx, ref)
            layout, by_name = to_layout(job.files[0].layout or {}), job.options.matches_by_name
            matched = column_mapping(layout, record_type, mapping, by_name=by_name)
            if not matched.missing:
                check_columns(matched, record_type.schema)
            self.ledger.imports.set_options(tx, ref, replace(job.options, mapping=dict(mapping)))
            self.ledger.imports.set_reading(tx, ref, layouts={}, mapping=matched.by_header)
            is_complete = matched.is_complete(by_name=by_name)
            wanted = ImportState.READY if is_complete else ImportState.NEEDS_MAPPING
            if wanted is not state:
                self.ledger.imports.move(tx, ref, state, wanted)
        return self.imports.get(organization_id, import_id)

    def rename(
        self, organization_id: UUID, import_id: UUID, name: str, *, known: Import | None = None
    ) -> Import:
        """Say what the import is called; `known` is as that of `set_mapping`.

        Raises:
            ImportNotFound: no such import.
            PreconditionFailed: it is not as it is known any more.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.imports.lock(tx, ref)
            job = self.ledger.imports.get(tx, ref)
            if job is None:
                raise ImportNotFound(f"There is no import {import_id}.")
            _check_known(job, known)
            self.ledger.imports.set_name(tx, ref, name)
        return self.imports.get(organization_id, import_id)

    def set_options(self, organization_id: UUID, import_id: UUID, options: ImportOptions) -> Import:
        """Replace the options of an import that has not been started.

        Raises:
            ImportNotFound: no such import.
            IllegalTransition: it has been started.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            self._locked(tx, ref, ImportState.DRAFT, ImportState.NEEDS_MAPPING, ImportState.READY)
            check_options(self.ledger.record_types.of_import(tx, ref), options)
            self.ledger.imports.set_options(tx, ref, options)
        return self.imports.get(organization_id, import_id)

    def start(self, organization_id: UUID, import_id: UUID) -> Import:
        """Start an import that waits for it.

        Raises:
            ImportNotFound: no such import.
            MappingIncomplete: a required field has no column yet.
            IllegalTransition: it has been started, or is not read yet.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            if self.ledger.imports.lock(tx, ref) is ImportState.NEEDS_MAPPING:
                raise MappingIncomplete
            self._locked(tx, ref, ImportState.READY)
            job = self.ledger.imports.get(tx, ref)
            if job is None:
                raise ImportNotFound
            self.ledger.imports.move(tx, ref, ImportState.READY, ImportState.QUEUED)
            self.ledger.chunks.release(tx, ref, as_one=job.options.policy.all_or_nothing)
            self.queue.defer(tx, "wake")
        return self.imports.get(organization_id, import_id)

    def _locked(self, tx: Transaction, ref: ImportRef, *wanted: ImportState) -> ImportState:
        state = self.ledger.imports.lock(tx, ref)
        if state is None:
            raise ImportNotFound(f"There is no import {ref.import_id}.")
        if state not in wanted:
            raise IllegalTransition(
                f"Import {ref.import_id} is {state}; that can be done only while it is "
                f"{' or '.join(wanted)}."
            )
        return state

    def _landed(self, import_id: UUID, rows: Sequence[Mapping[str, object]]) -> NewFile:
        """Write rows to a blob of their own."""
        blob = f"imports/{import_id}/rows/{new_uuid()}"
        size, sha256 = self.blobs.write(blob, json_lines(rows))
        return NewFile(
            name="rows.jsonl",
            media_type=JSON_LINES,
            size_bytes=size,
            sha256=sha256,
            blob=blob,
            rows=len(rows),
        )

    def _join(self, tx: Transaction, ref: ImportRef, job: Import) -> None:
        """Make one file of a draft's parts."""
        blob = f"imports/{ref.import_id}/1"
        size, sha256 = self.blobs.write(blob, self._parts(job))
        rows = sum(file.rows or 0 for file in job.files)
        self.ledger.imports.drop_files(tx, ref)
        self.ledger.imports.add_file(
            tx,
            ref,
            NewFile(
                name="rows.jsonl",
                media_type=JSON_LINES,
                size_bytes=size,
                sha256=sha256,
                blob=blob,
                rows=rows,
            ),
        )

    def _parts(self, job: Import) -> Iterator[bytes]:
        for file in job.files:
            blob = self.blobs.open(file.blob)
            for begin in range(0, blob.size_bytes, BLOCK_BYTES):
                yield blob.read_at(begin, BLOCK_BYTES)


def _check_known(job: Import, known: Import | None) -> None:
    if known is not None and (job.updated_at, job.state) != (known.updated_at, known.state):
        raise PreconditionFailed("The import changed meanwhile. Get it, and try again.")


def _inline(job: Import) -> tuple[ImportFile, ...]:
    return tuple(file for file in job.files if file.rows is not None)


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from whole


def json_lines(rows: Sequence[Mapping[str, object]]) -> Iterator[bytes]:
    """Give rows (field -> JSON value) as the lines of a file."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
