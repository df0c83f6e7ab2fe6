"""What the service needs of the ledger for its faces: access, feeds, mappings, replays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rowport.model.access import Principal, Role, Scope, Token, User
from rowport.model.feeds import FeedRules, RunState
from rowport.model.imports import ImportOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from rowport.model.feeds import (
        Feed,
        FeedRun,
        FileDecision,
        SavedMapping,
        ScheduleKind,
        SourceKind,
    )
    from rowport.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReplay:
    """What is kept under an idempotency key."""

    request_sha256: str
    subject: UUID
    """The id of what the request makes."""
    status: int | None
    """None: the first request still runs, or it is this one."""
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A file of a source that is here now."""

    name: str
    version: str
    size_bytes: int
    sha256: str
    import_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFeed:
    """A feed, before it has an id."""

    name: str
    record_type_id: UUID
    source_kind: SourceKind
    schedule_kind: ScheduleKind
    source: Mapping[str, object] = field(default_factory=dict)
    schedule: Mapping[str, object] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    options: ImportOptions = field(default_factory=ImportOptions)
    rules: FeedRules = field(default_factory=FeedRules)
    secrets: bytes | None = None
    next_run_at: datetime | None = None
    ends_at: datetime | None = None
    created_by: UUID | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)


class AccessLedger(Protocol):
    """Users, tokens and this installation's secrets."""

    def ensure_user(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        email: str,
        first_name: str = "",
        last_name: str = "",
        role: Role = Role.MEMBER,
        attributes: Mapping[str, object] | None = None,
    ) -> User:
        """Give the user of this address; made if there is none."""
        ...

    def user(self, tx: Transaction, organization_id: UUID, user_id: UUID) -> User | None:
        """Give a user."""
        ...

    def users(
        self, tx: Transaction, organization_id: UUID, user_ids: Sequence[UUID]
    ) -> Mapping[UUID, User]:
        """Give those of these users that there are."""
        ...

    def add_token(
        self,
        tx: Transaction,
        user: User,
        *,
        name: str,
        secret_sha256: bytes,
        scopes: frozenset[Scope],
        expires_at: datetime | None,
    ) -> UUID:
        """Write a token, of whose secret only the hash is known here."""
        ...

    def principal(self, tx: Transaction, secret_sha256: bytes) -> Principal | None:
        """Give for whom a living token speaks, and note that it was used."""
        ...

    def lock_first_token(self, tx: Transaction) -> None:
        """Let nobody else make the first token until the transaction ends."""
        ...

    def has_admin_token(self, tx: Transaction) -> bool:
        """Tell whether there ever was a token for everything, in any organization."""
        ...

    def has_secret(self, tx: Transaction, secret_sha256: bytes) -> bool:
        """Tell whether there ever was a token of this secret."""
        ...

    def revoke(self, tx: Transaction, organization_id: UUID, token_id: UUID) -> bool:
        """End a token; tells whether there was one."""
        ...

    def tokens(self, tx: Transaction, organization_id: UUID) -> Sequence[Token]:
        """Give the tokens of an organization, the newest first."""
        ...

    def set_organization(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        name: str,
        time_zone: str,
        attributes: Mapping[str, object],
    ) -> None:
        """Change an organization's name, zone and attributes."""
        ...

    def secret(self, tx: Transaction, name: str, fresh: bytes) -> bytes:
        """Give this installation's secret of this name; `fresh` becomes it if there is none."""
        ...


