"""`/v1/imports`: create one from a file, look at one, page through all."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_202_ACCEPTED,
    HTTP_304_NOT_MODIFIED,
)

from rowport.api.desk import Desk, GivenDesk
from rowport.api.forms import NewImport, read_form
from rowport.api.replaying import subject_of
from rowport.model.access import Scope
from rowport.model.errors import Invalid
from rowport.model.imports import Import, Priority
from rowport.model.uploads import Upload
from rowport.ports.ledger import Circumstances
from rowport.service.preparing import JSON_LINES, json_lines
from rowport.wire.bodies import read_json
from rowport.wire.cursors import cursor_after, read_cursor
from rowport.wire.etags import etag_of, is_known
from rowport.wire.ids import import_id as read_id
from rowport.wire.import_bodies import ImportBody, SourceBody, read_options
from rowport.wire.import_options import read_word
from rowport.wire.polling import read_wait, retry_after
from rowport.wire.resources import import_resource

PATH: Final = "/v1/imports"
DEFAULT_LIMIT: Final = 50
LARGEST_LIMIT: Final = 200
LARGEST_BODY: Final = 16 * 1024 * 1024
"""Of JSON; what is larger is sent as a file or an upload."""
FIRST_PAUSE_S: Final = 0.05
LAST_PAUSE_S: Final = 1.0
LIST_WORDS: Final = frozenset({"limit", "cursor"})


@post(PATH, status_code=HTTP_202_ACCEPTED, opt={"scope": Scope.IMPORT_WRITE})
async def create_import(
    request: Request[Any, Any, Any], desk: GivenDesk
) -> Response[dict[str, object]]:
    """Take a file, an upload or rows and start an import; workers do the rest."""
    refuse_unknown(request, frozenset())
    if request.content_type[0] == "application/json":
        body = await read_json(request, ImportBody, most_bytes=LARGEST_BODY)
        imported = await asyncio.to_thread(_create_as_told, desk, body, subject_of(request))
    else:
        async with read_form(request) as wanted:
            imported = await asyncio.to_thread(_create, desk, wanted, subject_of(request))
    headers = {"Location": f"{PATH}/{imported.id}"}
    if wait_s := read_wait(request.headers):
        headers["Preference-Applied"] = f"wait={wait_s}"
        imported = await _wait(desk, imported, wait_s)
    document = import_resource(imported)
    headers |= {"ETag": etag_of(document), **retry_after(imported)}
    status = HTTP_200_OK if imported.state.is_final else HTTP_202_ACCEPTED
    return Response(document, status_code=status, headers=headers)


async def _wait(desk: Desk, imported: Import, wait_s: int) -> Import:
    """Give the import once it has ended, or as it is when the time is over."""
    loop = asyncio.get_running_loop()
    deadline, pause_s = loop.time() + wait_s, FIRST_PAUSE_S
    while not imported.state.is_final and (left := deadline - loop.time()) > 0:
        await asyncio.sleep(min(pause_s, left))
        pause_s = min(pause_s * 1.5, LAST_PAUSE_S)
        imports = desk.services.imports
        imported = await asyncio.to_thread(imports.look, desk.organization_id, imported.id)
    return imported


def _create(desk: Desk, wanted: NewImport, import_id: UUID | None) -> Import:
    return desk.services.imports.create(
        desk.organization_id,
        wanted.type_name,
        file_name=wanted.file_name,
        parts=wanted.parts(),
        options=wanted.options,
        media_type=wanted.media_type,
        import_id=import_id,
        around=Circumstances(priority=wanted.priority),
    )


def _create_as_told(desk: Desk, body: ImportBody, import_id: UUID | None) -> Import:
    options = read_options(body)
    file_name, media_type, parts = _file_of(desk, body.source)
    return desk.services.imports.create(
        desk.organization_id,
        body.type,
        file_name=file_name,
        parts=parts,
        options=options,
        media_type=media_type,
        import_id=import_id,
        around=Circumstances(
            name=body.name,
            priority=read_word(Priority, "priority", body.priority),
            starts_by_itself=body.start == "auto",
        ),
    )


def _file_of(desk: Desk, source: SourceBody) -> tuple[str, str | None, Iterator[bytes] | Upload]:
    if source.upload is None:
        return "rows.jsonl", JSON_LINES, json_lines(source.rows or [])
    identity = read_id(source.upload, of="an upload")
    upload = desk.services.uploads.get(desk.organization_id, identity)
    return upload.name or "upload", upload.media_type, upload


@get(PATH + "/{import_id:str}", sync_to_thread=True, opt={"scope": Scope.IMPORT_READ})
def get_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> Response[dict[str, object] | None]:
    """Give one import."""
    refuse_unknown(request, frozenset())
    imported = explained(desk, read_id(import_id))
    document = import_resource(imported)
    headers = {"ETag": etag_of(document), **retry_after(imported)}
    if is_known(request.headers, headers["ETag"]):
        return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(document, headers=headers)


def explained(desk: Desk, import_id: UUID) -> Import:
    """Give an import with what it waits for."""
    imported = desk.services.imports.look(desk.organization_id, import_id)
    [found] = desk.services.waits.explain(desk.organization_id, [imported])
    return found


@get(PATH, sync_to_thread=True, opt={"scope": Scope.IMPORT_READ})
def list_imports(request: Request[Any, Any, Any], desk: GivenDesk) -> dict[str, object]:
    """Give a page of imports, the newest first, and the cursor of the next page."""
    said = refuse_unknown(request, LIST_WORDS)
    limit = read_limit(said.get("limit"))
    after = read_cursor(said["cursor"]) if "cursor" in said else None
    # One more than asked for tells whether there is a next page.
    found = desk.services.imports.list(desk.organization_id, limit=limit + 1, after=after)
    return page(desk.services.waits.explain(desk.organization_id, found), limit=limit)


def page(found: Sequence[Import], *, limit: int) -> dict[str, object]:
    """Say the first `limit` of the imports found, and where the next page begins."""
    shown = found[:limit]
    return {
        "items": [import_resource(imported) for imported in shown],
        "next_cursor": cursor_after(shown[-1]) if len(found) > limit else None,
    }


def refuse_unknown(request: Request[Any, Any, Any], known: frozenset[str]) -> dict[str, str]:
    """Give the query's words.

    Raises:
        Invalid: one is unknown here, or said twice.
    """
    said: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            takes = f"it takes: {', '.join(sorted(known))}" if known else "it takes none"
            raise Invalid(f"the query parameter {name[:60]!r} is unknown here; {takes}")
        if name in said:
            raise Invalid(f"the query parameter {name!r} is given twice")
        said[name] = value
    return said


def read_limit(text: str | None) -> int:
    """Read how many a page may hold.

    Raises:
        Invalid: it is no number from 1 to LARGEST_LIMIT.
    """
    if text is None:
        return DEFAULT_LIMIT
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_LIMIT))
    if not is_number or not 1 <= int(text) <= LARGEST_LIMIT:
        raise Invalid(f"limit is a whole number from 1 to {LARGEST_LIMIT}")
    return int(text)
