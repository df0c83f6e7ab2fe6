"""Feeds and saved mappings in the ledger."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from rowport.model.feeds import (
    AfterRead,
    Feed,
    FeedRules,
    OnceBy,
    SavedMapping,
    ScheduleKind,
    SourceKind,
)
from rowport.model.ids import new_oid, new_uuid
from rowport.model.imports import ImportOptions
from rowport.store.feed_runs import PostgresFeedRuns
from rowport.store.rows import from_options, to_options
from rowport.store.saying import many, one, only, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from rowport.ports import Transaction
    from rowport.ports.faces import NewFeed


def to_feed(row: Mapping[str, Any]) -> Feed:
    """Give the feed of a row of `feed_by_oid` or its like."""
    kept = row["options"]
    meant = {
        "source_kind": SourceKind(row["source_kind"]),
        "schedule_kind": ScheduleKind(row["schedule_kind"]),
        "options": to_options(kept["import"]) if "import" in kept else ImportOptions(),
        "rules": _to_rules(kept.get("rules", {})),
    }
    return Feed(**{**row, **meant})


def _to_rules(known: Mapping[str, Any]) -> FeedRules:
    meant: dict[str, Any] = dict(known)
    if "once_by" in meant:
        meant["once_by"] = OnceBy(meant["once_by"])
    if "after" in meant:
        meant["after"] = AfterRead(meant["after"])
    return FeedRules(**meant)


def _said(feed: NewFeed) -> dict[str, object]:
    options = {"import": from_options(feed.options), "rules": asdict(feed.rules)}
    return {
        "record_type_id": feed.record_type_id,
        "source_kind": feed.source_kind,
        "source": Jsonb(dict(feed.source)),
        "schedule_kind": feed.schedule_kind,
        "schedule": Jsonb(dict(feed.schedule)),
        "mapping": Jsonb(dict(feed.mapping)),
        "options": Jsonb(options),
        "secrets": feed.secrets,
        "next_run_at": feed.next_run_at,
        "ends_at": feed.ends_at,
        "attributes": Jsonb(dict(feed.attributes)),
    }


def _names(feed: Feed) -> dict[str, UUID]:
    return {"organization_id": feed.organization_id, "id": feed.id}


class PostgresFeeds(PostgresFeedRuns):
    """Recurring definitions in the ledger."""

    def create(self, tx: Transaction, organization_id: UUID, feed: NewFeed) -> Feed:
        """Write a feed."""
        oid = new_oid()
        say(
            tx,
            "insert_feed",
            id=new_uuid(),
            oid=oid,
            organization_id=organization_id,
            name=feed.name,
            created_by=feed.created_by,
            **_said(feed),
        )
        return to_feed(only(tx, "feed_by_oid", organization_id=organization_id, oid=oid))

    def change(self, tx: Transaction, feed: Feed, wanted: NewFeed) -> None:
        """Put what is wanted in the place of what is; an archived feed lives again."""
        say(tx, "change_feed", **_names(feed), **_said(wanted))

    def by_oid(self, tx: Transaction, organization_id: UUID, oid: str) -> Feed | None:
        """Give a feed by its 24-hex id."""
        row = one(tx, "feed_by_oid", organization_id=organization_id, oid=oid)
        return None if row is None else to_feed(row)

    def by_name(self, tx: Transaction, organization_id: UUID, name: str) -> Feed | None:
        """Give a feed by its name, and hold it."""
        row = one(tx, "lock_feed_by_name", organization_id=organization_id, name=name)
        return None if row is None else to_feed(row)

    def list(self, tx: Transaction, organization_id: UUID) -> Sequence[Feed]:
        """Give all feeds, the newest first."""
        return [to_feed(row) for row in many(tx, "list_feeds", organization_id=organization_id)]

    def archive(self, tx: Transaction, feed: Feed) -> None:
        """End a feed; its imports stay."""
        say(tx, "archive_feed", **_names(feed))

    def pause(self, tx: Transaction, feed: Feed, by: str) -> None:
        """Let nothing be due until it is resumed."""
        say(tx, "pause_feed", by=by, **_names(feed))

    def resume(self, tx: Transaction, feed: Feed, next_run_at: datetime | None) -> None:
        """Let it be due again."""
        say(tx, "resume_feed", next_run_at=next_run_at, **_names(feed))

    def due(self, tx: Transaction, *, limit: int) -> Sequence[Feed]:
        """Give feeds that are due, and hold them; those that others hold are left out."""
        return [to_feed(row) for row in many(tx, "due_feeds", limit=limit)]

    def set_next(self, tx: Transaction, feed: Feed, next_run_at: datetime | None) -> None:
        """Note when it is due next."""
        say(tx, "set_next_run", next_run_at=next_run_at, **_names(feed))


class PostgresMappings:
    """Saved mappings in the ledger."""

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
        mapping_id = new_uuid()
        say(
            tx,
            "insert_mapping",
            id=mapping_id,
            oid=new_oid(),
            organization_id=organization_id,
            name=name,
            record_type_id=record_type_id,
            columns=Jsonb(dict(columns)),
            attributes=Jsonb(dict(attributes)),
        )
        row = only(tx, "mapping_by_id", organization_id=organization_id, id=mapping_id)
        return SavedMapping(**row)

    def by_oid(self, tx: Transaction, organization_id: UUID, oid: str) -> SavedMapping | None:
        """Give a mapping by its 24-hex id."""
        row = one(tx, "mapping_by_oid", organization_id=organization_id, oid=oid)
        return None if row is None else SavedMapping(**row)

    def list(self, tx: Transaction, organization_id: UUID) -> Sequence[SavedMapping]:
        """Give all mappings, the newest first."""
        rows = many(tx, "list_mappings", organization_id=organization_id)
        return [SavedMapping(**row) for row in rows]

    def update(self, tx: Transaction, mapping: SavedMapping) -> SavedMapping:
        """Write the mapping's name, type, columns and attributes."""
        names = {"organization_id": mapping.organization_id, "id": mapping.id}
        say(
            tx,
            "update_mapping",
            name=mapping.name,
            record_type_id=mapping.record_type_id,
            columns=Jsonb(dict(mapping.columns)),
            attributes=Jsonb(dict(mapping.attributes)),
            **names,
        )
        return SavedMapping(**only(tx, "mapping_by_id", **names))

    def delete(self, tx: Transaction, mapping: SavedMapping) -> None:
        """Forget a mapping."""
        say(tx, "delete_mapping", organization_id=mapping.organization_id, id=mapping.id)