class ReplayLedger(Protocol):
    """Answers kept for idempotency keys; `face` tells APIs apart, so that they share no key."""

    def claim(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        face: str,
        key: str,
        request_sha256: str,
        lifetime: timedelta,
    ) -> UUID | None:
        """Take a key for a request and give the id of what that makes; None when it is taken."""
        ...

    def find(
        self, tx: Transaction, organization_id: UUID, *, face: str, key: str
    ) -> StoredReplay | None:
        """Give what is kept under a key."""
        ...

    def keep(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        face: str,
        key: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Keep the answer of the request that took the key."""
        ...

    def drop(self, tx: Transaction, organization_id: UUID, *, face: str, key: str) -> None:
        """Give a key back that has no answer."""
        ...

    def release(self, tx: Transaction, organization_id: UUID, *, face: str, key: str) -> None:
        """Let the request of a key be repeated at once: it was cut off."""
        ...

    def drop_old(self, tx: Transaction, *, limit: int) -> int:
        """Forget answers of all organizations that have expired; gives how many."""
        ...


class FeedLedger(Protocol):
    """Recurring definitions."""

    def create(self, tx: Transaction, organization_id: UUID, feed: NewFeed) -> Feed:
        """Write a feed."""
        ...

    def by_oid(self, tx: Transaction, organization_id: UUID, oid: str) -> Feed | None:
        """Give a feed by its 24-hex id."""
        ...

    def list(self, tx: Transaction, organization_id: UUID) -> Sequence[Feed]:
        """Give all feeds, the newest first."""
        ...

    def by_name(self, tx: Transaction, organization_id: UUID, name: str) -> Feed | None:
        """Give a feed by its name, and hold it."""
        ...

    def change(self, tx: Transaction, feed: Feed, wanted: NewFeed) -> None:
        """Put what is wanted in the place of what is; an archived feed lives again."""
        ...

    def archive(self, tx: Transaction, feed: Feed) -> None:
        """End a feed; its imports stay."""
        ...

    def pause(self, tx: Transaction, feed: Feed, by: str) -> None:
        """Let nothing be due until it is resumed."""
        ...

    def resume(self, tx: Transaction, feed: Feed, next_run_at: datetime | None) -> None:
        """Let it be due again."""
        ...

    def due(self, tx: Transaction, *, limit: int) -> Sequence[Feed]:
        """Give feeds that are due, and hold them; those that others hold are left out."""
        ...

    def set_next(self, tx: Transaction, feed: Feed, next_run_at: datetime | None) -> None:
        """Note when it is due next."""
        ...

    def open_run(
        self, tx: Transaction, feed: Feed, slot: datetime, *, asked_by: str | None = None
    ) -> UUID | None:
        """Begin a run; None: there is one for this moment already, or one is open."""
        ...

    def skip_run(self, tx: Transaction, feed: Feed, slot: datetime, reason: str) -> None:
        """Note that a run was due and why it was not made."""
        ...

    def busy_with(self, tx: Transaction, feed: Feed) -> str | None:
        """Say what a feed is busy with: an open run, or an import that has not ended."""
        ...

    def waiting_runs(self, tx: Transaction, *, limit: int) -> Sequence[UUID]:
        """Give open runs that nobody works on, and whose time has come."""
        ...

    def claim_run(self, tx: Transaction, run_id: UUID, *, busy_for: timedelta) -> FeedRun | None:
        """Take a run; None: somebody works on it, or it has ended."""
        ...

    def hold_run(self, tx: Transaction, run: FeedRun, *, busy_for: timedelta) -> bool:
        """Go on holding it; False: it is another's now."""
        ...

    def note_run(
        self,
        tx: Transaction,
        run: FeedRun,
        *,
        files: Sequence[FileDecision] | None = None,
        reason: str | None = None,
        state: RunState = RunState.OPEN,
        again_in: timedelta | None = None,
    ) -> Sequence[FileDecision] | None:
        """Write down how a run stands, and let go of it.

        Without `files` the decisions stay as they were written last.  Gives them as they stand now;
        None: the run is another's now.
        """
        ...

    def runs(self, tx: Transaction, feed: Feed, *, limit: int) -> Sequence[FeedRun]:
        """Give the newest runs."""
        ...

    def known_files(
        self, tx: Transaction, feed: Feed, names: Sequence[str]
    ) -> Mapping[str, Mapping[str, UUID]]:
        """Give the imports of files by name and version."""
        ...

    def known_content(self, tx: Transaction, feed: Feed, sha256: str) -> UUID | None:
        """Give the import that had the same bytes."""
        ...

    def take_file(self, tx: Transaction, feed: Feed, file: TakenFile) -> None:
        """Note that a file is imported."""
        ...


class MappingLedger(Protocol):
    """Saved mappings."""

    def create(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        name: str,
        record_type_id: UUID | None,
        columns: Mapping[str, str],
        attributes: Mapping[str, object],
    ) -> SavedMapping:
        """Write a mapping."""
        ...

    def by_oid(self, tx: Transaction, organization_id: UUID, oid: str) -> SavedMapping | None:
        """Give a mapping by its 24-hex id."""
        ...

    def list(self, tx: Transaction, organization_id: UUID) -> Sequence[SavedMapping]:
        """Give all mappings, the newest first."""
        ...

    def update(self, tx: Transaction, mapping: SavedMapping) -> SavedMapping:
        """Write the mapping's name, type, columns and attributes."""
        ...

    def delete(self, tx: Transaction, mapping: SavedMapping) -> None:
        """Forget a mapping."""
        ...
