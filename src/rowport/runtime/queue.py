"""The task queue: Procrastinate, in the same database and in our own transactions.

Jobs only wake somebody up.  What has to be done stands in the ledger, so a job that runs twice,
late or never is harmless: the tick looks at every open import again.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from rowport.ports import Transaction

CONTROL: Final = "control"
LARGE: Final = "large"
"""Large files are read one at a time in each process, so that small ones never wait for them."""
CHUNKS: Final = "chunks"
SOON: Final = 1000
"""The priority of what takes a moment; files to be read are less urgent, however long they wait."""
FEEDS: Final = "feeds"
TICKETS: Final = 16
"""Drain jobs that may wait at any time: at least as many as there are workers in a cluster."""
CONNECTION_S: Final = 3.0
"""How long to wait for one of the queue's connections.

After an outage its pool tries again at longer and longer times; a new pool connects at once.
"""
LOOK_S: Final = 0.5
"""How often the time is looked at."""
SEARCH_PATH: Final = "-c search_path=rowport_jobs"


def new_app(url: str) -> App:
    """Make the queue's app; it connects when it is opened."""
    connector = PsycopgConnector(
        conninfo=url,
        min_size=1,
        max_size=6,
        timeout=CONNECTION_S,
        kwargs={"options": SEARCH_PATH},
    )
    return App(connector=connector)


class ProcrastinateQueue:
    """The Queue port: defers inside the caller's transaction."""

    def __init__(self, app: App) -> None:
        self._app = app

    def defer(self, tx: Transaction, task: str, **arguments: str) -> None:
        """Enqueue a task inside the transaction: it exists exactly if the transaction commits."""
        job = self._app.configure_task(task, queue=CONTROL, priority=SOON, connection=tx.connection)
        with _in_its_words():
            job.defer(**arguments)

    def read(
        self,
        tx: Transaction,
        organization_id: UUID,
        import_id: UUID,
        *,
        urgency: int,
        is_large: bool,
    ) -> None:
        """Let a worker read an import's file once the transaction commits."""
        queue = LARGE if is_large else CONTROL
        plan = self._app.configure_task(
            "plan", queue=queue, priority=urgency, connection=tx.connection
        )
        with _in_its_words():
            plan.defer(organization_id=str(organization_id), import_id=str(import_id))


@contextmanager
def _in_its_words() -> Iterator[None]:
    """Let the database's own error through: whoever opened the transaction knows what it means."""
    try:
        yield
    except ConnectorException as error:
        raise error.__cause__ or error from None


async def issue_tickets(app: App, wanted: int) -> None:
    """See to it that up to `wanted` drain jobs wait; more than TICKETS never do.

    On the event loop that the app was opened on: its connections belong to that one.  A loop of
    one's own in a thread seems to work until all connections are taken; whoever then waits for
    one on the first loop may never be told that there is one again.
    """
    for ticket in range(min(wanted, TICKETS)):
        drain = app.configure_task("drain", queue=CHUNKS, queueing_lock=f"drain-{ticket}")
        try:
            await drain.defer_async()
        except AlreadyEnqueued:
            continue


async def call_for_delivery(app: App) -> None:
    """See to it that a job waits that sends what is due to webhooks; never more than one does.

    On the event loop that the app was opened on, as `issue_tickets`.
    """
    with suppress(AlreadyEnqueued):
        job = app.configure_task("deliver", queue=CONTROL, queueing_lock="deliver", priority=SOON)
        await job.defer_async()


async def keep_time(app: App, periods: Mapping[str, int]) -> None:
    """Call for each task once in its period, whichever worker is first; seconds by task.

    The queue's own timer makes up for every turn that it missed, and waits for those it had: a
    clock that is set forward by a day, or back, keeps it busy or silent for as long.
    """
    had: dict[str, int] = {}
    while True:
        now = int(time.time())
        for name, period in periods.items():
            turn = now // period * period
            if had.get(name) == turn:
                continue
            had[name] = turn
            job = app.tasks[name].configure(task_kwargs={"timestamp": turn}).job
            with suppress(AlreadyEnqueued):
                await app.job_manager.defer_periodic_job(
                    job=job, periodic_id="", defer_timestamp=turn
                )
        await asyncio.sleep(LOOK_S)


async def call_for_feeds(app: App, runs: Sequence[UUID]) -> None:
    """See to it that a job waits for each of these runs of feeds; never more than one does.

    On the event loop that the app was opened on, as `issue_tickets`.
    """
    for run_id in runs:
        with suppress(AlreadyEnqueued):
            job = app.configure_task("feed", queue=FEEDS, queueing_lock=f"feed-{run_id}")
            await job.defer_async(run_id=str(run_id))
