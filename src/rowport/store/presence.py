"""Which workers are alive: each holds a lock that its session loses when its process dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from rowport.model.errors import Unavailable
from rowport.store.catalogue import statement
from rowport.store.database import connect
from rowport.store.saying import only

if TYPE_CHECKING:
    from psycopg.rows import DictRow

    from rowport.ports import Transaction


class Presence:
    """Says that this process works, for as long as its connection lasts."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[DictRow] | None = None

    def announce(self) -> None:
        """Be counted; again after a lost connection, and cheap when nothing was lost.

        Raises:
            Unavailable: the database does not answer.
        """
        try:
            if self._connection is None:
                self._connection = connect(self._url)
                self._connection.execute(statement("announce_worker"))
            else:
                self._connection.execute(statement("still_there"))
        except psycopg.Error as error:
            self.leave()
            raise Unavailable(f"The database does not answer: {str(error).strip()}") from error

    def leave(self) -> None:
        """Be counted no more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def alive_workers(tx: Transaction) -> int:
    """Count the workers that are connected to this database."""
    return int(only(tx, "alive_workers")["alive"])


def is_busy(tx: Transaction) -> bool:
    """Tell whether any import should move by itself."""
    return bool(only(tx, "is_busy")["busy"])
