"""`/v1/imports`: create one from a file, look at one, page through all."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_202_ACCEPTED

from rowport.api.desk import Desk, GivenDesk
from rowport.api.forms import NewImport, read_form
from rowport.api.replaying import subject_of
from rowport.model.access import Scope
from rowport.model.errors import Invalid
from rowport.model.imports import Import
from rowport.ports.ledger import Circumstances
from rowport.wire.cursors import cursor_after, read_cursor
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import import_resource

PATH: Final = "/v1/imports"
DEFAULT_LIMIT: Final = 50
LARGEST_LIMIT: Final = 200
LIST_WORDS: Final = frozenset({"limit", "cursor"})


@post(PATH, status_code=HTTP_202_ACCEPTED, opt={"scope": Scope.IMPORT_WRITE})
async def create_import(
    request: Request[Any, Any, Any], desk: GivenDesk
) -> Response[dict[str, object]]:
    """Take a file and start its import; workers do the rest."""
    refuse_unknown(request, frozenset())
    async with read_form(request) as wanted:
        imported = await asyncio.to_thread(_create, desk, wanted, subject_of(request))
    return Response(import_resource(imported), headers={"Location": f"{PATH}/{imported.id}"})


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


@get(PATH + "/{import_id:str}", sync_to_thread=True, opt={"scope": Scope.IMPORT_READ})
def get_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Give one import."""
    refuse_unknown(request, frozenset())
    imported = desk.services.imports.look(desk.organization_id, read_id(import_id))
    [explained] = desk.services.waits.explain(desk.organization_id, [imported])
    return import_resource(explained)


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
