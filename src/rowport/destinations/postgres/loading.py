"""Load a batch: hope first, look second, row by row last."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from psycopg import errors, sql

from rowport.destinations.postgres.attempt import Attempt, RowsLeftOut
from rowport.destinations.postgres.catalog import rows_of
from rowport.destinations.postgres.copying import refresh_statistics
from rowport.destinations.postgres.dry_run import foresee_unique
from rowport.destinations.postgres.folding import as_stored
from rowport.destinations.postgres.marks import marks_on
from rowport.destinations.postgres.refusals import is_row_fault
from rowport.destinations.postgres.target import Target, target_of
from rowport.model.errors import Unavailable
from rowport.model.imports import Mode, OnMatch

if TYPE_CHECKING:
    from psycopg import Connection, Error

    from rowport.destinations.postgres.memory import Memory
    from rowport.model.record_types import RecordType
    from rowport.ports import LoadBatch, LoadResult, Transaction

_ATTEMPTS: Final = 12
"""Each lost race with another loader costs one; a race is lost to somebody who got further."""


def load(tx: Transaction, record_type: RecordType, batch: LoadBatch, memory: Memory) -> LoadResult:
    """Load the rows inside `tx`; the fate of each is in the answer.

    Raises:
        Unavailable: other loaders won every race for the same records.
        psycopg.Error: the system's fault, not a row's; the transaction has to be rolled back.
    """
    connection: Connection[Any] = tx.connection
    target = target_of(connection, record_type, batch)
    if batch.key_rules.folds_case and target.key:
        _exclude_others(connection, target)
        batch = as_stored(connection, target, batch)
        target = target_of(connection, record_type, batch)
    way = _first_way(connection, target, batch, memory)
    for _ in range(_ATTEMPTS):
        try:
            with tx.savepoint():
                return _attempt(connection, target, batch, memory, way)
        except errors.DeadlockDetected:
            continue
        except RowsLeftOut:
            way = "one by one"
        except errors.Error as error:
            way = _next_way(error, target, batch, memory, way)
    raise Unavailable(f"Other loads into {target.table.as_string()} were faster again and again.")


def _first_way(
    connection: Connection[Any], target: Target, batch: LoadBatch, memory: Memory
) -> str:
    if not target.key:
        return "direct"
    if batch.mode not in (Mode.UPSERT, Mode.INSERT) or target.key_index is None:
        return "matching"
    if memory.hopes(batch.import_id, lambda: _is_empty(connection, target)):
        return "direct"
    compares = (batch.mode, batch.on_match) == (Mode.UPSERT, OnMatch.UPDATE)
    return "comparing" if compares and memory.repeats(batch.import_id) else "matching"


def _next_way(error: Error, target: Target, batch: LoadBatch, memory: Memory, way: str) -> str:
    """Choose how to go on after the database refused.

    Raises:
        psycopg.Error: no row is to blame.
    """
    lost_race = (
        isinstance(error, errors.UniqueViolation)
        and target.key_index is not None
        and error.diag.constraint_name == target.key_index
    )
    if lost_race and way != "one by one":
        if way == "direct":
            memory.collided(batch.import_id)
        return "matching"
    if not is_row_fault(error) or way == "one by one":
        raise error
    # Values that were sent to be compared only are not refused: look again without them.
    return "matching" if way == "comparing" else "one by one"


def _attempt(
    connection: Connection[Any], target: Target, batch: LoadBatch, memory: Memory, way: str
) -> LoadResult:
    # A refusal has to come now, while it can be told whose it is, not with the commit.
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if target.key and target.key_index is None:
        _exclude_others(connection, target)
    if target.key:
        refresh_statistics(connection, target.table, target.table.as_string(connection))
    attempt = Attempt(connection, target, batch)
    if batch.mode is Mode.VALIDATE and not target.key:
        attempt.suppose_all_new()
    elif way == "direct":
        attempt.load_directly()
    elif way in {"matching", "comparing"}:
        found = attempt.load_matching(compare=way == "comparing")
        memory.probed(batch.import_id, found=found, unchanged=attempt.mostly_unchanged)
    else:
        # What a dry run tries, it takes back.
        with connection.transaction(force_rollback=batch.mode is Mode.VALIDATE):
            attempt.load_one_by_one()
    if batch.mode is Mode.VALIDATE:
        foresee_unique(connection, target, batch.import_id, attempt.fates)
    else:
        written = attempt.fates.ids[attempt.fates.writing]
        # One savepoint is one mark; row by row each has its own.
        written = written if way == "one by one" else written[:1]
        attempt.fates.written_by = marks_on(connection, target.table, written)
    return attempt.fates.result()


def _is_empty(connection: Connection[Any], target: Target) -> bool:
    query = sql.SQL("SELECT NOT EXISTS (SELECT FROM {})").format(target.table)
    return bool(rows_of(connection, query)[0][0])


def _exclude_others(connection: Connection[Any], target: Target) -> None:
    """Load alone: no index over the key as it is compared keeps two loads from one record."""
    name = f"rowport.load.{target.table.as_string()}".encode()
    number = int.from_bytes(hashlib.sha256(name).digest()[:8], "big") - (1 << 63)
    connection.execute("SELECT pg_advisory_xact_lock(%(number)s)", {"number": number})
