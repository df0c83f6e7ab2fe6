"""Feeds and imports of their own, as one list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rowport.model.counts import Counts
from rowport.model.feeds import Definition, FileRun
from rowport.model.states import ImportState
from rowport.store.catalogue import statement
from rowport.store.feeds import to_feed
from rowport.store.rows import to_import
from rowport.store.saying import many, one

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from rowport.ports import Transaction
    from rowport.ports.definitions import DefinitionQuery, FileRunQuery

FATES = ("created", "updated", "unchanged", "skipped", "failed")


def _to_file_run(row: Mapping[str, Any]) -> FileRun:
    processed = {name: int(row[name]) for name in FATES}
    return FileRun(
        oid=row["oid"],
        name=row["name"],
        size_bytes=row["size_bytes"],
        state=ImportState(row["state"]),
        error=row["error_message"],
        counts=Counts(**processed, pending=int(row["rows"]) - sum(processed.values())),
        scheduled_at=row["scheduled_at"],
        finished_at=row["finished_at"],
    )


def _sorted(words: frozenset[str] | None) -> list[str] | None:
    return None if words is None else sorted(words)


class PostgresDefinitions:
    """Definitions in the ledger."""

    def find(
        self, tx: Transaction, organization_id: UUID, query: DefinitionQuery
    ) -> tuple[Sequence[Definition], int]:
        """Give a page of definitions and how many all pages hold: four statements, however many."""
        asked = {
            "organization_id": organization_id,
            "type_ids": list(query.type_ids),
            "oid": query.oid,
            "name": query.name,
            "source_kinds": _sorted(query.source_kinds),
            "schedule_kinds": _sorted(query.schedule_kinds),
            "fates": _sorted(query.fates),
            "since": query.since,
            "until": query.until,
        }
        page, total = _page(tx, "definitions", asked, limit=query.limit, offset=query.offset)
        feed_ids = [row["feed_id"] for row in page if row["feed_id"]]
        run_ids = [row["run_id"] for row in page if row["run_id"]]
        names = {"organization_id": organization_id}
        feeds = {
            row["id"]: to_feed(row)
            for row in (many(tx, "feeds_by_ids", ids=feed_ids, **names) if feed_ids else ())
        }
        runs = {
            row["id"]: to_import(row)
            for row in (many(tx, "imports_by_ids", ids=run_ids, **names) if run_ids else ())
        }
        found = [
            Definition(feed=feeds.get(row["feed_id"]), last_run=runs.get(row["run_id"]))
            for row in page
        ]
        return found, total

    def find_files(
        self, tx: Transaction, organization_id: UUID, query: FileRunQuery
    ) -> tuple[Sequence[FileRun], int]:
        """Give a page of files with their own counts, and how many all pages hold."""
        asked = {
            "organization_id": organization_id,
            "feed_id": query.feed_id,
            "import_id": query.import_id,
            "fates": _sorted(query.fates),
            "since": query.since,
            "until": query.until,
        }
        page, total = _page(tx, "file_runs", asked, limit=query.limit, offset=query.offset)
        return [_to_file_run(row) for row in page], total

    def lock_feed(self, tx: Transaction, organization_id: UUID, oid: str) -> bool:
        """Let nobody else run this feed until the transaction ends; False when there is none."""
        return one(tx, "lock_feed", organization_id=organization_id, oid=oid) is not None


def _page(
    tx: Transaction, body: str, asked: Mapping[str, object], *, limit: int, offset: int
) -> tuple[Sequence[Mapping[str, Any]], int]:
    """Give a page of what the statement `body` finds, and how many rows that has."""
    count = statement(f"count_{body}").format(**{body: statement(body)})
    page = statement(f"find_{body}").format(**{body: statement(body)})
    total = tx.connection.execute(count, asked).fetchone()["total"]
    if offset >= total:
        return [], int(total)
    rows = tx.connection.execute(page, {**asked, "limit": limit, "offset": offset}).fetchall()
    return rows, int(total)
