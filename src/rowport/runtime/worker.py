"""A worker process: plans imports, loads chunks, and keeps both going through outages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import procrastinate
from procrastinate import jobs

from rowport.config import settings
from rowport.model.errors import RowportError, Unavailable
from rowport.model.states import ImportState
from rowport.ports.ledger import ImportRef
from rowport.runtime.delivering import deliver_due
from rowport.runtime.draining import MAX_ATTEMPTS, MAX_DEATHS, Draining, storable, work_on
from rowport.runtime.heart import Heart
from rowport.runtime.memory import ask_for_little, hold_little
from rowport.runtime.queue import (
    CHUNKS,
    CONTROL,
    FEEDS,
    LARGE,
    SOON,
    TICKETS,
    call_for_delivery,
    call_for_feeds,
    issue_tickets,
    keep_time,
)
from rowport.runtime.trial import Trial, TrialDied, claimed_chunk, run_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from rowport.runtime.surroundings import Surroundings
    from rowport.service import Works

log = logging.getLogger(__name__)

GRACE_S: Final = 8.0
"""How long a chunk in flight may take to end when the worker is told to stop."""
IDLE_S: Final = 3.0
"""How long `until_idle` waits for more to do."""
LOST_S: Final = 60.0
"""How long `until_idle` waits for a database that is gone, perhaps for good."""
HEARTBEAT_S: Final = 2.0
STALLED_S: Final = 8.0
OPEN_S: Final = 5.0
"""How long the queue may take to connect; a new try after an outage is quicker than an old one."""
CONTROL_SLOTS: Final = 3
LARGE_SLOTS: Final = 1
LOOK_S: Final = 0.5
LONG_LOOK_S: Final = 2.0
"""How often a worker looks around that does not wait for an end of its work."""
SPARE_THREADS: Final = 4
"""For what is neither a chunk nor a control task: the watch, an outage, warming up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits to be done."""

    chunks: bool
    deliveries: bool
    feed_runs: Sequence[UUID]


PERIODS: Final = {"tick": 2, "tidy": 3600}
"""How many seconds there are between two runs of a task."""


class Worker:
    """One process of the worker pool."""

    def __init__(self, surroundings: Surroundings, *, slots: int = 1) -> None:
        self._around = surroundings
        self._slots = slots
        self._stop = threading.Event()
        self._local = threading.local()
        self._busy: set[int] = set()
        self._delivering = threading.Lock()
        self._fault: RowportError | None = None
        ask_for_little()

    def run(self, *, until_idle: bool = False) -> None:
        """Work until SIGTERM or SIGINT, or until nothing is left to do.

        Raises:
            RowportError: the database has become one that this program cannot work with.
        """
        asyncio.run(self._run(until_idle=until_idle))
        if self._fault is not None:
            raise self._fault

    async def _run(self, *, until_idle: bool) -> None:
        loop = asyncio.get_running_loop()
        threads = self._slots + CONTROL_SLOTS + LARGE_SLOTS + SPARE_THREADS
        loop.set_default_executor(ThreadPoolExecutor(threads, thread_name_prefix="work"))
        stopped = asyncio.Event()

        def stop() -> None:
            self._stop.set()
            stopped.set()

        def end(fault: RowportError) -> None:
            log.error("%s", fault.message)
            self._fault = fault
            loop.call_soon_threadsafe(stop)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        heart = Heart(self._around.presence, end)
        heart.start()
        warm = asyncio.create_task(asyncio.to_thread(self._warm_up))
        watch = asyncio.create_task(self._watch(stop, until_idle=until_idle))
        work = asyncio.create_task(self._work_for_ever())
        await stopped.wait()
        work.cancel()
        await asyncio.wait({work, warm}, timeout=GRACE_S)
        watch.cancel()
        heart.stop()
        # A thread that is still in a chunk cannot be stopped; its transaction rolls back.
        if self._busy or not work.done():
            os._exit(0 if self._fault is None else 1)

    def _warm_up(self) -> None:
        """Bring in the libraries that every chunk needs, before the first one has to wait."""
        hold_little()
        self._around.new_works()

    async def _work_for_ever(self) -> None:
        while not self._stop.is_set():
            # On a lost database the queue's workers return, or raise: begin again either way.
            reason = "it ended by itself"
            try:
                await asyncio.to_thread(self._around.ensure_database)
                await self._work_once()
            except Exception as error:  # noqa: BLE001  a worker outlives whatever the queue meets
                reason = type(error).__name__
            if not self._stop.is_set():
                log.warning("the queue stopped (%s); beginning again", reason)
                await asyncio.sleep(0.5)

    async def _work_once(self) -> None:
        app = self._around.new_app()
        register(app, self)
        register_feeds(app, self)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(app.close_async)
            async with asyncio.timeout(OPEN_S):
                await app.open_async()
            await issue_tickets(app, self._slots)  # chunks need not wait for the tick
            shared: dict[str, Any] = {
                "install_signal_handlers": False,
                "delete_jobs": jobs.DeleteJobCondition.SUCCESSFUL,
                "shutdown_graceful_timeout": GRACE_S - 1,
                "update_heartbeat_interval": HEARTBEAT_S,
                "stalled_worker_timeout": STALLED_S,
            }
            # Four workers: neither chunks nor large files nor feeds can ever keep a small file
            # waiting.  One slot of the first is for webhooks, whose job runs once in a process at
            # any time.
            await _until_one_ends(
                app.run_worker_async(
                    name="control", queues=[CONTROL], concurrency=CONTROL_SLOTS, **shared
                ),
                keep_time(app, PERIODS),
                app.run_worker_async(
                    name="large", queues=[LARGE], concurrency=LARGE_SLOTS, **shared
                ),
                app.run_worker_async(
                    name="chunks", queues=[CHUNKS], concurrency=self._slots, **shared
                ),
                # A source may be slow for hours.
                app.run_worker_async(name="feeds", queues=[FEEDS], concurrency=2, **shared),
            )

    async def _watch(self, stop: Callable[[], None], *, until_idle: bool) -> None:
        """Bring the database back, and stop when there is nothing left to do."""
        idle_since = time.monotonic()
        pause_s = LOOK_S if until_idle else LONG_LOOK_S
        while True:
            patience_s = IDLE_S
            if not self._around.has_home():
                log.warning("the home is gone; stopping")
                stop()
                return
            try:
                busy = await asyncio.to_thread(self._around.is_busy)
            except Unavailable:
                busy, patience_s = False, LOST_S
                await self._bring_back()
            except Exception as error:  # noqa: BLE001  a watch that ends would end nothing else
                log.error("the watch met %s", type(error).__name__)  # noqa: TRY400  no values
                busy = True
            if busy:
                idle_since = time.monotonic()
            if until_idle and time.monotonic() - idle_since > patience_s:
                stop()
            await asyncio.sleep(pause_s)

    async def _bring_back(self) -> None:
        """See to it that the database answers again; the queue only waits for that."""
        try:
            await asyncio.to_thread(self._around.ensure_database)
        except Unavailable as error:
            log.warning("%s", error.message)

    # ------------------------------------------------------------------------------ the tasks

    @property
    def works(self) -> Works:
        """The use cases, one set a thread: caches inside are not shared."""
        if not hasattr(self._local, "works"):
            self._local.works = self._around.new_works()
        works: Works = self._local.works
        return works

    def plan(self, ref: ImportRef, *, tries: int, deaths: int) -> int:
        """Read an import's file; gives the number of chunks that may wait now.

        `tries` and `deaths` tell how often that was tried before, and its worker died of whatever.
        What nobody foresaw ends the import after MAX_ATTEMPTS, like a chunk.
        """
        if deaths >= MAX_DEATHS:
            self.works.planning.give_up(ref, "it brought down its worker each time.")
            return 0
        try:
            with self._at_work():
                self._plan(ref, is_alone=deaths > 0)
        except Exception as error:
            is_outage = isinstance(error, RowportError) and error.transient
            named = "" if isinstance(error, TrialDied) else f"{type(error).__name__}: "
            reason = storable(f"{named}{error}")
            if is_outage or tries + 1 < MAX_ATTEMPTS:
                self._note(ref, error.message if isinstance(error, RowportError) else reason)
                raise
            self.works.planning.give_up(ref, reason)
            return 0
        with self.works.ledger.database.transaction() as tx:
            return self.works.ledger.chunks.progress(tx, ref).waiting

    def _note(self, ref: ImportRef, why: str) -> None:
        """Let people know why the import is not read yet, if the database can take it."""
        with contextlib.suppress(Unavailable), self.works.ledger.database.transaction() as tx:
            self.works.ledger.imports.note_waiting(tx, ref, storable(why))

    def _plan(self, ref: ImportRef, *, is_alone: bool) -> None:
        if is_alone:
            start = partial(self._around.start_trial, Trial(ref=ref))
            run_alone(start, should_stop=self._stop.is_set)
        else:
            self.works.planning.plan(ref)

    def drain(self) -> None:
        """Load chunks until none is left, or until the surroundings fail."""
        try:
            with self._at_work():
                Draining(
                    works=self.works,
                    should_stop=self._stop.is_set,
                    start=self._around.start_trial,
                ).drain()
        except Unavailable as error:
            log.warning("no more chunks for now: %s", error.message)  # the tick calls again

    def tidy(self) -> None:
        """Let go of what is kept no more."""
        retention = self.works.retention
        try:
            went = retention.run(should_stop=self._stop.is_set)
            dropped = retention.drop_old_events(settings().event_days)
            retention.drop_old_replays()
            uploads = self.works.uploads.drop_expired(should_stop=self._stop.is_set)
        except Unavailable as error:
            log.warning("not all was tidied up: %s", error.message)  # the next run goes on
            return
        if went or dropped or uploads:
            log.info(
                "%s things of imports expired, %s old events and %s uploads went",
                len(went),
                dropped,
                uploads,
            )

    def feed(self, run_id: UUID) -> None:
        """Go on with a run of a feed."""
        try:
            with self._at_work():
                self.works.feeding.go_on(run_id)
        except Unavailable as error:
            log.warning("a feed waits: %s", error.message)  # the tick calls again

    def deliver(self) -> None:
        """Send what is due to webhooks, unless this process is at it already."""
        if not self._delivering.acquire(blocking=False):
            return
        try:
            with self._at_work():
                deliver_due(self.works.delivering, self._stop.is_set)
        except Unavailable as error:
            log.warning("no more deliveries for now: %s", error.message)  # the tick calls again
        finally:
            self._delivering.release()

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        """Tell that this thread is in the middle of something."""
        self._busy.add(threading.get_ident())
        try:
            yield
        finally:
            self._busy.discard(threading.get_ident())

    def tick(self) -> Waiting:
        """Look at every open import again; tells what waits to be done."""
        ledger = self.works.ledger
        self._around.mend_clocks()
        with ledger.database.transaction() as tx:
            moving = ledger.imports.moving(tx)
            if any(state is ImportState.READING for _, state in moving):
                ledger.turns.grow_urgent(tx)
        for ref, state in moving:
            if state is not ImportState.READING:
                self.works.settling.settle(ref)
        due = self.works.telling.publish()
        self.works.feeding.start_due()
        runs = self.works.feeding.waiting()
        with ledger.database.transaction() as tx:
            chunks = ledger.chunks.any_waits(tx)
        return Waiting(chunks=chunks, deliveries=due, feed_runs=runs)


def run_trial(works: Works, trial: Trial) -> None:
    """Do what a process of its own was started for, and tell the ledger how that went.

    Raises:
        Unavailable: the database or the blob store went away.
    """
    if trial.number is None:
        works.planning.plan(trial.ref)
        return
    claimed = claimed_chunk(works, trial)
    if claimed is not None:
        work_on(works, claimed, lambda: False)


def register(app: procrastinate.App, worker: Worker) -> None:
    """Tell the queue what its tasks do."""

    @app.task(
        name="plan",
        queue=CONTROL,
        pass_context=True,
        retry=procrastinate.RetryStrategy(wait=2),
    )
    async def plan(
        context: procrastinate.JobContext, organization_id: str, import_id: str, deaths: str = "0"
    ) -> None:
        ref = ImportRef(organization_id=UUID(organization_id), import_id=UUID(import_id))
        tries = context.job.attempts
        try:
            waiting = await asyncio.to_thread(worker.plan, ref, tries=tries, deaths=int(deaths))
        except RowportError as error:
            log.warning("import %s cannot be planned yet: %s", import_id, error.message)
            raise
        await issue_tickets(app, waiting)

    @app.task(name="wake", queue=CONTROL)
    async def wake() -> None:
        await issue_tickets(app, TICKETS)

    @app.task(name="drain", queue=CHUNKS)
    async def drain_chunks() -> None:
        await asyncio.to_thread(worker.drain)

    @app.task(name="tick", queue=CONTROL, queueing_lock="tick", priority=SOON)
    async def tick(timestamp: int) -> None:
        del timestamp
        await _rescue(app)
        waiting = await asyncio.to_thread(worker.tick)
        if waiting.chunks:
            await issue_tickets(app, TICKETS)
        if waiting.deliveries:
            await call_for_delivery(app)
        await call_for_feeds(app, waiting.feed_runs)

    @app.task(name="tidy", queue=CONTROL, queueing_lock="tidy", priority=SOON)
    async def tidy(timestamp: int) -> None:
        del timestamp
        await asyncio.to_thread(worker.tidy)

    @app.task(name="deliver", queue=CONTROL)
    async def deliver() -> None:
        await asyncio.to_thread(worker.deliver)


def register_feeds(app: procrastinate.App, worker: Worker) -> None:
    """Tell the queue what its task about feeds does."""

    @app.task(name="feed", queue=FEEDS)
    async def feed(run_id: str) -> None:
        await asyncio.to_thread(worker.feed, UUID(run_id))


async def _until_one_ends(*workers: Coroutine[Any, Any, None]) -> None:
    """Run the queue's workers; when one ends, whyever, the others end too."""
    running = [asyncio.create_task(worker) for worker in workers]
    try:
        ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    for task in ended:
        task.result()


async def _rescue(app: procrastinate.App) -> None:
    """Free the jobs of dead workers; the queue does not do it by itself."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
        if job.task_name == "plan":
            deaths = int(str(job.task_kwargs.get("deaths", 0))) + 1
            again = app.configure_task("plan", queue=job.queue, priority=job.priority)
            await again.defer_async(**{**job.task_kwargs, "deaths": str(deaths)})
        # Tickets and ticks are made anew; a retried one could collide with its twin.
        await manager.finish_job(job, jobs.Status.FAILED, delete_job=True)
