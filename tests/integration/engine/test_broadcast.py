"""New events reach everybody who watches in a process, and nobody else costs anything for long."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from rowport.api import broadcast as broadcasting
from rowport.api import events as event_routes
from rowport.api.app import create_app
from rowport.api.broadcast import LONGEST, SLOW, STOPPING, Broadcast
from rowport.model.access import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.integration.engine.conftest import Engine

    from rowport.api.broadcast import Told, Watcher
    from rowport.model.imports import Import

PATIENCE_S = 60.0
ROWS = [("a@x.org", "Ann", "1")]
LISTENERS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND query LIKE 'LISTEN rowport_events%%'"
)


def change(engine: Engine, imported: Import, times: int) -> None:
    """Change an import so many times at once, and publish that."""
    engine.sql(
        "INSERT INTO rowport.events (organization_id, import_id, kind, data) "
        "SELECT i.organization_id, i.id, 'import.phase', rowport.event_data(i) "
        "FROM rowport.imports AS i, generate_series(1, %(times)s) WHERE i.id = %(id)s",
        id=imported.id,
        times=times,
    )
    while engine.works.telling.publish():
        pass


async def read(watcher: Watcher, number: int) -> list[Told]:
    """Read so many events."""
    found: list[Told] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < number:
            found += await watcher.wait(1)
            assert watcher.why_over is None
    return found


def in_time(doing: Coroutine[Any, Any, None]) -> None:
    """Do it, or fail in the end."""
    asyncio.run(asyncio.wait_for(doing, PATIENCE_S))


async def until(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    while not await asyncio.to_thread(what):  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0.02)


def test_each_watcher_is_told_of_its_own(engine: Engine, new_engine: Callable[[], Engine]) -> None:
    engine.put()
    first, second = engine.land(ROWS), engine.land(ROWS)
    other = new_engine().rowport.services.access.ensure_organization("other", "Other")
    broadcast = Broadcast(lambda: engine.rowport.services.events)
    organization = first.organization_id

    async def watch() -> None:
        with (
            broadcast.watch(organization, first.id) as one,
            broadcast.watch(organization, None) as all_of_it,
            broadcast.watch(other.id, None) as nothing,
            broadcast.watch(other.id, first.id) as foreign,
        ):
            await broadcast.begun()
            await asyncio.to_thread(change, engine, first, 2)
            await asyncio.to_thread(change, engine, second, 1)
            mine, ours = await read(one, 2), await read(all_of_it, 3)
            assert ours[:2] == mine
            assert [told.position for told in ours] == sorted({told.position for told in ours})
            assert not await nothing.wait(0.2)
            assert not await foreign.wait(0)
            assert broadcast.watchers == 4
        assert broadcast.watchers == 0

    in_time(watch())


def test_one_connection_listens_for_all_and_none_once_nobody_watches(engine: Engine) -> None:
    engine.put()
    imported = engine.land(ROWS)
    broadcast = Broadcast(lambda: engine.rowport.services.events)

    async def watch() -> None:
        with (
            broadcast.watch(imported.organization_id, None),
            broadcast.watch(imported.organization_id, imported.id),
        ):
            await broadcast.begun()
            assert len(await asyncio.to_thread(engine.sql, LISTENERS)) == 1
        await until(lambda: not engine.sql(LISTENERS))
        with broadcast.watch(imported.organization_id, None) as again:
            await broadcast.begun()
            await asyncio.to_thread(change, engine, imported, 1)
            await read(again, 1)

    in_time(watch())


def test_events_come_though_the_line_was_cut(engine: Engine) -> None:
    engine.put()
    imported = engine.land(ROWS)
    broadcast = Broadcast(lambda: engine.rowport.services.events)

    def cut() -> None:
        for row in engine.sql(LISTENERS):
            engine.sql("SELECT pg_terminate_backend(%(pid)s)", pid=row["pid"])
        change(engine, imported, 1)

    async def watch() -> None:
        with broadcast.watch(imported.organization_id, imported.id) as watcher:
            await broadcast.begun()
            for _ in range(2):
                await asyncio.to_thread(cut)
                assert len(await read(watcher, 1)) == 1

    in_time(watch())


def test_events_are_polled_where_nobody_can_be_heard(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasting, "POLL_S", 0.1)
    engine.put()
    imported = engine.land(ROWS)
    broadcast = Broadcast(lambda: engine.rowport.services.events)

    async def watch() -> None:
        with broadcast.watch(imported.organization_id, imported.id) as watcher:
            await broadcast.begun()
            await asyncio.to_thread(
                engine.sql,  # numbered without a notification
                "UPDATE rowport.events SET position = position + 1000 WHERE import_id = %(id)s",
                id=imported.id,
            )
            await read(watcher, 1)

    in_time(watch())


def test_who_does_not_read_is_given_up(engine: Engine) -> None:
    engine.put()
    imported = engine.land(ROWS)
    broadcast = Broadcast(lambda: engine.rowport.services.events)

    async def watch() -> None:
        with (
            broadcast.watch(imported.organization_id, imported.id) as slow,
            broadcast.watch(imported.organization_id, imported.id) as quick,
        ):
            await broadcast.begun()
            changing = asyncio.create_task(
                asyncio.to_thread(change, engine, imported, LONGEST + 100)
            )
            assert len(await read(quick, LONGEST + 100)) == LONGEST + 100
            await changing
            assert not await slow.wait(1)
            assert (slow.why_over, quick.why_over) == (SLOW, None)

    in_time(watch())


def test_a_server_that_stops_says_so_to_all(engine: Engine) -> None:
    engine.put()
    broadcast = Broadcast(lambda: engine.rowport.services.events)
    organization = engine.rowport.organization.id

    async def watch() -> None:
        with broadcast.watch(organization, None) as watcher:
            await broadcast.begun()
            broadcast.stop()
            await watcher.wait(PATIENCE_S)
            assert watcher.why_over == STOPPING
        with broadcast.watch(organization, None) as late:
            await broadcast.begun()
            assert late.why_over == STOPPING

    in_time(watch())


class Line:
    """A client of the application, without a server between them."""

    def __init__(self, engine: Engine, path: str, *, reads: int = 10**9) -> None:
        rowport = engine.rowport
        self.app = create_app(
            services=rowport.services,
            count_workers=rowport.alive_workers,
        )
        self.broadcast: Broadcast = self.app.state.broadcast
        self.parts: list[bytes] = []
        self.has_hung_up = asyncio.Event()
        access = rowport.services.access
        issued = access.issue_in(
            rowport.organization, name="t", scopes=frozenset({Scope.IMPORT_READ})
        )
        self._headers = [(b"authorization", f"Bearer {issued.secret}".encode())]
        self._path = path
        self._messages = count()
        self._reads = reads

    async def call(self) -> None:
        """Ask, and stay on the line until the answer ends or we hang up."""
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": self._path, "raw_path": self._path.encode(),
            "query_string": b"", "root_path": "", "headers": self._headers,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {},
        }  # fmt: skip
        app: Any = self.app  # whose types ask for more than dictionaries
        await app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, object]:
        if next(self._messages) == 0:
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.has_hung_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if body := message.get("body"):
            self.parts.append(body)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.has_hung_up.set()  # nothing more comes, and servers say so
        if len(self.parts) > self._reads:
            await asyncio.Event().wait()  # as a server does whose client reads no more


def test_heartbeats_come_while_nothing_happens(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_routes, "HEARTBEAT_S", 0.05)

    async def watch() -> None:
        line = Line(engine, "/v1/events")
        call = asyncio.create_task(line.call())
        await until(lambda: line.parts.count(event_routes.HEARTBEAT) >= 3)
        line.has_hung_up.set()
        await call

    in_time(watch())


def test_a_stream_ends_after_an_hour(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_routes, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(event_routes, "LONGEST_S", 0.1)

    async def watch() -> None:
        line = Line(engine, "/v1/events")
        await line.call()
        assert line.parts[-1] == f": {event_routes.LATE}\n\n".encode()

    in_time(watch())


@pytest.mark.parametrize("reads", [2, 10**9], ids=["stuck in the middle", "reading"])
def test_who_hangs_up_is_forgotten(engine: Engine, reads: int) -> None:
    engine.put()
    imported = engine.land(ROWS)

    async def watch() -> None:
        line = Line(engine, f"/v1/imports/{imported.id}/events", reads=reads)
        call = asyncio.create_task(line.call())
        await until(lambda: line.broadcast.watchers == 1)
        await until(lambda: len(line.parts) >= 2)  # its beginning is told
        await asyncio.to_thread(change, engine, imported, 1)
        await until(lambda: len(line.parts) >= 3)
        line.has_hung_up.set()
        await call
        await until(lambda: line.broadcast.watchers == 0)

    in_time(watch())
