"""What organizations use, month by month, and what each file of an import became."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from rowport.model.counts import Counts
    from rowport.model.imports import ChunkTally, ImportFile


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfUse:
    """What the imports of one organization that were made in one month come to."""

    organization_id: UUID
    slug: str
    month: str
    """YYYY-MM in the organization's time zone."""
    imports: int
    counts: Counts
    received_bytes: int
    """Of all files as they were sent."""
    kept_upload_bytes: int
    """Of the files that are still kept."""
    kept_result_bytes: int
    """Of the fates of rows, with what a fix and an undo need, that are still kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUse:
    """A file of an import with its own counts."""

    file: ImportFile
    counts: Counts
    chunks: ChunkTally
