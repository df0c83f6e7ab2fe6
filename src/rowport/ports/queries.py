"""Which imports somebody asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rowport.model.states import Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from rowport.model.imports import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportQuery:
    """Which imports, in which order, which page; None does not filter."""

    facet: str | None = None
    """Only imports whose record type has this attribute."""
    facets: Sequence[Mapping[str, object]] | None = None
    """Only imports whose record type's attributes contain one of these."""
    type_oid: str | None = None
    feed_oid: str | None = None
    created_by: UUID | None = None
    since: datetime | None = None
    """Created at this time or later."""
    newer_than: timedelta | None = None
    """Created within this time before now; not together with `since`."""
    until: datetime | None = None
    """Created before this time."""
    fates: frozenset[str] | None = None
    """States, and for completed imports their results: `FATES`."""
    attributes: Mapping[str, object] | None = None
    """Only imports whose attributes contain these."""
    ids: frozenset[UUID] | None = None
    modes: frozenset[Mode] | None = None
    sort: Literal["created_at", "updated_at", "fate"] = "created_at"
    fate_words: Mapping[str, str] | None = None
    """What the one who asks calls each fate; `fate` sorts by these words."""
    descending: bool = True
    limit: int = 50
    offset: int = 0
    is_counted: bool = True
    """False: nobody asks how many all pages hold, so it is not counted and told as 0."""


FATES: Final = {
    Result.SUCCEEDED: "succeeded",
    Result.PARTIAL: "partial",
    Result.FAILED: "failed_rows",
}
"""What a completed import is called in a query; every other state has its own name."""
