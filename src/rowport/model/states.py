"""The life of an import: its states, and each edge between them with the reason it exists.

The same rules stand as CHECK constraints in the database; a test holds the two equal.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ImportState(StrEnum):
    """Where an import stands.  Partial success is a count, never a state."""

    DRAFT = "draft"
    """Created without a file: an API client asked first and will send bytes later."""
    RECEIVING = "receiving"
    """Bytes are arriving in the blob store."""
    READING = "reading"
    """The file has landed; its format, header and chunks are being found."""
    NEEDS_MAPPING = "needs_mapping"
    """Read, but a required field has no column; a person has to map it."""
    READY = "ready"
    """Read and mapped; waits for somebody to start it."""
    QUEUED = "queued"
    """Started; waits for a worker."""
    RUNNING = "running"
    """Workers are loading chunks."""
    PAUSING = "pausing"
    """Pause was asked; chunks in flight are finishing."""
    PAUSED = "paused"
    """No chunk is in flight and none starts until it is resumed."""
    CANCELING = "canceling"
    """Cancel was asked; chunks in flight are finishing."""
    COMPLETED = "completed"
    """Every row has an outcome.  Whether all of them are good is told by the counts."""
    FAILED = "failed"
    """The import itself failed and says why; rows without an outcome are unprocessed."""
    CANCELED = "canceled"
    """Ended by a person; rows without an outcome are unprocessed."""

    @property
    def is_final(self) -> bool:
        """Whether nothing moves by itself from here."""
        return self in FINAL


class Phase(StrEnum):
    """What a reading or running import is doing."""

    FETCHING = "fetching"
    """Bytes are brought from a remote source."""
    READING = "reading"
    """The file is detected and cut into chunks."""
    VALIDATING = "validating"
    """Rows are checked, none is written yet."""
    LOADING = "loading"
    """Rows are checked and written."""
    FINISHING = "finishing"
    """All chunks are done; results are being closed."""


class Result(StrEnum):
    """How a completed import went; computed from its counts, never stored."""

    SUCCEEDED = "succeeded"
    """No row failed."""
    PARTIAL = "partial"
    """Some rows failed, some did not."""
    FAILED = "failed"
    """Every row failed."""


FINAL: Final = frozenset({ImportState.COMPLETED, ImportState.FAILED, ImportState.CANCELED})

S = ImportState
TRANSITIONS: Final[dict[tuple[ImportState, ImportState], str]] = {
    (S.DRAFT, S.RECEIVING): "the first byte of the file arrives",
    (S.DRAFT, S.CANCELED): "dropped before any file was sent",
    (S.RECEIVING, S.READING): "the last byte has landed and its hash is known",
    (S.RECEIVING, S.FAILED): "the upload cannot be completed",
    (S.RECEIVING, S.CANCELED): "dropped in mid-upload",
    (S.READING, S.NEEDS_MAPPING): "a required field has no column",
    (S.READING, S.READY): "read and mapped, and its owner wants to start it by hand",
    (S.READING, S.QUEUED): "read and mapped; it starts by itself",
    (S.READING, S.FAILED): "the file cannot be read as a table",
    (S.READING, S.CANCELED): "canceled before any chunk existed",
    (S.NEEDS_MAPPING, S.READY): "a person completed the mapping",
    (S.NEEDS_MAPPING, S.CANCELED): "dropped instead of mapped",
    (S.READY, S.NEEDS_MAPPING): "the mapping was changed and is incomplete now",
    (S.READY, S.QUEUED): "started",
    (S.READY, S.CANCELED): "dropped instead of started",
    (S.QUEUED, S.RUNNING): "a worker took the first chunk",
    (S.QUEUED, S.COMPLETED): "there was no row to load",
    (S.QUEUED, S.FAILED): "the destination cannot take the record type",
    (S.QUEUED, S.PAUSING): "pause was asked before the first chunk",
    (S.QUEUED, S.CANCELING): "cancel was asked before the first chunk",
    (S.RUNNING, S.COMPLETED): "the last chunk committed",
    (S.RUNNING, S.FAILED): "a fault persisted, or the policy's limit of failed rows was passed",
    (S.RUNNING, S.PAUSING): "pause was asked",
    (S.RUNNING, S.CANCELING): "cancel was asked",
    (S.PAUSING, S.PAUSED): "the last chunk in flight ended",
    (S.PAUSING, S.COMPLETED): "the chunks in flight were the last ones",
    (S.PAUSING, S.FAILED): "a chunk in flight passed the policy's limit of failed rows",
    (S.PAUSING, S.CANCELING): "cancel overtakes pause",
    (S.PAUSED, S.QUEUED): "resumed",
    (S.PAUSED, S.CANCELING): "canceled while paused",
    (S.CANCELING, S.CANCELED): "the last chunk in flight ended",
    (S.CANCELING, S.COMPLETED): "every row has an outcome already",
    (S.COMPLETED, S.QUEUED): "failed rows were mended and are tried again",
    (S.FAILED, S.QUEUED): "retried: what failed or was never processed is tried again",
    (S.FAILED, S.READING): "retried after the file could not be read",
    (S.CANCELED, S.QUEUED): "taken up again: what was never processed is tried",
}
"""Each edge with the sentence that says when it happens.  What is not here is illegal."""
del S


def may(old: ImportState, new: ImportState) -> bool:
    """Whether an import may go from `old` to `new`."""
    return (old, new) in TRANSITIONS
