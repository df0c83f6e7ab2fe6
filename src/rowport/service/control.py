"""Stop an import for a while, let it go on, and say how urgent it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rowport.model.errors import IllegalTransition, ImportNotFound
from rowport.model.states import ImportState
from rowport.ports.ledger import ImportRef

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from rowport.model.imports import Import, Priority
    from rowport.ports import Queue, Transaction
    from rowport.ports.ledger import Ledger
    from rowport.service.imports import Imports


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Pause, resume and priorities, from any process."""

    ledger: Ledger
    imports: Imports
    queue: Queue
    settle: Callable[[ImportRef], None]

    def pause(self, organization_id: UUID, import_id: UUID, *, by: str | None = None) -> Import:
        """Ask the import to stop until it is resumed.  Asking twice is asking once.

        Chunks in flight may still finish while it is `pausing`; once it is `paused` nothing does.
        `by` says who asked, for people.

        Raises:
            ImportNotFound: this organization has none of this id.
            IllegalTransition: it is neither queued nor running.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            state = self._locked(tx, ref)
            match state:
                case ImportState.QUEUED | ImportState.RUNNING:
                    self.ledger.imports.move(tx, ref, state, ImportState.PAUSING, by=by)
                case ImportState.PAUSING | ImportState.PAUSED:
                    pass
                case _:
                    raise IllegalTransition(
                        f"Import {import_id} is {state}; it can be paused while it is queued or "
                        "running."
                    )
        self.settle(ref)
        return self.imports.get(organization_id, import_id)

    def resume(self, organization_id: UUID, import_id: UUID) -> Import:
        """Let a paused import go on.  Asking twice is asking once.

        Raises:
            ImportNotFound: this organization has none of this id.
            IllegalTransition: it is not paused; one that is `pausing` will be, soon.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        self.settle(ref)
        with self.ledger.database.tenant(organization_id) as tx:
            state = self._locked(tx, ref)
            match state:
                case ImportState.PAUSED:
                    self._go_on(tx, ref)
                case ImportState.QUEUED | ImportState.RUNNING:
                    pass
                case ImportState.PAUSING:
                    raise IllegalTransition(
                        f"Import {import_id} is pausing still: chunks in flight are finishing. "
                        "It can be resumed in a few seconds."
                    )
                case _:
                    raise IllegalTransition(f"Import {import_id} is {state}, not paused.")
        return self.imports.get(organization_id, import_id)

    def set_priority(self, organization_id: UUID, import_id: UUID, priority: Priority) -> Import:
        """Let an import have its turn more often, or less, from its next chunk on.

        Raises:
            ImportNotFound: this organization has none of this id.
            IllegalTransition: it has ended.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            state = self._locked(tx, ref)
            if state.is_final:
                raise IllegalTransition(
                    f"Import {import_id} is {state}; a priority is of use only until it ends."
                )
            self.ledger.turns.set_priority(tx, organization_id, import_id, priority)
        return self.imports.get(organization_id, import_id)

    def _go_on(self, tx: Transaction, ref: ImportRef) -> None:
        job = self.ledger.imports.get(tx, ref)
        if job is None:
            raise ImportNotFound
        self.ledger.imports.move(tx, ref, ImportState.PAUSED, ImportState.QUEUED)
        self.ledger.chunks.release(tx, ref, as_one=job.options.policy.all_or_nothing)
        self.queue.defer(tx, "wake")

    def _locked(self, tx: Transaction, ref: ImportRef) -> ImportState:
        state = self.ledger.imports.lock(tx, ref)
        if state is None:
            raise ImportNotFound(f"There is no import {ref.import_id}.")
        return state
