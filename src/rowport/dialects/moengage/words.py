"""MoEngage's words, and what they are called here."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from rowport.model.feeds import ScheduleKind, SourceKind
from rowport.model.states import ImportState, Result
from rowport.ports.definitions import ARCHIVED, NEVER_RUN
from rowport.ports.queries import FATES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class ImportType(StrEnum):
    """What a record type holds."""

    USERS = "USERS"
    EVENTS = "EVENTS"
    AUX_DATA = "AUX_DATA"


class ScheduleType(StrEnum):
    """How often an import runs."""

    PERIODIC = "PERIODIC"
    ONETIME = "ONETIME"


class ImportSource(StrEnum):
    """Where its files come from."""

    SFTP = "SFTP"
    S3 = "S3"
    CSV = "CSV"


class ImportStatus(StrEnum):
    """How an import stands."""

    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"
    SCHEDULED = "SCHEDULED"
    PROCESSING = "PROCESSING"
    QUEUED = "QUEUED"
    ARCHIVED = "ARCHIVED"


class FileStatus(StrEnum):
    """How a file stands."""

    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"
    PROCESSING = "PROCESSING"
    QUEUED = "QUEUED"
    WAITING = "WAITING"


FILE_STATUS_ALIASES: Final = {"PARTIAL_FAILURE": FileStatus.PARTIAL_SUCCESS}
"""The published answer has this word where the published filter has PARTIAL_SUCCESS."""


def import_status(state: ImportState, result: Result | None) -> ImportStatus:
    """Say how a run stands; `result` is of completed ones."""
    match state:
        case (
            ImportState.DRAFT
            | ImportState.RECEIVING
            | ImportState.NEEDS_MAPPING
            | ImportState.READY
        ):
            return ImportStatus.SCHEDULED
        case ImportState.QUEUED:
            return ImportStatus.QUEUED
        case (
            ImportState.READING
            | ImportState.RUNNING
            | ImportState.PAUSING
            | ImportState.PAUSED
            | ImportState.CANCELING
        ):
            return ImportStatus.PROCESSING
        case ImportState.COMPLETED:
            return _ended(result)
        case ImportState.FAILED | ImportState.CANCELED:
            return ImportStatus.FAILED
        case _:
            assert_never(state)


def _ended(result: Result | None) -> ImportStatus:
    match result:
        case Result.SUCCEEDED | None:
            return ImportStatus.SUCCESSFUL
        case Result.PARTIAL:
            return ImportStatus.PARTIAL_SUCCESS
        case Result.FAILED:
            return ImportStatus.FAILED
        case _:
            assert_never(result)


def file_status(state: ImportState, result: Result | None) -> FileStatus:
    """Say how a file stands: as its run does, but for its own rows' result."""
    match import_status(state, result):
        case ImportStatus.SCHEDULED | ImportStatus.ARCHIVED:
            return FileStatus.WAITING
        case ImportStatus.QUEUED:
            return FileStatus.QUEUED
        case ImportStatus.PROCESSING:
            return FileStatus.PROCESSING
        case ImportStatus.SUCCESSFUL:
            return FileStatus.SUCCESSFUL
        case ImportStatus.PARTIAL_SUCCESS:
            return FileStatus.PARTIAL_SUCCESS
        case ImportStatus.FAILED:
            return FileStatus.FAILED
        case word:
            assert_never(word)


def import_source(kind: SourceKind) -> ImportSource:
    """Say where files come from; what MoEngage has no word for is called a CSV upload."""
    match kind:
        case SourceKind.S3:
            return ImportSource.S3
        case SourceKind.SFTP:
            return ImportSource.SFTP
        case SourceKind.UPLOAD | SourceKind.INLINE | SourceKind.URL | SourceKind.FOLDER:
            return ImportSource.CSV
        case _:
            assert_never(kind)


def schedule_type(kind: ScheduleKind) -> ScheduleType:
    """Say how often it runs."""
    match kind:
        case ScheduleKind.ONCE:
            return ScheduleType.ONETIME
        case ScheduleKind.PERIODIC:
            return ScheduleType.PERIODIC
        case _:
            assert_never(kind)


def _fates(say: Callable[[ImportState, Result | None], str]) -> dict[str, frozenset[str]]:
    """Give what each word is called in a query, so that filters and answers cannot differ."""
    found: dict[str, set[str]] = {}
    for state in ImportState:
        if state is ImportState.COMPLETED:
            for result in Result:
                found.setdefault(say(state, result), set()).add(FATES[result])
        else:
            found.setdefault(say(state, None), set()).add(state)
    return {word: frozenset(fates) for word, fates in found.items()}


_OF_RUNS = _fates(import_status)
FATES_OF_IMPORTS: Final[Mapping[str, frozenset[str]]] = {
    **_OF_RUNS,
    ImportStatus.SCHEDULED: _OF_RUNS[ImportStatus.SCHEDULED] | {NEVER_RUN},
    ImportStatus.ARCHIVED: frozenset({ARCHIVED}),
}
"""The fates that an import's status stands for."""
FATES_OF_FILES: Final[Mapping[str, frozenset[str]]] = _fates(file_status)
"""The fates that a file's status stands for."""
KINDS_OF_SOURCES: Final[Mapping[str, frozenset[SourceKind]]] = {
    word: frozenset(kind for kind in SourceKind if import_source(kind) is word)
    for word in ImportSource
}
"""The source kinds that a word stands for."""
KINDS_OF_SCHEDULES: Final[Mapping[str, frozenset[ScheduleKind]]] = {
    word: frozenset(kind for kind in ScheduleKind if schedule_type(kind) is word)
    for word in ScheduleType
}
"""The schedule kinds that a word stands for."""
