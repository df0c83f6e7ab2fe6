"""Say why nothing happens in an import just now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, assert_never

from rowport.model.states import ImportState, Phase
from rowport.model.waiting import Waiting, WaitingCode
from rowport.ports.rounds import WaitingFacts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rowport.model.imports import Import
    from rowport.ports.ledger import Ledger

NOTHING_KNOWN: Final = WaitingFacts()
OF_ITS_OWNER: Final = {
    ImportState.DRAFT: Waiting(
        code=WaitingCode.ROWS,
        message="It is a draft: it waits for rows and to be submitted.",
    ),
    ImportState.RECEIVING: Waiting(code=WaitingCode.BYTES, message="Its file is still arriving."),
    ImportState.NEEDS_MAPPING: Waiting(
        code=WaitingCode.MAPPING,
        message="A field that must have a value has no column: it waits for its mapping.",
    ),
    ImportState.READY: Waiting(
        code=WaitingCode.START, message="It is read and mapped, and waits to be started."
    ),
}
"""What only its owner can do."""
NO_WORKER: Final = Waiting(
    code=WaitingCode.WORKER,
    message="No worker is alive: `rowport serve` and `rowport worker` start some.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Looks at imports, the queue and the workers."""

    ledger: Ledger

    def explain(self, organization_id: UUID, jobs: Sequence[Import]) -> list[Import]:
        """Give the imports, each that has not ended with what it waits for, if anything."""
        open_ones = [job.id for job in jobs if not job.state.is_final]
        if not open_ones:
            return list(jobs)
        with self.ledger.database.transaction() as tx:
            known = self.ledger.imports.waiting_facts(tx, organization_id, open_ones)
        return [replace(job, waiting=why(job, known.get(job.id, NOTHING_KNOWN))) for job in jobs]


def why(job: Import, facts: WaitingFacts) -> Waiting | None:
    """Say what an import waits for; None when something happens, or it has ended."""
    match job.state:
        case ImportState.RECEIVING if job.phase is Phase.FETCHING:
            return _fetching(facts)
        case (
            ImportState.DRAFT
            | ImportState.RECEIVING
            | ImportState.NEEDS_MAPPING
            | ImportState.READY
        ):
            return OF_ITS_OWNER[job.state]
        case ImportState.PAUSED | ImportState.PAUSING | ImportState.CANCELING:
            return _stopping(job, facts)
        case ImportState.READING | ImportState.QUEUED | ImportState.RUNNING:
            return _moving(job, facts)
        case ImportState.COMPLETED | ImportState.FAILED | ImportState.CANCELED:
            return None
        case _:
            assert_never(job.state)


def _stopping(job: Import, facts: WaitingFacts) -> Waiting:
    who = job.stopped_by or "somebody"
    when = f"{job.state_since:%Y-%m-%d %H:%M:%S %Z}"
    if job.state is ImportState.PAUSED:
        return _says(
            WaitingCode.RESUME,
            f"Paused by {who} since {when}; `rowport resume {job.id}` lets it go on.",
        )
    word = "Pause" if job.state is ImportState.PAUSING else "Cancel"
    return _says(
        WaitingCode.CHUNKS_IN_FLIGHT,
        f"{word} was asked by {who} at {when}; {_chunks(facts.in_flight)} in flight may finish "
        "within eight seconds of it.",
    )


def _moving(job: Import, facts: WaitingFacts) -> Waiting | None:
    if not facts.workers:
        return NO_WORKER
    return _reading(facts) if job.state is ImportState.READING else _loading(facts)


def _fetching(facts: WaitingFacts) -> Waiting | None:
    if not facts.workers:
        return NO_WORKER
    if facts.noted:
        return _says(WaitingCode.SOURCE, f"{facts.noted} It is tried again by itself.")
    return None


def _reading(facts: WaitingFacts) -> Waiting | None:
    if facts.is_being_read:
        return None
    if facts.noted:
        return _says(WaitingCode.OUTAGE, f"{facts.noted} It is tried again by itself.")
    if facts.files_ahead:
        return _says(WaitingCode.TURN, f"{facts.files_ahead:,} other file(s) are read first.")
    return _says(WaitingCode.SOON, "A worker reads its file in a moment.")


def _loading(facts: WaitingFacts) -> Waiting | None:
    if facts.in_flight or not facts.waiting:
        return None
    if facts.is_barred:
        return _says(
            WaitingCode.LIMIT,
            f"Queued behind {facts.running:,} running import(s), as many as its organization may "
            f"run at once, and {facts.queued_ahead:,} that wait(s) for the same.",
        )
    if facts.claimable and facts.chunks_ahead:
        return _says(
            WaitingCode.TURN,
            f"The workers are at {_chunks(facts.chunks_ahead)} of {facts.imports_ahead:,} other "
            "import(s); its next chunk has its turn among theirs.",
        )
    if facts.claimable or not facts.fault:
        return _says(WaitingCode.SOON, "A worker takes its next chunk in a moment.")
    if not facts.attempts:
        return _says(WaitingCode.OUTAGE, f"{facts.fault} It is tried again by itself.")
    return _says(
        WaitingCode.RETRY,
        f"A chunk failed {facts.attempts} time(s) and is tried again in a moment: {facts.fault}",
    )


def _says(code: WaitingCode, message: str) -> Waiting:
    return Waiting(code=code, message=message)


def _chunks(count: int) -> str:
    return "1 chunk" if count == 1 else f"{count:,} chunks"
