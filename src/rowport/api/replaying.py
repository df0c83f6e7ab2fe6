"""`Idempotency-Key`: a POST that is sent again is done once, and answered as it was.

Source: draft-ietf-httpapi-idempotency-key-header.  It stands before the handlers, so no route can
forget it.  What is refused (4xx) did nothing and keeps no answer.  What was cut off (5xx, a client
that left) may have done something: its repetition makes the thing under the same id.
"""

import hashlib
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.datastructures import UploadFile
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send

from rowport.api.forms import PART_BYTES, read_fields
from rowport.api.guard import SCOPE, Gate
from rowport.model.errors import Invalid
from rowport.ports.faces import StoredReplay
from rowport.service import Services
from rowport.wire.bodies import read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = (b"idempotent-replayed", b"true")
UNREPEATED: Final = {"repeats": False}
"""What a route declares whose answer must not be kept."""
LONGEST_KEY: Final = 255
LARGEST_BODY: Final = 64 * 1024 * 1024
"""Of what is no form: forms lie on the disk, everything else in memory."""
KEPT_HEADERS: Final = frozenset({"content-type", "location", "etag"})
REFUSED: Final = 400
BROKEN: Final = 500
SUBJECT: Final = "subject"


class Replaying:
    """An ASGI application around a route."""

    def __init__(self, app: ASGIApp, services: Services, gate: Gate) -> None:
        self._app = app
        self._services = services
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != HttpMethod.POST:
            await self._app(scope, receive, send)
            return
        key = key_of(ASGIConnection(scope))
        if key is None or scope["route_handler"].opt.get(SCOPE) is None:
            await self._app(scope, receive, send)
            return
        await self._once(scope, receive, send, key)

    async def _once(self, scope: HTTPScope, receive: Receive, send: Send, key: str) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive=receive, send=send)
        services = self._services
        handler = scope["route_handler"]
        principal = await self._gate.admit(request, handler)
        if not handler.opt.get("repeats", True):
            raise Invalid(f"This takes no {HEADER}: its answer holds a secret that nobody keeps.")
        hear, digest = await _read(request)
        place = {"face": f"native:{principal.token_id}", "key": key}
        organization_id, replays = principal.organization.id, services.replays

        def begin() -> StoredReplay:
            return replays.begin(organization_id, request_sha256=digest, **place)

        kept = await sync_to_thread(begin)
        if kept.status is not None:
            await _say_again(kept, send)
            return
        request.state[SUBJECT] = kept.subject
        heard = Overheard(send)

        def settle() -> None:
            if heard.status >= BROKEN or not heard.is_whole:
                replays.release(organization_id, **place)
            elif heard.status >= REFUSED:
                replays.drop(organization_id, **place)
            else:
                replays.keep(
                    organization_id,
                    status=heard.status,
                    headers=heard.headers,
                    body=bytes(heard.body),
                    **place,
                )

        heard.before_the_end = settle
        try:
            await self._app(scope, hear, heard.say)
        finally:
            if not heard.is_whole:
                await sync_to_thread(settle)


class Overheard:
    """An answer on its way; whoever has its last part can rely on it having been kept."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = BROKEN
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.is_whole = False
        self.before_the_end: Callable[[], None] = lambda: None

    async def say(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            said = ((name.decode().lower(), value.decode()) for name, value in message["headers"])
            self.headers = {name: value for name, value in said if name in KEPT_HEADERS}
        elif message["type"] == "http.response.body":
            self.body += message["body"]
            if not message.get("more_body"):
                self.is_whole = True
                await sync_to_thread(self.before_the_end)
        await self._send(message)


def key_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """Give the request's key; None when it has none.

    Raises:
        Invalid: it is sent twice, is empty or too long, or is not of visible characters.
    """
    said = connection.headers.getall(HEADER, [])
    if not said:
        return None
    key: str = said[0].strip()
    if (
        len(said) > 1
        or not 1 <= len(key) <= LONGEST_KEY
        or not (key.isascii() and key.isprintable())
    ):
        raise Invalid(f"{HEADER} is sent once, with 1 to {LONGEST_KEY} visible ASCII characters.")
    return key


def subject_of(connection: ASGIConnection[Any, Any, Any, Any]) -> UUID | None:
    """Give the id that what the request makes is to have; None: any."""
    found: UUID | None = connection.state.get(SUBJECT)
    return found


async def _read(request: Request[Any, Any, Any]) -> tuple[Receive, str]:
    """Give a body for the handler to read, and a digest of what is asked for.

    A form is compared by its parts: each sending has another boundary between them.
    """
    asked = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    if request.content_type[0] == "multipart/form-data":
        fields = await read_fields(request)  # the handler finds it read
        await sync_to_thread(_add_fields, asked, fields)
        return request.receive, asked.hexdigest()
    body = await read_bytes(request, most_bytes=LARGEST_BODY)
    asked.update(body)

    async def hear() -> ReceiveMessage:
        return {"type": "http.request", "body": body, "more_body": False}

    return hear, asked.hexdigest()


def _add_fields(asked: Any, fields: dict[str, list[Any]]) -> None:  # noqa: ANN401  a hash has no public type
    for name, values in sorted(fields.items()):
        for value in values:
            if isinstance(value, UploadFile):
                asked.update(f"{name!r} {value.filename!r} {value.content_type!r}\n".encode())
                while part := value.file.read(PART_BYTES):
                    asked.update(part)
                value.file.seek(0)
            else:
                asked.update(f"{name!r}={value!r}".encode())
            asked.update(b"\n\0\n")


async def _say_again(kept: StoredReplay, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in kept.headers.items()]
    length = (b"content-length", str(len(kept.body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": kept.status or BROKEN,
            "headers": [*headers, length, REPLAYED],
        }
    )
    await send({"type": "http.response.body", "body": kept.body, "more_body": False})
