"""Events in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

from rowport.model.errors import Unavailable
from rowport.model.events import Event, EventKind
from rowport.store.catalogue import statement
from rowport.store.database import connect, publish_after
from rowport.store.publishing import publish
from rowport.store.saying import many, one, only, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

    from psycopg.rows import DictRow

    from rowport.ports import Transaction


class PostgresEvents:
    """Events: a trigger writes those of states, phases and retention."""

    def note_progress(self, tx: Transaction, organization_id: UUID, import_id: UUID) -> bool:
        """Tell how far an import is, unless that was told within a second; tells whether it did."""
        if not only(tx, "claim_progress", import_id=import_id)["claimed"]:
            return False
        names = {"organization_id": organization_id, "import_id": import_id}
        told = say(tx, "insert_progress", **names) == 1
        if told:
            publish_after(tx)
        return told

    def publish(self, tx: Transaction) -> int:
        """Number what has committed, make deliveries of it and wake listeners; gives how many."""
        return publish(tx.connection)

    def after(
        self,
        tx: Transaction,
        organization_id: UUID,
        position: int,
        *,
        import_id: UUID | None,
        limit: int,
    ) -> Sequence[Event]:
        """Give the first events behind a position, in order."""
        rows = many(
            tx,
            "list_events",
            organization_id=organization_id,
            after=position,
            import_id=import_id,
            limit=limit,
        )
        return _events(rows)

    def after_of_all(self, tx: Transaction, position: int, *, limit: int) -> Sequence[Event]:
        """Give the first events behind a position, of all organizations, in order."""
        return _events(many(tx, "list_events_of_all", after=position, limit=limit))

    def newest_of_all(self, tx: Transaction) -> int:
        """Give the position behind which everything is new in all organizations."""
        return int(only(tx, "newest_event_of_all")["position"])

    def is_all_told(
        self, tx: Transaction, organization_id: UUID, import_id: UUID, position: int
    ) -> bool | None:
        """Tell whether an import has ended and all of it is told up to a position."""
        names = {"organization_id": organization_id, "import_id": import_id, "after": position}
        row = one(tx, "is_all_told", **names)
        return None if row is None else bool(row["is_over"])

    def newest(self, tx: Transaction, organization_id: UUID) -> int:
        """Give the position behind which everything is new; 0 when nothing ever happened."""
        return int(only(tx, "newest_event", organization_id=organization_id)["position"])

    def add_test(self, tx: Transaction, organization_id: UUID, data: Mapping[str, object]) -> UUID:
        """Write an event that is of no import."""
        row = only(tx, "insert_test_event", organization_id=organization_id, data=Jsonb(dict(data)))
        event_id: UUID = row["id"]
        return event_id

    def drop_old(self, tx: Transaction, *, kept: timedelta, limit: int) -> int:
        """Forget old events of all organizations that nobody waits for; gives how many."""
        return say(tx, "drop_old_events", kept=kept, limit=limit)

    def unfinished(self, tx: Transaction) -> tuple[bool, bool]:
        """Tell whether events wait to be published, and whether a delivery is due."""
        row = only(tx, "unfinished_telling")
        return row["unpublished"], row["due"]


def _events(rows: Sequence[Mapping[str, Any]]) -> list[Event]:
    return [Event(**{**row, "kind": EventKind(row["kind"])}) for row in rows]


class PostgresListener:
    """Hears of new events by LISTEN, on a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[DictRow] | None = None

    def wait(self, timeout_s: float) -> bool:
        """Wait for new events; False when none came in time.

        Raises:
            Unavailable: the line broke; the next call makes a new one.
        """
        try:
            if self._connection is None:
                self._connection = connect(self._url)
                self._connection.execute(statement("listen_for_events"))
                return True  # what happened before we listened, nobody told us
            heard = self._connection.notifies(timeout=timeout_s, stop_after=1)
            return any(True for _ in heard)
        except psycopg.Error as error:
            self.close()
            raise Unavailable(f"The database does not answer: {str(error).strip()}") from error

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
