"""What the service needs of the ledger to show what is imported and when, run or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from rowport.model.feeds import Definition, FileRun, ScheduleKind, SourceKind
    from rowport.ports import Transaction

NEVER_RUN: Final = "never_run"
"""The fate of a feed without any import."""
ARCHIVED: Final = "archived"
"""The fate of what is archived, whatever became of its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionQuery:
    """Which definitions, on which page, the newest first; None does not filter."""

    type_ids: Sequence[UUID]
    """The record types whose definitions are meant."""
    oid: str | None = None
    name: str | None = None
    """Its name; for an import of its own also the name without its id."""
    source_kinds: frozenset[SourceKind] | None = None
    schedule_kinds: frozenset[ScheduleKind] | None = None
    fates: frozenset[str] | None = None
    """ARCHIVED, NEVER_RUN, or the fate of the newest run: as in `ImportQuery`."""
    since: datetime | None = None
    """Some file of it ended (else: was to begin) at this time or later."""
    until: datetime | None = None
    """... and before this time."""
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRunQuery:
    """Which files of a definition's runs, on which page, the newest first; None does not filter."""

    feed_id: UUID | None = None
    """All runs of this feed."""
    import_id: UUID | None = None
    """This run only."""
    fates: frozenset[str] | None = None
    """The state of its run; once that completed, the result of the file's own rows."""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    offset: int = 0


class DefinitionLedger(Protocol):
    """Feeds and imports of their own, as one list."""

    def find(
        self, tx: Transaction, organization_id: UUID, query: DefinitionQuery
    ) -> tuple[Sequence[Definition], int]:
        """Give a page of definitions and how many all pages hold."""
        ...

    def find_files(
        self, tx: Transaction, organization_id: UUID, query: FileRunQuery
    ) -> tuple[Sequence[FileRun], int]:
        """Give a page of files with their own counts, and how many all pages hold."""
        ...

    def lock_feed(self, tx: Transaction, organization_id: UUID, oid: str) -> bool:
        """Let nobody else run this feed until the transaction ends; False when there is none."""
        ...
