"""Try rows of an import again: what failed or was never processed, as it was or mended.

A round runs on the import's own chunks: they are laid down once more, load those of their rows that
have no record, and keep what became of the others.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rowport.engine.fields_match import check_columns
from rowport.model.errors import (
    AlreadyUndone,
    IllegalTransition,
    ImportNotFound,
    InvalidOptions,
    MappingIncomplete,
    NothingToRetry,
    ResultsExpired,
    Unavailable,
)
from rowport.model.ids import new_uuid
from rowport.model.imports import Mode
from rowport.model.states import ImportState, Phase
from rowport.ports.ledger import ImportRef
from rowport.ports.rounds import Again, NewRound
from rowport.service.imports import check_name, check_options, defer_plan
from rowport.service.layouts import column_mapping, to_layout
from rowport.service.quieting import quiet
from rowport.service.references import references_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from uuid import UUID

    from rowport.model.imports import Import
    from rowport.ports import BlobStore, Queue, Transaction
    from rowport.ports.ledger import Ledger
    from rowport.service.imports import Imports
    from rowport.service.mending import Mending


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Retry and fix."""

    ledger: Ledger
    imports: Imports
    blobs: BlobStore
    queue: Queue
    settle: Callable[[ImportRef], None]
    mending: Callable[[], Mending]
    """Made by its first use: it brings in all that reads files."""

    def retry(self, organization_id: UUID, import_id: UUID, *, by: str | None = None) -> Import:
        """Try again what failed or was never processed, by the newest version of its record type.

        Rows keep their numbers; those that have a record are left alone.  `by` says who asked.

        Raises:
            ImportNotFound: this organization has none of this id.
            IllegalTransition: it has not ended.
            AlreadyUndone: it was taken back.
            NothingToRetry: every row is fine, or there is none.
            ResultsExpired: what it needs is kept no more.
            InvalidOptions: the import's key or mapping does not go with the record type any more.
            MappingIncomplete: a field that is required now has no column.
            FieldsMismatch: the columns are not those that `fieldsMatch` asks for now.
            InvalidSchema: a record type that it refers to is gone.
            Unavailable: a chunk of it is still in flight; try again.
        """
        job = self.imports.get(organization_id, import_id)
        with self._ended(job) as tx:
            if not job.chunks.total:
                return self._read_again(tx, job)
            if not job.counts.failed + job.counts.pending:
                raise NothingToRetry(
                    f"Every row of import {import_id} is fine: there is nothing to try again."
                )
            self._begin(tx, job, NewRound(asked_by=by), Again.ALL, {})
        return self.imports.get(organization_id, import_id)

    def fix(
        self,
        organization_id: UUID,
        import_id: UUID,
        *,
        file_name: str,
        parts: Iterator[bytes],
        by: str | None = None,
    ) -> Import:
        """Try failed rows again as they stand in a failed-rows file that was mended.

        Rows keep their numbers.  Failed rows that are not in the file stay failed; rows that were
        never processed are tried too.  A file that was taken before changes nothing.

        Raises:
            ImportNotFound: this organization has none of this id.
            IllegalTransition: it has not ended.
            AlreadyUndone: it was taken back.
            NotMendable: the file is no failed-rows file of this import, or names rows that did
                not fail; nothing was changed.
            UnreadableFile: it is no table.
            InvalidOptions: as for retry, as are MappingIncomplete, FieldsMismatch, InvalidSchema,
                ResultsExpired and Unavailable.
        """
        job = self.imports.get(organization_id, import_id)
        check_name(file_name)
        folder = f"imports/{import_id}/rounds/{new_uuid()}"
        try:
            size, sha256 = self.blobs.write(f"{folder}/file", parts)
            file = NewRound(asked_by=by, file_name=file_name, size_bytes=size, sha256=sha256)
            is_new = self._mend(job, file, folder)
        except Unavailable:
            raise  # perhaps only the answer was lost: the blobs have to stay
        except BaseException:
            self.blobs.delete(f"{folder}/")
            raise
        if not is_new:
            self.blobs.delete(f"{folder}/")
        return self.imports.get(organization_id, import_id)

    def _mend(self, job: Import, file: NewRound, folder: str) -> bool:
        """Lay the mended rows down; False: the file was taken before."""
        if self._was_taken(job, file):
            return False
        _check_ended(job)
        _check_wet(job)
        _check_kept(job)
        staged = self.mending().stage(job, file.file_name or "", folder)
        whole = job.options.policy.all_or_nothing
        with self._ended(job) as tx:
            self._begin(tx, job, file, Again.ALL if whole else Again.MENDED, staged)
        return True

    def _was_taken(self, job: Import, file: NewRound) -> bool:
        with self.ledger.database.tenant(job.organization_id) as tx:
            return self.ledger.imports.has_round_of(tx, _ref(job), file.sha256 or "")

    # ------------------------------------------------------------------------------ the start

    @contextmanager
    def _ended(self, job: Import) -> Iterator[Transaction]:
        """Open a transaction in which the import stands as `job` says, and nobody works on it."""
        _check_ended(job)
        _check_wet(job)
        ref = _ref(job)
        quiet(self.ledger, self.settle, ref)
        with self.ledger.database.tenant(job.organization_id) as tx:
            state = self.ledger.imports.lock(tx, ref)
            now = self.ledger.imports.get(tx, ref)
            if state is None or now is None:
                raise ImportNotFound(f"There is no import {job.id}.")
            if (now.state, now.starts) != (job.state, job.starts):
                raise IllegalTransition(
                    f"Somebody else started import {job.id} in this moment; it is {now.state}."
                )
            _check_ended(now)
            _check_kept(now)
            yield tx

    def _begin(
        self,
        tx: Transaction,
        job: Import,
        about: NewRound,
        again: Again,
        mended: Mapping[int, str],
    ) -> None:
        ref = _ref(job)
        self._take_newest_type(tx, job)
        self.ledger.chunks.forget_keys(tx, ref)  # a chunk in flight may have left some behind
        self.ledger.chunks.plan_again(tx, ref, again=again, mended=mended)
        self.ledger.imports.add_round(tx, ref, about)
        self.ledger.imports.move(tx, ref, job.state, ImportState.QUEUED)
        self.ledger.chunks.release(tx, ref, as_one=job.options.policy.all_or_nothing)
        self.queue.defer(tx, "wake")

    def _take_newest_type(self, tx: Transaction, job: Import) -> None:
        ref = _ref(job)
        newest = self.ledger.record_types.find(tx, job.organization_id, job.type_name)
        if newest is None:
            raise ImportNotFound(f"The record type of import {job.id} is gone.")
        check_options(newest, job.options)
        layout = to_layout(job.files[0].layout or {})
        by_name = job.options.matches_by_name
        mapping = column_mapping(layout, newest, job.options.mapping, by_name=by_name)
        if not mapping.is_complete(by_name=by_name):
            raise MappingIncomplete(
                f"{job.files[0].name} has no column for {', '.join(mapping.missing)}, which "
                f"{newest.name} needs since version {newest.version} at the latest."
            )
        check_columns(mapping, newest.schema)
        references_of(tx, self.ledger.record_types, newest)
        self.ledger.imports.set_type_version(tx, ref, newest.version)
        self.ledger.imports.set_reading(tx, ref, layouts={}, mapping=mapping.by_header)

    def _read_again(self, tx: Transaction, job: Import) -> Import:
        """Begin anew where the file could not be read."""
        ref = _ref(job)
        if job.state is not ImportState.FAILED:
            raise NothingToRetry(
                f"Import {job.id} is {job.state} and has no row: there is nothing to try again."
            )
        newest = self.ledger.record_types.find(tx, job.organization_id, job.type_name)
        if newest is not None:
            check_options(newest, job.options)
            self.ledger.imports.set_type_version(tx, ref, newest.version)
        self.ledger.imports.move(
            tx, ref, ImportState.FAILED, ImportState.READING, phase=Phase.READING
        )
        size = sum(file.size_bytes for file in job.files)
        defer_plan(self.ledger, self.queue, tx, ref, job.priority, size)
        found = self.ledger.imports.get(tx, ref)
        return found or job


def _ref(job: Import) -> ImportRef:
    return ImportRef(organization_id=job.organization_id, import_id=job.id)


def _check_ended(job: Import) -> None:
    if not job.state.is_final:
        raise IllegalTransition(
            f"Import {job.id} is {job.state}; its rows can be tried again once it has ended."
        )
    if job.undo is not None:
        raise AlreadyUndone(
            f"Import {job.id} was undone, or is being undone: its rows cannot be tried again. "
            "Import the file anew."
        )


def _check_kept(job: Import) -> None:
    for expiry in job.expired:
        raise ResultsExpired(
            f"Import {job.id} cannot be tried again: its {expiry.kind} expired on"
            f" {expiry.at:%Y-%m-%d} ({expiry.why})."
        )


def _check_wet(job: Import) -> None:
    if job.options.mode is Mode.VALIDATE:
        raise InvalidOptions(
            f"Import {job.id} is a dry run: none of its rows has a record, so there is nothing to "
            "add to. Run it again."
        )
