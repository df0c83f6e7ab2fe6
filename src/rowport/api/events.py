"""`/v1/events` and `/v1/imports/{import_id}/events`: what happens, as it happens or by the page."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from litestar.response import Stream
from litestar.status_codes import HTTP_204_NO_CONTENT

from rowport.api.broadcast import Broadcast, Told
from rowport.api.desk import Desk, GivenDesk
from rowport.api.imports import PATH, read_limit, refuse_unknown
from rowport.model.access import Scope
from rowport.model.errors import Invalid, Unavailable
from rowport.wire.ids import import_id as read_id
from rowport.wire.webhook_resources import event_resource

EVENT_STREAM: Final = "text/event-stream"
JSON: Final = "application/json"
WORDS: Final = frozenset({"after", "cursor", "limit"})
LONGEST_POSITION: Final = 18
"""Digits; one more would not fit the database."""
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # or nginx would collect events before it passes them on
}
RETRY: Final = b"retry: 1000\n\n"
HEARTBEAT: Final = b": still here\n\n"
HEARTBEAT_S: Final = 15.0
LONGEST_S: Final = 3600.0
"""Then the reader comes back and shows its token again."""
KEPT_PAGE: Final = 500
ENDED: Final = "the import has ended"
LATE: Final = "an hour has passed; come back with the last event id"
AWAY: Final = "the database does not answer; come back with the last event id"

GivenBroadcast = NamedDependency[SkipValidation[Broadcast]]
"""Who hands new events on, as a handler's argument."""


@get(PATH + "/{import_id:str}/events", opt={"scope": Scope.IMPORT_READ})
async def follow_import(
    request: Request[Any, Any, Any],
    desk: GivenDesk,
    broadcast: GivenBroadcast,
    import_id: FromPath[str],
) -> Response[Any]:
    """Tell what happens to an import, until it has ended."""
    asked, identity = Asked.by(request), read_id(import_id)
    is_over = await asyncio.to_thread(
        desk.services.events.is_all_told, desk.organization_id, identity, asked.position or 0
    )
    if not asked.wants_stream:
        return Response(await asyncio.to_thread(_page, desk, identity, asked))
    if is_over:
        # An EventSource comes back after every end of a stream; this tells it not to.
        return Response(None, status_code=HTTP_204_NO_CONTENT)
    return _stream(desk, broadcast, identity, asked.position or 0)


@get("/v1/events", opt={"scope": Scope.IMPORT_READ})
async def follow_all(
    request: Request[Any, Any, Any], desk: GivenDesk, broadcast: GivenBroadcast
) -> Response[Any]:
    """Tell what happens in the organization."""
    asked = Asked.by(request)
    if not asked.wants_stream:
        return Response(await asyncio.to_thread(_page, desk, None, asked))
    position = asked.position
    if position is None:
        position = await asyncio.to_thread(desk.services.events.newest, desk.organization_id)
    return _stream(desk, broadcast, None, position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request wants to be told."""

    position: int | None
    """Behind which; None: it did not say."""
    limit: int
    wants_stream: bool

    @classmethod
    def by(cls, request: Request[Any, Any, Any]) -> "Asked":
        """Read a request.

        Raises:
            Invalid: it says what is unknown or cannot be.
        """
        said = refuse_unknown(request, WORDS)
        if "after" in said and "cursor" in said:
            raise Invalid("give `cursor` to go on behind a page, or `after` behind an event")
        # The header first: an EventSource that comes back repeats its address besides.
        behind = request.headers.get("last-event-id") or said.get("after", said.get("cursor"))
        return cls(
            position=_read_position(behind),
            limit=read_limit(said.get("limit")),
            wants_stream=request.accept.best_match([EVENT_STREAM, JSON]) != JSON,
        )


def _read_position(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_POSITION):
        raise Invalid("the last event id (or `after`) is the number that an event came with")
    return int(text)


def _page(desk: Desk, import_id: UUID | None, asked: Asked) -> dict[str, object]:
    found = desk.services.events.after(
        desk.organization_id,
        asked.position or 0,
        import_id=import_id,
        limit=asked.limit + 1,  # one more than asked for tells whether there is a next page
    )
    shown = found[: asked.limit]
    return {
        "items": [event_resource(event) for event in shown],
        "next_cursor": str(shown[-1].position) if len(found) > asked.limit else None,
    }


def _stream(desk: Desk, broadcast: Broadcast, import_id: UUID | None, position: int) -> Stream:
    text = Following(desk=desk, broadcast=broadcast, import_id=import_id, position=position).text()

    async def let_go() -> None:
        await text.aclose()  # of one who hung up while it was sent to, nobody else would

    return Stream(text, media_type=EVENT_STREAM, headers=HEADERS, background=BackgroundTask(let_go))


@dataclass(slots=True, kw_only=True)
class Following:
    """One reader of a stream: first what is kept, then what is new."""

    desk: Desk
    broadcast: Broadcast
    import_id: UUID | None
    position: int
    """Up to which it has been told everything."""
    _ends_with: bool = False
    """Whether the import had ended with what was told last."""

    async def text(self) -> AsyncGenerator[bytes, None]:
        """Give the stream's parts; the last one says why it ends."""
        yield RETRY
        until = time.monotonic() + LONGEST_S
        why = ENDED
        try:
            async for part in self._kept():
                yield part
            if not self._is_over():
                with self.broadcast.watch(self.desk.organization_id, self.import_id) as watcher:
                    await self.broadcast.begun()
                    # What was published between the last look and now.
                    async for part in self._kept():
                        yield part
                    while not self._is_over() and watcher.why_over is None:
                        new = await watcher.wait(HEARTBEAT_S)
                        if watcher.why_over is None:
                            yield self._noted(new) or HEARTBEAT
                        if time.monotonic() > until:
                            watcher.end(LATE)
                    why = watcher.why_over or ENDED
        except Unavailable:
            why = AWAY
        yield b": " + why.encode() + b"\n\n"

    async def _kept(self) -> AsyncIterator[bytes]:
        found = KEPT_PAGE
        while found == KEPT_PAGE:
            page = await asyncio.to_thread(
                self.desk.services.events.after,
                self.desk.organization_id,
                self.position,
                import_id=self.import_id,
                limit=KEPT_PAGE,
            )
            found = len(page)
            if page:
                yield self._noted([Told.of(event) for event in page])

    def _noted(self, told: Sequence[Told]) -> bytes:
        """Give what of this was not told before, and note that it is now."""
        new = [each for each in told if each.position > self.position]
        if new:
            self.position, self._ends_with = new[-1].position, new[-1].ends
        return b"".join(each.text for each in new)

    def _is_over(self) -> bool:
        return self._ends_with and self.import_id is not None
