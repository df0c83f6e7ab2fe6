"""Connections and transactions."""

from __future__ import annotations

import select
import threading
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.rows import DictRow, dict_row

from rowport.model.errors import Unavailable
from rowport.store.catalogue import statement
from rowport.store.publishing import publish_soon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from rowport.ports import Transaction

GUARD: Final = (
    # A frozen worker gives its chunk up; longer than any pause between two statements of a chunk.
    "-c idle_in_transaction_session_timeout=300000 "
    # A vanished machine gives its chunk up within 10 s, also with a packet in flight.
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 "
    "-c tcp_user_timeout=10000 "
    # The ledger's statements are short and pinned: compiling them costs more than it gives.
    "-c jit=off "
    # Whatever the server's default: row locks and waiting for other chunks rest on it.
    "-c default_transaction_isolation=read\\ committed "
    # Jobs are deferred on our own connections; the queue's functions name their tables bare, and so
    # may the triggers that users put on their tables.
    "-c search_path=rowport,rowport_jobs,public"
)
PUBLISH: Final = "publish"
SESSION: Final = "rowport"
"""What our sessions are called, for people who look at the server; a worker's have its own name."""


@dataclass(frozen=True, slots=True)
class PostgresTransaction:
    """An open transaction on a psycopg connection."""

    connection: psycopg.Connection[DictRow]
    promises: set[str] = field(default_factory=set)
    """What is to be done once it has committed."""

    def savepoint(self) -> AbstractContextManager[Any]:
        """Open a savepoint."""
        return self.connection.transaction()


def publish_after(tx: Transaction) -> None:
    """Let the events that were written be published as soon as the transaction has committed."""
    if isinstance(tx, PostgresTransaction):
        tx.promises.add(PUBLISH)


def connect(url: str, session: str = SESSION) -> psycopg.Connection[DictRow]:
    """Open a guarded connection in autocommit mode; `session` is what the server shows of it.

    Raises:
        Unavailable: the server does not answer or refuses us.
    """
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            row_factory=dict_row,
            options=GUARD,
            connect_timeout=10,
            application_name=session,
        )
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {str(error).strip()}") from error


class PostgresDatabase:
    """Transactions on one server.

    There are as many connections as there were ever transactions at once; threads come and go.
    """

    def __init__(self, url: str, session: str = SESSION) -> None:
        self.url = url
        self._session = session
        self._idle: list[psycopg.Connection[DictRow]] = []
        self._all: list[psycopg.Connection[DictRow]] = []
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """Open a transaction; a second one inside it is another one, on another connection."""
        with self._connection() as connection:
            tx = PostgresTransaction(connection)
            with connection.transaction():
                yield tx
            if PUBLISH in tx.promises:
                publish_soon(connection)

    @contextmanager
    def at_once(self) -> Iterator[PostgresTransaction]:
        """Let each statement be a transaction of its own: whoever says it cannot keep it open."""
        with self._connection() as connection:
            yield PostgresTransaction(connection)

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        connection = self._take()
        try:
            yield connection
        except psycopg.Error as error:
            # Whatever the words: an idle-in-transaction timeout, for one, is no OperationalError.
            if connection.closed or connection.broken or is_environment_fault(error):
                raise Unavailable(f"The database went away: {str(error).strip()}") from error
            if error.sqlstate and error.sqlstate.startswith("40"):
                raise Unavailable("Two transactions collided; this one gave way.") from error
            raise
        finally:
            self._give_back(connection)

    @contextmanager
    def tenant(self, organization_id: UUID) -> Iterator[PostgresTransaction]:
        """Open a transaction that sees and writes this organization's data only."""
        with self.transaction() as tx:
            names = {"organization_id": organization_id}
            tx.connection.execute(statement("be_the_application"), names)
            yield tx

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
            self._idle.clear()

    def _take(self) -> psycopg.Connection[DictRow]:
        while (idle := self._pop()) is not None:
            if is_usable(idle):
                return idle
            idle.close()
        connection = connect(self.url, self._session)
        with self._lock:
            self._all = [c for c in self._all if not c.closed]
            self._all.append(connection)
        return connection

    def _pop(self) -> psycopg.Connection[DictRow] | None:
        """Give the connection that was used last: the fewer are in use, the more rest."""
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: psycopg.Connection[DictRow]) -> None:
        if connection.closed or connection.broken:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)


def is_usable(connection: psycopg.Connection[DictRow]) -> bool:
    """Tell whether an idle connection is still there, without asking the server.

    A server that ended it has said so, or hung up: either way there is something to read.
    """
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def is_environment_fault(error: psycopg.Error) -> bool:
    """Tell whether the server's surroundings are at fault (crash, shutdown, disk full, memory).

    Such a fault says nothing of the work that met it.  Classes 08, 53, 57, 58 of SQLSTATE.
    """
    if error.sqlstate is None:  # no server said it: the line broke, or the caller erred
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate[:2] in {"08", "53", "57", "58"}
