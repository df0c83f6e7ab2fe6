"""Take an import back: ask for it, from any process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rowport.model.errors import (
    IllegalTransition,
    ImportNotFound,
    NothingToUndo,
    ResultsExpired,
)
from rowport.model.imports import Mode
from rowport.model.retention import RetentionKind
from rowport.model.undo import UndoState
from rowport.ports.ledger import ImportRef
from rowport.service.quieting import quiet

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from rowport.model.imports import Import
    from rowport.ports import Queue
    from rowport.ports.ledger import Ledger
    from rowport.service.imports import Imports


@dataclass(frozen=True, slots=True, kw_only=True)
class Undos:
    """Undo; workers carry it out chunk by chunk."""

    ledger: Ledger
    imports: Imports
    queue: Queue
    settle: Callable[[ImportRef], None]

    def undo(self, organization_id: UUID, import_id: UUID, *, by: str | None = None) -> Import:
        """Begin to give back what was before an import.  Asking twice is asking once.

        Records that the import made go, those that it changed get their old values again; what
        somebody changed since is kept.  An undo that failed goes on where it stopped.  The import
        keeps its state and counts; its rows cannot be tried again.  `by` says who asked.

        Raises:
            ImportNotFound: this organization has none of this id.
            IllegalTransition: it has not ended.
            NothingToUndo: it wrote no record, as a dry run never does.
            ResultsExpired: what it changed is kept no more.
            Unavailable: a chunk of it is still in flight; try again.
        """
        job = self.imports.get(organization_id, import_id)
        _check(job)
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        if not _is_under_way(job):
            quiet(self.ledger, self.settle, ref)
            self._begin(ref, by)
        return self.imports.get(organization_id, import_id)

    def _begin(self, ref: ImportRef, by: str | None) -> None:
        with self.ledger.database.tenant(ref.organization_id) as tx:
            self.ledger.imports.lock(tx, ref)
            job = self.ledger.imports.get(tx, ref)
            if job is None:
                raise ImportNotFound(f"There is no import {ref.import_id}.")
            _check(job)
            if _is_under_way(job):
                return  # somebody else was faster
            self.ledger.undos.begin(tx, ref, by=by)
            self.queue.defer(tx, "wake")


def _is_under_way(job: Import) -> bool:
    return job.undo is not None and job.undo.state is not UndoState.FAILED


def _check(job: Import) -> None:
    if not job.state.is_final:
        raise IllegalTransition(
            f"Import {job.id} is {job.state}; it can be undone once it has ended (cancel it first)."
        )
    if job.options.mode is Mode.VALIDATE:
        raise NothingToUndo(f"Import {job.id} is a dry run: it wrote no record.")
    for expiry in job.expired:
        if expiry.kind is RetentionKind.RESULTS:
            raise ResultsExpired(
                f"Import {job.id} cannot be undone: what it changed was {expiry.why}, until"
                f" {expiry.at:%Y-%m-%d}."
            )
    if not job.counts.created + job.counts.updated:
        raise NothingToUndo(f"Import {job.id} wrote no record: there is nothing to undo.")
