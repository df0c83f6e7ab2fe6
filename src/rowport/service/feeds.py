"""Recurring definitions and saved mappings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from msgspec import to_builtins

from rowport.engine.schedules import next_after, read_schedule
from rowport.model.errors import Conflict, FeedNotFound, InvalidOptions, NotFound
from rowport.model.feeds import AfterRead, FeedRules, SourceKind
from rowport.ports.faces import NewFeed
from rowport.service.imports import check_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from rowport.model.feeds import Feed, FeedRun, SavedMapping
    from rowport.model.imports import ImportOptions
    from rowport.ports import Transaction
    from rowport.ports.ledger import Ledger
    from rowport.ports.sourcing import Source
    from rowport.service.record_types import RecordTypes
    from rowport.service.vault import Vault

NAME: Final = re.compile(r"[\w.-]{1,100}")
SENT: Final = frozenset({SourceKind.UPLOAD, SourceKind.INLINE})
"""Sources whose files are sent to us, so that we have them already."""
LONGEST_SETTLE_S: Final = 3600
MOST_FILES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFeed:
    """What somebody wants a feed to be."""

    type_name: str
    source_kind: SourceKind
    source: Mapping[str, object]
    """Secret settings may be left out when a feed is changed: they stay."""
    schedule: Mapping[str, object]
    options: ImportOptions
    rules: FeedRules
    attributes: Mapping[str, object] = field(default_factory=dict)
    created_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """Recurring definitions."""

    ledger: Ledger
    record_types: RecordTypes
    sources: Callable[[], Mapping[SourceKind, Source]]
    vault: Callable[[], Vault]

    def put(self, organization_id: UUID, name: str, wanted: WantedFeed) -> Feed:
        """Make or change the feed of this name; one that had ended lives again.

        Raises:
            InvalidOptions: its name, source, schedule or rules cannot be; which, and why.
            RecordTypeNotFound: no such type.
        """
        if not NAME.fullmatch(name):
            raise InvalidOptions("A feed's name has 1 to 100 letters, digits, `.`, `_` and `-`.")
        now = datetime.now(UTC)
        record_type = self.record_types.get(organization_id, wanted.type_name)
        check_options(record_type, wanted.options)
        schedule = read_schedule(wanted.schedule, now)
        source = self._source(wanted.source_kind)
        _check_rules(wanted)
        with self.ledger.database.tenant(organization_id) as tx:
            feed = self.ledger.feeds.by_name(tx, organization_id, name)
            known = self._known_secrets(feed, wanted.source_kind)
            settings = source.check({**known, **wanted.source})
            secrets = {key: settings[key] for key in source.secrets if key in settings}
            owner = owner_of(name)
            new = NewFeed(
                name=name,
                record_type_id=record_type.id,
                source_kind=wanted.source_kind,
                source={key: value for key, value in settings.items() if key not in secrets},
                schedule_kind=schedule.kind,
                schedule=to_builtins(schedule),
                mapping=wanted.options.mapping,
                options=replace(wanted.options, mapping={}),
                rules=wanted.rules,
                secrets=self.vault().lock(secrets, organization_id, owner) if secrets else None,
                next_run_at=next_after(schedule, now),
                ends_at=schedule.ends_at,
                created_by=wanted.created_by,
                attributes=wanted.attributes,
            )
            if feed is None:
                return self.ledger.feeds.create(tx, organization_id, new)
            self.ledger.feeds.change(tx, feed, new)
            return self._again(tx, feed)

    def create(self, organization_id: UUID, feed: NewFeed) -> Feed:
        """Write a feed whose files are sent to us."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.feeds.create(tx, organization_id, feed)

    def by_oid(self, organization_id: UUID, oid: str) -> Feed:
        """Give a feed by its 24-hex id.

        Raises:
            FeedNotFound: this organization has none of this id.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.feeds.by_oid(tx, organization_id, oid)
        if found is None:
            raise FeedNotFound(f"There is no feed {oid}.")
        return found

    def by_name(self, organization_id: UUID, name: str) -> Feed:
        """Give a feed by its name.

        Raises:
            FeedNotFound: this organization has none of this name.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            return self._held(tx, organization_id, name)

    def list(self, organization_id: UUID) -> Sequence[Feed]:
        """Give all feeds, the newest first."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.feeds.list(tx, organization_id)

    def runs(self, feed: Feed, *, limit: int = 20) -> Sequence[FeedRun]:
        """Give the newest runs of a feed."""
        with self.ledger.database.tenant(feed.organization_id) as tx:
            return self.ledger.feeds.runs(tx, feed, limit=limit)

    def archive(self, organization_id: UUID, oid: str) -> Feed:
        """End a feed; its imports stay.

        Raises:
            FeedNotFound: this organization has none of this id.
        """
        feed = self.by_oid(organization_id, oid)
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.feeds.archive(tx, feed)
        return self.by_oid(organization_id, oid)

    def pause(self, organization_id: UUID, name: str, *, by: str) -> Feed:
        """Let a feed run by hand only, until it is resumed.

        Raises:
            FeedNotFound: no such feed.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            feed = self._held(tx, organization_id, name)
            self.ledger.feeds.pause(tx, feed, by)
            return self._again(tx, feed)

    def resume(self, organization_id: UUID, name: str) -> Feed:
        """Let a feed be due again; what was due meanwhile is not made up for.

        Raises:
            FeedNotFound: no such feed.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            feed = self._held(tx, organization_id, name)
            now = datetime.now(UTC)
            self.ledger.feeds.resume(tx, feed, next_after(read_schedule(feed.schedule, now), now))
            return self._again(tx, feed)

    def run_now(self, organization_id: UUID, name: str, *, by: str) -> Feed:
        """Let a feed run at once; its schedule does not move.

        Raises:
            FeedNotFound: no such feed.
            Conflict: it has ended, an earlier run is under way, or its files are sent to us.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            feed = self._held(tx, organization_id, name)
            if feed.archived_at is not None:
                raise Conflict(f"The feed {name} has ended; put it again first.")
            if feed.source_kind in SENT:
                raise Conflict(f"The files of the feed {name} are sent to it: there is no source.")
            if (what := self.ledger.feeds.busy_with(tx, feed)) is not None:
                raise Conflict(f"The feed {name} is busy with {what}.")
            self.ledger.feeds.open_run(tx, feed, datetime.now(UTC), asked_by=by)
            return feed

    def _source(self, kind: SourceKind) -> Source:
        known = self.sources()
        if kind not in known:
            words = ", ".join(sorted(known))
            raise InvalidOptions(f"source: kind: {kind} is none of {words}.")
        return known[kind]

    def _known_secrets(self, feed: Feed | None, kind: SourceKind) -> Mapping[str, object]:
        if feed is None or feed.secrets is None or feed.source_kind is not kind:
            return {}
        return self.vault().unlock(feed.secrets, feed.organization_id, owner_of(feed.name))

    def _held(self, tx: Transaction, organization_id: UUID, name: str) -> Feed:
        is_name = "\x00" not in name  # which no database text holds
        found = self.ledger.feeds.by_name(tx, organization_id, name) if is_name else None
        if found is None:
            raise FeedNotFound(f"There is no feed {name!r}.")
        return found

    def _again(self, tx: Transaction, feed: Feed) -> Feed:
        return self._held(tx, feed.organization_id, feed.name)


