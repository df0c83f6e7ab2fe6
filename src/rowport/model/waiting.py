"""Why nothing happens in an import just now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WaitingCode(StrEnum):
    """What an import waits for.  Stable words; the message beside them is for people."""

    ROWS = "rows"
    """A draft waits for rows and to be submitted."""
    BYTES = "bytes"
    """Its file is still arriving."""
    MAPPING = "mapping"
    """Somebody has to say which column feeds a field that must have a value."""
    START = "start"
    """It is read and mapped; somebody has to start it."""
    RESUME = "resume"
    """It is paused; somebody has to resume it."""
    CHUNKS_IN_FLIGHT = "chunks_in_flight"
    """It is to stop, and chunks in flight may finish."""
    WORKER = "worker"
    """No worker is alive."""
    TURN = "turn"
    """Others come first."""
    LIMIT = "limit"
    """As many imports of its organization run as may at once."""
    OUTAGE = "outage"
    """The database or the blob store did not answer a worker; it is tried again by itself."""
    SOURCE = "source"
    """The source of its feed did not answer; it is tried again by itself."""
    RETRY = "retry"
    """A chunk failed and is tried again in a moment."""
    SOON = "soon"
    """Nothing stands in its way: a worker takes it in a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What an import waits for, in a word and in a sentence."""

    code: WaitingCode
    message: str
