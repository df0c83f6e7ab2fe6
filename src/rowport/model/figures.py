"""Numbers about the whole installation, for those who run it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How things stand in the ledger, over all organizations; counts by a word of the domain."""

    imports: Mapping[str, int]
    """By state."""
    rows: Mapping[str, int]
    """By outcome; a row that is tried again has its newest one."""
    chunks: Mapping[str, int]
    """By state; those that wait or are being undone are the queue."""
    jobs: Mapping[str, int]
    """Jobs that wait, by queue."""
    deliveries: Mapping[str, int]
    """Deliveries to webhooks, by state."""
    workers: int
    oldest_waiting_s: float
    """How long the import that nobody works on waits already; 0 when none does."""
