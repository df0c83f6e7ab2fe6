"""Plannr's words for states and modes.

Only the status `processing` is public; the others are our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, assert_never

from rowport.model.imports import Mode
from rowport.model.states import ImportState, Result
from rowport.ports.queries import FATES

if TYPE_CHECKING:
    from rowport.model.imports import Import

Status = Literal["pending", "mapped", "processing", "completed", "failed", "cancelled"]
ModeWord = Literal["store", "update", "validate"]

MODES: Final[dict[str, Mode]] = {
    "store": Mode.INSERT,
    "update": Mode.UPDATE,
    "validate": Mode.VALIDATE,
}
"""What can be asked for."""


def status_of(job: Import) -> Status:
    """Say where an import stands."""
    return word(job.state, job.result)


def word(state: ImportState, result: Result | None) -> Status:
    """Say a state, and of a completed import its result."""
    match state:
        case (
            ImportState.DRAFT
            | ImportState.RECEIVING
            | ImportState.READING
            | ImportState.NEEDS_MAPPING
        ):
            return "pending"
        case ImportState.READY:
            return "mapped"
        case (
            ImportState.QUEUED
            | ImportState.RUNNING
            | ImportState.PAUSING
            | ImportState.PAUSED
            | ImportState.CANCELING
        ):
            return "processing"
        case ImportState.COMPLETED:
            return "failed" if result is Result.FAILED else "completed"
        case ImportState.FAILED:
            return "failed"
        case ImportState.CANCELED:
            return "cancelled"
        case _:
            assert_never(state)


def mode_of(mode: Mode) -> ModeWord:
    """Say a mode; other faces' imports that create and change records are told as `store`."""
    match mode:
        case Mode.INSERT | Mode.UPSERT:
            return "store"
        case Mode.UPDATE:
            return "update"
        case Mode.VALIDATE:
            return "validate"
        case _:
            assert_never(mode)


def fates_of(status: str) -> frozenset[str]:
    """Give the fates (as an `ImportQuery` calls them) that a status tells; none for other words."""
    open_or_broken = {
        state.value
        for state in ImportState
        if state is not ImportState.COMPLETED and word(state, None) == status
    }
    ended = {FATES[r] for r in Result if word(ImportState.COMPLETED, r) == status}
    return frozenset(open_or_broken | ended)


def modes_of(said: str) -> frozenset[Mode]:
    """Give the modes that a word tells; none for other words."""
    return frozenset(mode for mode in Mode if mode_of(mode) == said)