def owner_of(name: str) -> str:
    """Give whose the secrets of a feed are, in the words of the vault."""
    return f"feed/{name}"


def _check_rules(wanted: WantedFeed) -> None:
    """Refuse what the source cannot do.

    Raises:
        InvalidOptions: files at a URL would have to be moved, or settle for too long.
    """
    rules = wanted.rules
    if rules.after is not AfterRead.NONE and wanted.source_kind is SourceKind.URL:
        raise InvalidOptions("after: what is at a URL can be neither moved nor deleted.")
    if rules.after is AfterRead.MOVE and not rules.after_folder.strip("/"):
        raise InvalidOptions("after: the folder that files go to has no name.")
    if not 0 <= rules.settle_s <= LONGEST_SETTLE_S:
        raise InvalidOptions(f"settle_s lies between 0 and {LONGEST_SETTLE_S}.")
    if not 1 <= rules.most_files <= MOST_FILES:
        raise InvalidOptions(f"most_files lies between 1 and {MOST_FILES}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMappings:
    """Mappings kept under a name."""

    ledger: Ledger

    def create(
        self,
        organization_id: UUID,
        *,
        name: str,
        record_type_id: UUID | None,
        columns: Mapping[str, str],
        attributes: Mapping[str, object] | None = None,
    ) -> SavedMapping:
        """Write a mapping."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.mappings.create(
                tx,
                organization_id,
                name=name,
                record_type_id=record_type_id,
                columns=columns,
                attributes=attributes or {},
            )

    def by_oid(self, organization_id: UUID, oid: str) -> SavedMapping:
        """Give a mapping by its 24-hex id.

        Raises:
            NotFound: this organization has none of this id.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.mappings.by_oid(tx, organization_id, oid)
        if found is None:
            raise NotFound(f"There is no mapping {oid}.")
        return found

    def list(self, organization_id: UUID) -> Sequence[SavedMapping]:
        """Give all mappings, the newest first."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.mappings.list(tx, organization_id)

    def change(
        self,
        mapping: SavedMapping,
        *,
        name: str,
        columns: Mapping[str, str],
        attributes: Mapping[str, object],
    ) -> SavedMapping:
        """Write the mapping anew."""
        wanted = replace(mapping, name=name, columns=columns, attributes=attributes)
        with self.ledger.database.tenant(mapping.organization_id) as tx:
            return self.ledger.mappings.update(tx, wanted)

    def delete(self, mapping: SavedMapping) -> None:
        """Forget the mapping."""
        with self.ledger.database.tenant(mapping.organization_id) as tx:
            self.ledger.mappings.delete(tx, mapping)
