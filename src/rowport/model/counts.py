"""How many rows met which fate."""

from __future__ import annotations

from dataclasses import dataclass

from rowport.model.states import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows by outcome.

    `total = created + updated + unchanged + skipped + failed + pending`, always.  Blank lines
    are in none of them.  Adding two counts is adding the rows of two disjoint spans.
    """

    created: int = 0
    """New records."""
    updated: int = 0
    """Existing records that got new values."""
    unchanged: int = 0
    """Existing records that already had these values."""
    skipped: int = 0
    """Rows left out because the import said so (on_match=skip)."""
    failed: int = 0
    """Rows with at least one error."""
    pending: int = 0
    """Rows without an outcome yet; in a final state these are called unprocessed."""

    @property
    def processed(self) -> int:
        """Rows that have an outcome."""
        return self.created + self.updated + self.unchanged + self.skipped + self.failed

    @property
    def total(self) -> int:
        """All data rows known."""
        return self.processed + self.pending

    @property
    def result(self) -> Result:
        """How an import that ended with these counts went."""
        if self.failed == 0:
            return Result.SUCCEEDED
        return Result.FAILED if self.failed == self.total else Result.PARTIAL

    def __add__(self, other: Counts) -> Counts:
        """Count the rows of both spans."""
        return Counts(
            created=self.created + other.created,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            skipped=self.skipped + other.skipped,
            failed=self.failed + other.failed,
            pending=self.pending + other.pending,
        )
