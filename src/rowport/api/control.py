"""`/v1/imports/{id}/pause` and its like: steer an import."""

import asyncio
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, patch, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_202_ACCEPTED

from rowport.api.desk import Desk, GivenDesk
from rowport.api.forms import read_file_form
from rowport.api.imports import PATH, explained, refuse_unknown
from rowport.model.access import Scope
from rowport.model.imports import Import, Priority
from rowport.service.access import require
from rowport.wire.bodies import read_json
from rowport.wire.etags import check_change as check_tags
from rowport.wire.etags import etag_of
from rowport.wire.ids import import_id as read_id
from rowport.wire.import_bodies import ChangeBody, check_change, read_mapping
from rowport.wire.import_options import read_word
from rowport.wire.resources import import_resource

ONE: Final = PATH + "/{import_id:str}"
RUN: Final = {"scope": Scope.IMPORT_RUN}
LARGEST_CHANGE: Final = 1024 * 1024


@post(ONE + "/pause", status_code=HTTP_202_ACCEPTED, sync_to_thread=True, opt=RUN)
def pause_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Stop an import until it is resumed."""
    refuse_unknown(request, frozenset())
    control = desk.services.control
    return import_resource(control.pause(desk.organization_id, read_id(import_id), by=desk.who))


@post(ONE + "/resume", status_code=HTTP_202_ACCEPTED, sync_to_thread=True, opt=RUN)
def resume_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Let a paused import go on."""
    refuse_unknown(request, frozenset())
    return import_resource(desk.services.control.resume(desk.organization_id, read_id(import_id)))


@post(ONE + "/start", status_code=HTTP_202_ACCEPTED, sync_to_thread=True, opt=RUN)
def start_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Start an import that waits for it."""
    refuse_unknown(request, frozenset())
    preparing = desk.services.preparing
    return import_resource(preparing.start(desk.organization_id, read_id(import_id)))


@patch(ONE, opt={"scope": Scope.IMPORT_WRITE})
async def change_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> Response[dict[str, object]]:
    """Change what an import is called, how it is mapped, or how urgent it is."""
    refuse_unknown(request, frozenset())
    body = await read_json(request, ChangeBody, most_bytes=LARGEST_CHANGE)
    check_change(body)
    if body.priority is not None:
        require(desk.principal, Scope.IMPORT_RUN)
    imported = await asyncio.to_thread(_change, request, desk, read_id(import_id), body)
    document = import_resource(imported)
    return Response(document, headers={"ETag": etag_of(document)})


def _change(
    request: Request[Any, Any, Any], desk: Desk, import_id: UUID, body: ChangeBody
) -> Import:
    known = explained(desk, import_id)
    check_tags(request.headers, etag_of(import_resource(known)))
    imported, place = known, (desk.organization_id, import_id)
    preparing = desk.services.preparing
    if body.mapping is not None:
        mapping = read_mapping(body.mapping)
        imported = preparing.set_mapping(*place, mapping, name=body.name, known=known)
    elif body.name is not None:
        imported = preparing.rename(*place, body.name, known=known)
    if body.priority is not None:
        priority = read_word(Priority, "priority", body.priority)
        imported = desk.services.control.set_priority(*place, priority)
    return explained(desk, imported.id)


@post(ONE + "/cancel", status_code=HTTP_202_ACCEPTED, sync_to_thread=True, opt=RUN)
def cancel_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """End an import; what is loaded stays."""
    refuse_unknown(request, frozenset())
    imports = desk.services.imports
    return import_resource(imports.cancel(desk.organization_id, read_id(import_id), by=desk.who))


@post(ONE + "/retry", status_code=HTTP_202_ACCEPTED, sync_to_thread=True, opt=RUN)
def retry_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Try again what failed or was never processed."""
    refuse_unknown(request, frozenset())
    rounds = desk.services.rounds
    return import_resource(rounds.retry(desk.organization_id, read_id(import_id), by=desk.who))


@post(ONE + "/undo", status_code=HTTP_202_ACCEPTED, sync_to_thread=True, opt=RUN)
def undo_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Give back what was before an import."""
    refuse_unknown(request, frozenset())
    undos = desk.services.undos
    return import_resource(undos.undo(desk.organization_id, read_id(import_id), by=desk.who))


@post(ONE + "/fix", status_code=HTTP_202_ACCEPTED, opt={"scope": Scope.IMPORT_WRITE})
async def fix_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Try failed rows again as they stand in a mended failed-rows file."""
    refuse_unknown(request, frozenset())
    identity = read_id(import_id)
    async with read_file_form(request) as sent:
        imported = await asyncio.to_thread(
            desk.services.rounds.fix,
            desk.organization_id,
            identity,
            file_name=sent.file_name,
            parts=sent.parts(),
            by=desk.who,
        )
    return import_resource(imported)
