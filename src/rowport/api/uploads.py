"""`/v1/uploads`: files that arrive in parts, by tus 1.0."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post, route
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.status_codes import HTTP_201_CREATED, HTTP_204_NO_CONTENT
from litestar.types import ExceptionHandlersMap

from rowport.api.desk import Desk, GivenDesk
from rowport.api.guard import OPEN
from rowport.api.imports import refuse_unknown
from rowport.api.mistakes import HANDLERS
from rowport.model.access import Scope
from rowport.model.errors import Invalid, RowportError, TooSlow
from rowport.model.uploads import Upload
from rowport.service.uploads import ALGORITHMS
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import Document, upload_resource
from rowport.wire.tus import (
    EXTENSIONS,
    RESUMABLE,
    VERSION,
    check_is_part,
    check_version,
    read_announced,
    read_checksum,
    read_metadata,
    read_number,
    upload_headers,
)

log = logging.getLogger(__name__)

PATH: Final = "/v1/uploads"
ONE: Final = PATH + "/{upload_id:str}"
LOOK: Final = {"scope": Scope.IMPORT_READ}
WRITE: Final = {"scope": Scope.IMPORT_WRITE}
BLOCK_BYTES: Final = 512 * 1024
STALLED_S: Final = 30.0
"""Whoever sends nothing for so long is told to come back; what arrived is kept."""


def _told(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer an error as everywhere, with the headers that tus wants on every answer."""
    kind = next(kind for kind in HANDLERS if isinstance(kind, type) and isinstance(error, kind))
    answer: Response[Any] = HANDLERS[kind](request, error)
    answer.headers.update(RESUMABLE | {"Tus-Version": VERSION})
    return answer


TOLD: Final[ExceptionHandlersMap] = {RowportError: _told, HTTPException: _told, Exception: _told}


@route(
    PATH,
    http_method=[HttpMethod.OPTIONS],
    status_code=HTTP_204_NO_CONTENT,
    sync_to_thread=True,
    opt=OPEN,
)
def upload_options(desk: GivenDesk) -> Response[None]:
    """Say what of tus is spoken here."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Max-Size": str(desk.services.uploads.most_bytes),
        "Tus-Extension": EXTENSIONS,
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return Response(None, headers=RESUMABLE | headers)


@post(PATH, status_code=HTTP_201_CREATED, opt=WRITE, exception_handlers=TOLD)
async def create_upload(request: Request[Any, Any, Any], desk: GivenDesk) -> Response[Document]:
    """Make an upload, with its first part where the body holds one."""
    refuse_unknown(request, frozenset())
    check_version(request.headers)
    has_part = bool(request.headers.get("content-type"))
    if has_part:
        check_is_part(request.headers)
    told = read_metadata(request.headers)
    upload = await asyncio.to_thread(
        desk.services.uploads.create,
        desk.organization_id,
        size_bytes=read_number(request.headers, "Upload-Length"),
        metadata=request.headers.get("upload-metadata", ""),
        name=told.get("filename") or told.get("name"),
        media_type=told.get("filetype") or told.get("type"),
    )
    if has_part or upload.size_bytes == 0:
        upload = await _receive(request, desk, upload.id, offset=0)
    headers = {"Location": f"{PATH}/{upload.id}", **upload_headers(upload)}
    return Response(upload_resource(upload), headers=headers)


@get(ONE, sync_to_thread=True, opt=LOOK, exception_handlers=TOLD)
def get_upload(
    request: Request[Any, Any, Any], desk: GivenDesk, upload_id: FromPath[str]
) -> Response[Document]:
    """Say how far an upload is."""
    refuse_unknown(request, frozenset())
    identity = read_id(upload_id, of="an upload")
    upload = desk.services.uploads.get(desk.organization_id, identity)
    return Response(upload_resource(upload), headers=upload_headers(upload))


@patch(ONE, status_code=HTTP_204_NO_CONTENT, opt=WRITE, exception_handlers=TOLD)
async def write_upload(
    request: Request[Any, Any, Any], desk: GivenDesk, upload_id: FromPath[str]
) -> Response[None]:
    """Take the next part of an upload; what arrived of it is kept though it be cut off."""
    refuse_unknown(request, frozenset())
    check_version(request.headers)
    check_is_part(request.headers)
    offset = read_number(request.headers, "Upload-Offset")
    identity = read_id(upload_id, of="an upload")
    upload = await _receive(request, desk, identity, offset=offset)
    return Response(None, headers=upload_headers(upload))


@delete(
    ONE, status_code=HTTP_204_NO_CONTENT, sync_to_thread=True, opt=WRITE, exception_handlers=TOLD
)
def delete_upload(
    request: Request[Any, Any, Any], desk: GivenDesk, upload_id: FromPath[str]
) -> Response[None]:
    """Drop an upload; what was imported from it stays."""
    refuse_unknown(request, frozenset())
    check_version(request.headers)
    desk.services.uploads.delete(desk.organization_id, read_id(upload_id, of="an upload"))
    return Response(None, headers=RESUMABLE)


async def _receive(
    request: Request[Any, Any, Any], desk: Desk, upload_id: UUID, *, offset: int
) -> Upload:
    receiving = await asyncio.to_thread(
        desk.services.uploads.receive,
        desk.organization_id,
        upload_id,
        offset=offset,
        announced=read_announced(request.headers),
        checksum=read_checksum(request.headers),
    )
    try:
        async for block in _blocks(request):
            await asyncio.to_thread(receiving.take, block)
        return await asyncio.to_thread(receiving.end)
    finally:
        await asyncio.shield(asyncio.to_thread(receiving.close))


async def _blocks(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """Give the body in blocks that are worth a write; what was cut off comes before the error.

    Raises:
        Invalid: the connection ended before the body.
        TooSlow: nothing comes any more.
    """
    block = bytearray()
    fault: Invalid | None = None
    is_open = True
    while is_open and fault is None:
        try:
            async with asyncio.timeout(STALLED_S):
                message = await request.receive()
        except TimeoutError:
            fault = TooSlow(f"Nothing came for {STALLED_S:.0f} seconds; go on where it stopped.")
            continue
        if message["type"] != "http.request":
            fault = Invalid("The connection ended before the body did.")
            continue
        block += message["body"]
        is_open = message.get("more_body", False)
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
    if fault is not None:
        raise fault
