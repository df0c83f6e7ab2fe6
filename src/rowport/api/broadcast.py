"""New events, read once for this process and handed on to everybody who watches here.

However many watch, there is one connection that listens and one query after it was woken.  A
notification that got lost, or a database that cannot notify, costs a delay and nothing else: the
query comes every POLL_S anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from rowport.model.errors import Unavailable
from rowport.model.states import ImportState
from rowport.service.delivering import body_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from rowport.model.events import Event
    from rowport.ports.telling import Listener
    from rowport.service.events import Events

log = logging.getLogger(__name__)

POLL_S: Final = 2.0
PAUSE_S: Final = 0.05
"""Between two queries: what comes meanwhile is read together."""
PAGE: Final = 1000
LONGEST: Final = 1000
"""Events that may wait for one watcher; who is further behind has to come back."""
SLOW: Final = "too far behind; come back with the last event id"
STOPPING: Final = "the server stops; come back with the last event id"


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is sent: made once, for however many watchers."""

    position: int
    ends: bool
    """After it the import has ended."""
    text: bytes

    @classmethod
    def of(cls, event: Event) -> Self:
        """Write an event down as server-sent events are."""
        head = f"id: {event.position}\nevent: {event.kind}\ndata: ".encode()
        return cls(
            event.position,
            ImportState(str(event.data["state"])).is_final,
            head + body_of(event) + b"\n\n",  # JSON has no line end outside of its escapes
        )


class Watcher:
    """One who watches: what is new for it, and why nothing more comes."""

    __slots__ = ("_new", "_woken", "why_over")

    def __init__(self) -> None:
        self._new: list[Told] = []
        self._woken = asyncio.Event()
        self.why_over: str | None = None

    def tell(self, told: Told) -> None:
        """Add what is new; one who does not read is given up, so that it costs no more."""
        if len(self._new) >= LONGEST:
            self.end(SLOW)
        elif self.why_over is None:
            self._new.append(told)
            self._woken.set()

    def end(self, why: str) -> None:
        """Tell it nothing more."""
        self._new.clear()
        self.why_over = self.why_over or why
        self._woken.set()

    async def wait(self, timeout_s: float) -> Sequence[Told]:
        """Give what is new, in order; nothing when time is up or it is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        new, self._new = self._new, []
        if self.why_over is None:
            self._woken.clear()
        return new


class Broadcast:
    """Hands new events on; works while somebody watches, and belongs to one event loop."""

    def __init__(self, find_events: Callable[[], Events]) -> None:
        self._find_events = find_events
        self._watchers: dict[tuple[UUID, UUID | None], set[Watcher]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._has_begun = asyncio.Event()
        self._is_stopping = False

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return sum(map(len, self._watchers.values()))

    @contextmanager
    def watch(self, organization_id: UUID, import_id: UUID | None) -> Iterator[Watcher]:
        """Watch one import, or all of an organization, for as long as the context is open."""
        watcher, key = Watcher(), (organization_id, import_id)
        self._watchers[key].add(watcher)
        if self._is_stopping:
            watcher.end(STOPPING)
        elif self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            yield watcher
        finally:
            self._watchers[key].discard(watcher)
            if not self._watchers[key]:
                del self._watchers[key]

    async def begun(self) -> None:
        """Wait until everything that is published from now on reaches who watches."""
        await self._has_begun.wait()

    def stop(self) -> None:
        """Tell all who watch that the server stops; those who come later are told at once."""
        self._is_stopping = True
        self._end_all()
        self._has_begun.set()

    async def _run(self) -> None:
        events = self._find_events()
        listener = events.listen()
        # A thread of its own: waiting would take one from all others.
        threads = ThreadPoolExecutor(1, thread_name_prefix="events")
        try:
            await self._hand_on(events, listener, threads)
        except Exception as error:  # noqa: BLE001  whoever watches must learn that nothing comes
            log.error("handing on events met %s", type(error).__name__)  # noqa: TRY400  no values
        finally:
            self._task = None
            self._has_begun.clear()
            self._end_all()
            threads.submit(listener.close)
            threads.shutdown(wait=False)

    async def _hand_on(
        self, events: Events, listener: Listener, threads: ThreadPoolExecutor
    ) -> None:
        loop, position, found = asyncio.get_running_loop(), -1, 0
        read = partial(events.after_of_all, limit=PAGE)
        while self._watchers and not self._is_stopping:
            try:
                if found < PAGE:
                    # The first call only begins to listen, before the position is read.
                    await loop.run_in_executor(threads, listener.wait, POLL_S)
            except Unavailable:
                await asyncio.sleep(POLL_S)  # it can perhaps be asked, if not heard
            try:
                if position < 0:
                    position = await loop.run_in_executor(threads, events.newest_of_all)
                    self._has_begun.set()
                new = await loop.run_in_executor(threads, read, position)
            except Unavailable:
                continue  # behind the same position, once it is back
            for event in new:
                self._tell(event)
            position, found = new[-1].position if new else position, len(new)
            await asyncio.sleep(PAUSE_S)

    def _tell(self, event: Event) -> None:
        organization_id = event.organization_id
        watchers = [
            *self._watchers.get((organization_id, None), ()),
            *self._watchers.get((organization_id, event.import_id), ()),
        ]
        if watchers:
            told = Told.of(event)
            for watcher in watchers:
                watcher.tell(told)

    def _end_all(self) -> None:
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end(STOPPING)
