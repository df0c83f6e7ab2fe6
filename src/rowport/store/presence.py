"""Which workers are alive: each holds a lock that its session loses when its process dies."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from rowport.model.errors import Unavailable
from rowport.store.catalogue import statement
from rowport.store.database import connect
from rowport.store.migrations import check_known, newest
from rowport.store.saying import only, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg.rows import DictRow

    from rowport.ports import Transaction


class Presence:
    """Says that this process works, for as long as its connection lasts; for one thread."""

    def __init__(self, url: str, session: str) -> None:
        """Name the process: all its sessions are called `session`, and nobody else's are."""
        self._url = url
        self._session = session
        self._connection: psycopg.Connection[DictRow] | None = None

    def announce(self) -> None:
        """Be counted, unless this worker is already; who then asks for `others` gives a sign.

        Raises:
            Unavailable: the database does not answer.
            SchemaTooNew: its schema lacks by now what this program needs.
        """
        if self._connection is not None:
            return
        try:
            self._connection = connect(self._url, self._session)
            with self._connection.transaction():
                self._connection.execute(statement("await_migrations"))
                self._connection.execute(statement("announce_worker"), {"newest": newest()})
                check_known(self._connection)
        except psycopg.Error as error:
            self.leave()
            raise Unavailable(f"The database does not answer: {str(error).strip()}") from error

    def others(self) -> Mapping[str, str]:
        """Give the other workers: session -> its last sign of life, another one each time.

        Raises:
            Unavailable: the database does not answer, or this worker is not announced.
        """
        return {row["session"]: row["sign"] for row in self._ask("signs_of_life")}

    def end(self, session: str) -> None:
        """End the sessions of a worker; what it did in open transactions is undone.

        Raises:
            Unavailable: as for others.
        """
        # Another database user's session cannot be ended; it ends by the server's own time limit.
        with suppress(psycopg.errors.InsufficientPrivilege):
            self._ask("end_sessions", session=session)

    def leave(self) -> None:
        """Be counted no more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, name: str, **parameters: object) -> list[DictRow]:
        if self._connection is None:
            raise Unavailable("This worker is not announced.")
        try:
            return self._connection.execute(statement(name), parameters).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            raise
        except psycopg.Error as error:
            self.leave()
            raise Unavailable(f"The database does not answer: {str(error).strip()}") from error


def alive_workers(tx: Transaction) -> int:
    """Count the workers that are connected to this database and say so."""
    return int(only(tx, "alive_workers")["alive"])


def is_busy(tx: Transaction) -> bool:
    """Tell whether any import should move by itself."""
    return bool(only(tx, "is_busy")["busy"])


def mend_clocks(tx: Transaction) -> None:
    """Bring back to now what the queue dates in the future, after some clock was wrong."""
    say(tx, "mend_clocks")
