"""How long what belongs to an import is kept after its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class RetentionKind(StrEnum):
    """What is kept for a time of its own."""

    UPLOAD = "upload"
    """The files as they were sent."""
    STAGING = "staging"
    """Chunks as columns, of formats that cannot be split by bytes."""
    RESULTS = "results"
    """The fate of each row, its errors, raw cells and before-images.  The counts stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """How long an organization keeps a kind."""

    kind: RetentionKind
    days: int | None
    """After the end of the import; None: for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """What an import has lost."""

    kind: RetentionKind
    at: datetime
    days: int
    """How long it was to be kept."""

    @property
    def why(self) -> str:
        """The reason in words."""
        days = "1 day" if self.days == 1 else f"{self.days} days"
        return f"kept for {days} after the import's end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What an import is to lose now."""

    organization_id: UUID
    import_id: UUID
    kind: RetentionKind
    days: int
