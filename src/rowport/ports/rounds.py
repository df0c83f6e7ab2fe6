"""What the ledger tells of the later life of an import: stops, rounds, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowport.model.states import ImportState


class Again(StrEnum):
    """Which rows of a chunk a later round tries, besides those that were never processed."""

    ALL = "all"
    """Every row that failed."""
    MENDED = "mended"
    """Rows that were mended; others that failed stay so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an import stands."""

    state: ImportState
    starts: int
    """How often it was queued: a chunk that was begun before the last time cannot commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFates:
    """The fate of a chunk's rows, as it was encoded."""

    outcomes: bytes
    errors: bytes | None
    raw: bytes | None
    before: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRound:
    """Why rows are tried again: a retry, or with a file a fix."""

    asked_by: str | None = None
    file_name: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFacts:
    """What is known of an import that has not ended, to tell what it waits for."""

    workers: int = 0
    """That are alive."""
    waiting: int = 0
    """Chunks that are to be loaded, those in flight too."""
    claimable: int = 0
    """Of them, those that a worker may take now."""
    in_flight: int = 0
    chunks_ahead: int = 0
    """Chunks of others that workers are at."""
    imports_ahead: int = 0
    fault: str | None = None
    """Why a chunk was given back last."""
    attempts: int | None = None
    """How often that chunk was tried; 0: its surroundings were at fault."""
    is_being_read: bool = False
    files_ahead: int = 0
    is_barred: bool = False
    """It waits until one of its organization's running imports ends."""
    running: int | None = None
    running_limit: int | None = None
    queued_ahead: int = 0
    """Imports that wait for the same, and come first."""
    noted: str | None = None
    """Why its file could not be read yet."""
