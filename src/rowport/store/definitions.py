"""Feeds and imports of their own, as one list."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rowport.model.counts import Counts
from rowport.model.feeds import Definition, FileRun
from rowport.model.states import ImportState
from rowport.store.catalogue import statement
from rowport.store.feeds import to_feed
from rowport.store.rows import to_import
from rowport.store.saying import many, one, only

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import LiteralString
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """How many imports of their own were made before a time, as it was counted once."""

    total: int
    until: datetime
    counted_at_s: float


class PostgresDefinitions:
    """Definitions in the ledger.

    A list that is polled shows its total each time, and counting 100,000 imports takes several
    times as long as showing a page.  So what was made before a while ago is counted every ten
    seconds, and what was made since then each time.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._settled: dict[tuple[UUID, frozenset[UUID]], _Settled] = {}

    def find(
        self, tx: Transaction, organization_id: UUID, query: DefinitionQuery
    ) -> tuple[Sequence[Definition], int]:
        """Give a page of definitions and how many all pages hold: no statement for every one."""
        asked = {
            "organization_id": organization_id,
            "type_ids": list(query.type_ids),
            "oid": query.oid,
            "name": query.name,
            **_parted(query.name),
            "source_kinds": _sorted(query.source_kinds),
            "schedule_kinds": _sorted(query.schedule_kinds),
            "fates": _sorted(query.fates),
            "since": query.since,
            "until": query.until,
        }
        total = self._count(tx, organization_id, query, asked)
        page = _page(tx, asked, query) if query.offset < total else []
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
        parts = {"file_runs": statement("file_runs")}
        count = tx.connection.execute(statement("count_file_runs").format(**parts), asked)
        total = int(count.fetchone()["total"])
        if query.offset >= total:
            return [], total
        span = {"limit": query.limit, "offset": query.offset}
        page = tx.connection.execute(
            statement("find_file_runs").format(**parts), {**asked, **span}
        ).fetchall()
        return [_to_file_run(row) for row in page], total

    def _count(
        self,
        tx: Transaction,
        organization_id: UUID,
        query: DefinitionQuery,
        asked: Mapping[str, object],
    ) -> int:
        if any(value is not None for name, value in asked.items() if name not in ALWAYS):
            return _total(tx, _whole("count_definitions"), asked)
        settled = self._count_settled(tx, (organization_id, frozenset(query.type_ids)), asked)
        since = {"made_since": settled.until, "made_until": None}
        own = settled.total + _total(tx, statement("count_own_imports"), {**asked, **since})
        return own + _total(tx, statement("count_feeds"), asked)

    def _count_settled(
        self,
        tx: Transaction,
        of_whom: tuple[UUID, frozenset[UUID]],
        asked: Mapping[str, object],
    ) -> _Settled:
        with self._lock:
            known = self._settled.get(of_whom)
        if known is not None and self._clock() < known.counted_at_s + RECOUNT_S:
            return known
        now_s = self._clock()
        until = only(tx, "a_while_ago")["moment"]
        span = {"made_since": None, "made_until": until}
        total = _total(tx, statement("count_own_imports"), {**asked, **span})
        settled = _Settled(total=total, until=until, counted_at_s=now_s)
        with self._lock:
            while len(self._settled) >= REMEMBERED:
                self._settled.pop(next(iter(self._settled)))
            self._settled[of_whom] = settled
        return settled

    def lock_feed(self, tx: Transaction, organization_id: UUID, oid: str) -> bool:
        """Let nobody else run this feed until the transaction ends; False when there is none."""
        return one(tx, "lock_feed", organization_id=organization_id, oid=oid) is not None


NAME_WITH_ID: Final = re.compile(r"(.*) \(([0-9a-f]{24})\)", re.DOTALL)
"""The name of an import that defines itself, as `Definition.name` gives it."""
PARTS: Final = ("feeds_defined", "imports_defined")
RECOUNT_S: Final = 10.0
REMEMBERED: Final = 1000
ALWAYS: Final = frozenset({"organization_id", "type_ids"})


def _parted(name: str | None) -> dict[str, str | None]:
    """Take the id off a name, where there is one."""
    found = NAME_WITH_ID.fullmatch(name or "")
    return {"name_said": found and found[1], "name_oid": found and found[2]}


def _whole(name: str) -> LiteralString:
    """Give a statement with the parts that it shares with another."""
    return statement(name).format(**{part: statement(part) for part in PARTS})


def _total(tx: Transaction, said: LiteralString, asked: Mapping[str, object]) -> int:
    return int(tx.connection.execute(said, asked).fetchone()["total"])


def _page(
    tx: Transaction, asked: Mapping[str, object], query: DefinitionQuery
) -> Sequence[Mapping[str, Any]]:
    reach = query.offset + query.limit
    span = {"limit": query.limit, "offset": query.offset, "reach": reach}
    found: Sequence[Mapping[str, Any]] = tx.connection.execute(
        _whole("find_definitions"), {**asked, **span}
    ).fetchall()
    return found
