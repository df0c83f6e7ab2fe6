"""The chunk ledger."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.types.json import Jsonb

from rowport.ports.ledger import (
    ChunkRef,
    ClaimedChunk,
    ImportRef,
    LeasedChunk,
    PlannedChunk,
)
from rowport.ports.rounds import ChunkFates
from rowport.ports.told import ChunkProgress, StoredChunkResult
from rowport.store.catalogue import statement
from rowport.store.rows import to_planned_chunk
from rowport.store.saying import many, one, only, say
from rowport.store.undos import multirange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from rowport.ports import Transaction
    from rowport.ports.rounds import Again
    from rowport.ports.told import ChunkResult

STOP_WITHIN: Final = timedelta(seconds=8)
"""How long a chunk in flight may go on once its import is to stop."""
MOMENT_S: Final = 0.25
"""How long somebody may hold a chunk who does not work on it."""
GLANCE_S: Final = 0.005


def _whole(ref: ImportRef) -> dict[str, UUID]:
    return {"organization_id": ref.organization_id, "import_id": ref.import_id}


def _names(ref: ChunkRef) -> dict[str, object]:
    return {**_whole(ref.whole), "number": ref.number}


class PostgresChunks:
    """Chunks in the ledger."""

    def __init__(self, *, running_limit: int | None = None) -> None:
        self._running_limit = running_limit

    def plan(self, tx: Transaction, ref: ImportRef, chunks: Sequence[PlannedChunk]) -> None:
        """Lay the chunks down, held, in place of any earlier plan."""
        say(tx, "delete_chunks", **_whole(ref))
        with tx.connection.cursor().copy(statement("copy_chunks")) as copy:
            for chunk in chunks:
                span = chunk.span
                copy.write_row(
                    (
                        ref.import_id,
                        chunk.number,
                        ref.organization_id,
                        chunk.file_id,
                        span.first_row,
                        span.rows,
                        span.first_line,
                        span.begin,
                        span.end,
                        Jsonb(dict(span.hints)),
                        chunk.staged,
                        chunk.number,
                        "held",
                    )
                )

    def release(self, tx: Transaction, ref: ImportRef, *, as_one: bool) -> None:
        """Let held chunks wait, untried; `as_one`: only the first, the others come with it."""
        say(tx, "release_chunks", as_one=as_one, **_whole(ref))

    def plan_again(
        self, tx: Transaction, ref: ImportRef, *, again: Again, mended: Mapping[int, str]
    ) -> None:
        """Hold the chunks that a round touches; `mended`: chunk -> blob with mended rows."""
        say(
            tx,
            "plan_chunks_again",
            again=again,
            numbers=list(mended),
            blobs=list(mended.values()),
            **_whole(ref),
        )

    def claim(self, tx: Transaction) -> ClaimedChunk | None:
        """Take the chunk whose turn it is; commit before working."""
        row = one(tx, "claim_chunk", running_limit=self._running_limit)
        if row is None:
            return None
        ref = ChunkRef(
            organization_id=row["organization_id"],
            import_id=row["import_id"],
            number=row["number"],
        )
        return ClaimedChunk(
            ref=ref,
            planned=to_planned_chunk(row),
            attempts=row["attempts"],
            deaths=row["deaths"],
        )

    def hold(self, tx: Transaction, ref: ChunkRef) -> None:
        """Keep others from claiming it for some seconds more."""
        say(tx, "hold_chunk", **_names(ref))

    def lock(self, tx: Transaction, ref: ChunkRef) -> LeasedChunk | None:
        """Take the lease for the rest of the transaction; None when it is another's or done.

        Who claims another chunk may lock this one for a moment: PostgreSQL locks a row before it
        looks whether the row, changed meanwhile, is still meant.
        """
        deadline = time.monotonic() + MOMENT_S
        while (row := one(tx, "lock_chunk", **_names(ref))) is None:
            if time.monotonic() > deadline:
                return None
            time.sleep(GLANCE_S)
        return LeasedChunk(planned=to_planned_chunk(row), starts=row["starts"])

    def finish(
        self, tx: Transaction, ref: ChunkRef, result: ChunkResult, *, done: bool = True
    ) -> None:
        """Write the fate of its rows; `done=False`: its other rows stay unprocessed (void)."""
        counts = result.counts
        say(
            tx,
            "finish_chunk",
            state="done" if done else "void",
            created=counts.created,
            updated=counts.updated,
            unchanged=counts.unchanged,
            skipped=counts.skipped,
            failed=counts.failed,
            **_names(ref),
        )
        say(
            tx,
            "insert_chunk_result",
            outcomes=result.outcomes,
            errors=result.errors,
            raw=result.raw,
            before=result.before,
            written_by=multirange(result.written_by),
            **_names(ref),
        )

    def put_back(
        self, tx: Transaction, ref: ChunkRef, *, delay: timedelta, fault: str | None
    ) -> None:
        """Give it back without counting the try."""
        say(tx, "put_back_chunk", delay=delay, fault=fault, **_names(ref))

    def delay(self, tx: Transaction, ref: ChunkRef, *, delay: timedelta, fault: str) -> None:
        """Let it wait after a fault of its own; the try counts."""
        say(tx, "delay_chunk", delay=delay, fault=fault, **_names(ref))

    def void_waiting(self, tx: Transaction, ref: ImportRef) -> None:
        """Take every chunk that no worker holds out of the queue for good."""
        say(tx, "void_waiting_chunks", **_whole(ref))

    def hold_waiting(self, tx: Transaction, ref: ImportRef) -> None:
        """Take every chunk that no worker holds out of the queue until it is released."""
        say(tx, "hold_waiting_chunks", **_whole(ref))

    def end_overdue(self, tx: Transaction, ref: ImportRef) -> None:
        """End the sessions that hold chunks of an import that ended, or was to stop long ago."""
        # Another database user's session cannot be ended; it ends by the server's own time limit.
        with suppress(psycopg.errors.InsufficientPrivilege), tx.savepoint():
            many(tx, "end_overdue_leases", patience=STOP_WITHIN, **_whole(ref))

    def result(self, tx: Transaction, ref: ChunkRef) -> ChunkFates | None:
        """Give what became of a chunk's rows in earlier rounds; None: nothing yet."""
        row = one(tx, "chunk_result", **_names(ref))
        return None if row is None else ChunkFates(**row)

    def of_import(self, tx: Transaction, ref: ImportRef) -> Sequence[PlannedChunk]:
        """Give all chunks of an import in order."""
        return [to_planned_chunk(row) for row in many(tx, "chunks_of_import", **_whole(ref))]

    def progress(self, tx: Transaction, ref: ImportRef) -> ChunkProgress:
        """Tell what is still to come."""
        row = only(tx, "import_progress", **_whole(ref))
        return ChunkProgress(
            waiting=row["waiting"], held=row["held"], failed_rows=int(row["failed"])
        )

    def any_waits(self, tx: Transaction) -> bool:
        """Tell whether a worker could claim one now."""
        return one(tx, "any_chunk_waits", running_limit=self._running_limit) is not None

    def publish_keys(self, tx: Transaction, ref: ChunkRef, digests: bytes) -> None:
        """Let the workers of later chunks know this chunk's keys."""
        say(tx, "publish_keys", digests=digests, **_names(ref))

    def earlier(
        self, tx: Transaction, ref: ChunkRef, *, dry_run: bool
    ) -> Sequence[tuple[int, bool]]:
        """Give earlier chunks whose keys the destination cannot tell: (number, published)."""
        rows = many(tx, "earlier_chunks", dry_run=dry_run, **_names(ref))
        return [(row["number"], row["published"]) for row in rows]

    def without_keys(self, tx: Transaction, ref: ChunkRef) -> Sequence[int]:
        """Give earlier chunks that are done and whose keys were lost in a crash."""
        return [row["number"] for row in many(tx, "chunks_without_keys", **_names(ref))]

    def digests(
        self, tx: Transaction, ref: ImportRef, numbers: Sequence[int]
    ) -> Mapping[int, bytes]:
        """Give the published keys of these chunks."""
        rows = many(tx, "digests_of_chunks", numbers=list(numbers), **_whole(ref))
        return {row["number"]: row["digests"] for row in rows}

    def with_met_records(
        self, tx: Transaction, ref: ChunkRef, *, any_number: bool
    ) -> Sequence[tuple[int, datetime]]:
        """Give the earlier chunks that met records and left them as they are: (number, when)."""
        rows = many(tx, "chunks_with_met_records", any_number=any_number, **_names(ref))
        return [(row["number"], row["finished_at"]) for row in rows]

    def with_records(self, tx: Transaction, ref: ImportRef) -> Sequence[tuple[int, datetime]]:
        """Give the chunks in which rows made or met records: (number, when)."""
        rows = many(tx, "chunks_with_records", **_whole(ref))
        return [(row["number"], row["finished_at"]) for row in rows]

    def outcomes(
        self, tx: Transaction, ref: ImportRef, numbers: Sequence[int]
    ) -> Mapping[int, bytes]:
        """Give the encoded outcomes of these chunks."""
        rows = many(tx, "outcomes_of_chunks", numbers=list(numbers), **_whole(ref))
        return {row["number"]: row["outcomes"] for row in rows}

    def forget_keys(self, tx: Transaction, ref: ImportRef) -> None:
        """Drop the published keys of an import that ended."""
        say(tx, "forget_keys", **_whole(ref))

    def results(
        self, tx: Transaction, ref: ImportRef, *, failed_only: bool = False
    ) -> Iterator[StoredChunkResult]:
        """Give what is known of each chunk, in order, one at a time."""
        with tx.connection.cursor(name="chunk_results") as cursor:
            cursor.itersize = 8  # each row carries up to a few hundred KB
            parameters = {"failed_only": failed_only, **_whole(ref)}
            for row in cursor.execute(statement("chunk_results"), parameters):
                yield _to_result(row)

    def page_results(
        self, tx: Transaction, ref: ImportRef, *, after: int, limit: int, outcome: str | None
    ) -> Iterator[StoredChunkResult]:
        """Give the chunks that hold the first `limit` rows behind `after`, one at a time."""
        with tx.connection.cursor(name="page_results") as cursor:
            cursor.itersize = 2  # most pages lie in one chunk
            parameters = {"after": after, "limit": limit, "outcome": outcome, **_whole(ref)}
            for row in cursor.execute(statement("page_results"), parameters):
                yield _to_result(row)

    def errors(self, tx: Transaction, ref: ImportRef) -> Iterator[bytes]:
        """Give the encoded errors of each chunk that has any, in order, one at a time."""
        with tx.connection.cursor(name="chunk_errors") as cursor:
            cursor.itersize = 8
            for row in cursor.execute(statement("chunk_errors"), _whole(ref)):
                yield row["errors"]

    def failed_results(
        self,
        tx: Transaction,
        organization_id: UUID,
        import_ids: Sequence[UUID],
        *,
        limit: int | None = None,
    ) -> Iterator[tuple[UUID, StoredChunkResult]]:
        """Give the chunks of several imports that have failed rows, import by import, in order."""
        with tx.connection.cursor(name="failed_results") as cursor:
            cursor.itersize = 8
            parameters = {
                "organization_id": organization_id,
                "import_ids": list(import_ids),
                "limit": limit,
            }
            for row in cursor.execute(statement("failed_results"), parameters):
                yield row["import_id"], _to_result(row)


def _to_result(row: Mapping[str, Any]) -> StoredChunkResult:
    return StoredChunkResult(
        number=row["number"],
        first_row=row["first_row"],
        rows=row["rows"],
        first_line=row["first_line"],
        outcomes=row["outcomes"],
        errors=row["errors"],
        raw=row["raw"],
        undone=row["undone"],
    )
