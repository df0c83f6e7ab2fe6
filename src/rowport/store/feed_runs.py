"""Runs of feeds, and the files that they took, in the ledger."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from rowport.model.feeds import Decision, FeedRun, FileDecision, RunState
from rowport.model.ids import new_uuid
from rowport.store.saying import many, one, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from rowport.model.feeds import Feed
    from rowport.ports import Transaction
    from rowport.ports.faces import TakenFile


def _to_run(row: Mapping[str, Any]) -> FeedRun:
    files = _to_decisions(row["files"])
    return FeedRun(**{**row, "state": RunState(row["state"]), "files": files})


def _to_decisions(known: Sequence[Mapping[str, Any]]) -> tuple[FileDecision, ...]:
    return tuple(FileDecision(**{**file, "decision": Decision(file["decision"])}) for file in known)


def _of(feed: Feed) -> dict[str, UUID]:
    return {"organization_id": feed.organization_id, "feed_id": feed.id}


def _fenced(run: FeedRun) -> dict[str, object]:
    return {"organization_id": run.organization_id, "id": run.id, "attempt": run.attempt}


class PostgresFeedRuns:
    """Runs of feeds."""

    def open_run(
        self, tx: Transaction, feed: Feed, slot: datetime, *, asked_by: str | None = None
    ) -> UUID | None:
        """Begin a run; None: there is one for this moment already, or one is open."""
        run_id = new_uuid()
        made = say(tx, "open_feed_run", id=run_id, slot=slot, asked_by=asked_by, **_of(feed))
        return run_id if made else None

    def skip_run(self, tx: Transaction, feed: Feed, slot: datetime, reason: str) -> None:
        """Note that a run was due and why it was not made."""
        say(tx, "skip_feed_run", id=new_uuid(), slot=slot, reason=reason, **_of(feed))

    def busy_with(self, tx: Transaction, feed: Feed) -> str | None:
        """Say what a feed is busy with: an open run, or an import that has not ended."""
        row = one(tx, "feed_is_busy_with", **_of(feed))
        return None if row is None else str(row["what"])

    def waiting_runs(self, tx: Transaction, *, limit: int) -> Sequence[UUID]:
        """Give open runs that nobody works on, and whose time has come."""
        return [row["id"] for row in many(tx, "waiting_feed_runs", limit=limit)]

    def claim_run(self, tx: Transaction, run_id: UUID, *, busy_for: timedelta) -> FeedRun | None:
        """Take a run; None: somebody works on it, or it has ended."""
        row = one(tx, "claim_feed_run", id=run_id, busy_for=busy_for)
        return None if row is None else _to_run(row)

    def hold_run(self, tx: Transaction, run: FeedRun, *, busy_for: timedelta) -> bool:
        """Go on holding it; False: it is another's now."""
        return say(tx, "hold_feed_run", busy_for=busy_for, **_fenced(run)) > 0

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
        """Write down how a run stands, and let go of it; see FeedLedger.note_run."""
        row = one(
            tx,
            "note_feed_run",
            files=None if files is None else Jsonb([asdict(file) for file in files]),
            reason=reason,
            state=state,
            again_in=again_in,
            **_fenced(run),
        )
        return None if row is None else _to_decisions(row["files"])

    def runs(self, tx: Transaction, feed: Feed, *, limit: int) -> Sequence[FeedRun]:
        """Give the newest runs."""
        return [_to_run(row) for row in many(tx, "feed_runs", limit=limit, **_of(feed))]

    def known_files(
        self, tx: Transaction, feed: Feed, names: Sequence[str]
    ) -> Mapping[str, Mapping[str, UUID]]:
        """Give the imports of files by name and version."""
        known: dict[str, dict[str, UUID]] = {}
        for row in many(tx, "known_feed_files", names=list(names), **_of(feed)):
            known.setdefault(row["name"], {})[row["version"]] = row["import_id"]
        return known

    def known_content(self, tx: Transaction, feed: Feed, sha256: str) -> UUID | None:
        """Give the import that had the same bytes."""
        row = one(tx, "known_feed_content", sha256=sha256, **_of(feed))
        return None if row is None else row["import_id"]

    def take_file(self, tx: Transaction, feed: Feed, file: TakenFile) -> None:
        """Note that a file is imported."""
        say(tx, "take_feed_file", **asdict(file), **_of(feed))
