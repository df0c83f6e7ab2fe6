"""Bring an import to its next state when its chunks say so.

Called after every chunk, after every request of its owner and by the tick; doing it once more
than needed changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rowport.model.imports import ImportFault, Mode, Policy
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from rowport.ports import Transaction
    from rowport.ports.ledger import ImportRef, Ledger
    from rowport.ports.told import ChunkProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """Moves imports along."""

    ledger: Ledger

    def settle(self, ref: ImportRef) -> None:
        """Look at one import and move it if its chunks are done, or its policy or owner says so.

        Raises:
            Unavailable: the database does not answer; try again.
        """
        if self._goes_on(ref):
            return
        with self.ledger.database.transaction() as tx:
            state = self.ledger.imports.lock(tx, ref)
            match state:
                case ImportState.QUEUED | ImportState.RUNNING:
                    self._settle_open(tx, ref, state)
                case ImportState.PAUSING:
                    self._settle_pausing(tx, ref)
                case ImportState.CANCELING:
                    self._settle_canceling(tx, ref)
                case ImportState.COMPLETED | ImportState.FAILED | ImportState.CANCELED:
                    # A chunk that was in flight when the import ended must not be claimed again.
                    self.ledger.chunks.void_waiting(tx, ref)
                    self.ledger.undos.end(tx, ref)
                case _:
                    pass

    def _goes_on(self, ref: ImportRef) -> bool:
        """Tell, without a lock, whether an open import has chunks to come and bears its errors.

        A lock makes the commit wait for the disk, and waits itself for a chunk that is about to
        commit.  Of two chunks that end at once, the one that commits last is seen with the other.
        """
        with self.ledger.database.transaction() as tx:
            job = self.ledger.imports.get(tx, ref)
            if job is None or job.state not in (ImportState.QUEUED, ImportState.RUNNING):
                return False
            progress = self.ledger.chunks.progress(tx, ref)
        broken = _broken_policy(job.options.policy, progress, total=job.counts.total)
        return broken is None and progress.waiting + progress.held > 0

    def fail_undo(self, ref: ImportRef, fault: ImportFault) -> None:
        """End an undo that cannot go on; what was given back stays so."""
        with self.ledger.database.transaction() as tx:
            self.ledger.imports.lock(tx, ref)
            self.ledger.undos.fail(tx, ref, code=fault.code, message=fault.message)
            self.ledger.chunks.void_waiting(tx, ref)

    def fail(self, ref: ImportRef, fault: ImportFault) -> None:
        """End an import that cannot go on; what is loaded stays, the rest is unprocessed."""
        with self.ledger.database.transaction() as tx:
            state = self.ledger.imports.lock(tx, ref)
            match state:
                case ImportState.QUEUED | ImportState.RUNNING | ImportState.PAUSING:
                    self._end_failed(tx, ref, state, fault)
                case _:
                    pass  # it ended otherwise meanwhile

    def _settle_open(self, tx: Transaction, ref: ImportRef, state: ImportState) -> None:
        progress = self.ledger.chunks.progress(tx, ref)
        job = self.ledger.imports.get(tx, ref)
        if job is None:
            return
        fault = _broken_policy(job.options.policy, progress, total=job.counts.total)
        if fault is not None:
            self._end_failed(tx, ref, state, fault)
        elif progress.waiting == progress.held == 0:
            self.ledger.imports.move(tx, ref, state, ImportState.COMPLETED)
            self.ledger.chunks.forget_keys(tx, ref)

    def _settle_pausing(self, tx: Transaction, ref: ImportRef) -> None:
        self.ledger.chunks.hold_waiting(tx, ref)
        progress = self.ledger.chunks.progress(tx, ref)
        if progress.waiting:
            # A chunk is in flight; its worker settles again, or the tick does.
            self.ledger.chunks.end_overdue(tx, ref)
            return
        self._settle_open(tx, ref, ImportState.PAUSING)
        if progress.held and self.ledger.imports.lock(tx, ref) is ImportState.PAUSING:
            self.ledger.imports.move(tx, ref, ImportState.PAUSING, ImportState.PAUSED)

    def _settle_canceling(self, tx: Transaction, ref: ImportRef) -> None:
        self.ledger.chunks.void_waiting(tx, ref)
        job = self.ledger.imports.get(tx, ref)
        if job is None or self.ledger.chunks.progress(tx, ref).waiting:
            # A chunk is in flight; its worker settles again, or the tick does.
            self.ledger.chunks.end_overdue(tx, ref)
            return
        done = job.counts.pending == 0 and job.counts.total > 0
        end = ImportState.COMPLETED if done else ImportState.CANCELED
        self.ledger.imports.move(tx, ref, ImportState.CANCELING, end)
        self.ledger.chunks.forget_keys(tx, ref)

    def _end_failed(
        self, tx: Transaction, ref: ImportRef, state: ImportState, fault: ImportFault
    ) -> None:
        job = self.ledger.imports.get(tx, ref)
        if job is not None and job.options.mode is Mode.VALIDATE:
            fault = replace(fault, retryable=False)
        self.ledger.imports.move(tx, ref, state, ImportState.FAILED, fault=fault)
        self.ledger.chunks.void_waiting(tx, ref)
        self.ledger.chunks.forget_keys(tx, ref)


def _broken_policy(policy: Policy, progress: ChunkProgress, *, total: int) -> ImportFault | None:
    failed = progress.failed_rows
    if policy.all_or_nothing and failed and progress.waiting == progress.held == 0:
        return ImportFault(
            code="not_all_rows_valid",
            message=f"{failed} row(s) failed, so none was loaded (policy all_or_nothing). "
            "Mend them, or the schema, and try again.",
            retryable=True,
        )
    if not policy.bears(failed, total=total):
        return ImportFault(
            code="too_many_errors",
            message=f"{failed} of {total} row(s) failed; the policy is {policy.word}. "
            "What was loaded stays; the rows not reached are unprocessed.",
            retryable=True,
        )
    return None
