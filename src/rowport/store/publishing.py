"""Publish events: number them, make deliveries of them, wake who listens.

Never in the transaction that changed something: NOTIFY makes commits wait for each other, and a
number given before the commit says nothing of the order in which others see it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from rowport.store.catalogue import statement

if TYPE_CHECKING:
    from psycopg.rows import DictRow


def publish(connection: psycopg.Connection[DictRow]) -> int:
    """Publish all events that have committed, inside the open transaction; gives how many.

    Who comes while another publishes waits for it, and finds its own events published as well:
    in a crowd one notification stands for many events.
    """
    connection.execute(statement("wait_to_publish"))
    row = connection.execute(statement("publish_events")).fetchone()
    published = int(row["events"]) if row else 0
    if row and published:
        connection.execute(statement("notify_of_events"), {"newest": row["newest"]})
    return published


def publish_soon(connection: psycopg.Connection[DictRow]) -> None:
    """Publish in a transaction of its own; what cannot be now, the tick does."""
    with suppress(psycopg.Error), connection.transaction():
        publish(connection)
