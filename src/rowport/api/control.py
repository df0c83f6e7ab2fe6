"""`/v1/imports/{id}/pause` and its like: steer an import."""

import asyncio
from typing import Any, Final

import msgspec
from litestar import Request, patch, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_202_ACCEPTED

from rowport.api.desk import GivenDesk
from rowport.api.forms import read_file_form
from rowport.api.imports import PATH, refuse_unknown
from rowport.model.access import Scope
from rowport.model.imports import Priority
from rowport.wire.bodies import read_json
from rowport.wire.ids import import_id as read_id
from rowport.wire.import_options import read_word
from rowport.wire.resources import import_resource

ONE: Final = PATH + "/{import_id:str}"
RUN: Final = {"scope": Scope.IMPORT_RUN}
LARGEST_CHANGE: Final = 4096


class ChangeBody(msgspec.Struct, forbid_unknown_fields=True):
    """What can be changed of an import that is on its way."""

    priority: str


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


@patch(ONE, opt=RUN)
async def change_import(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Change how urgent an import is."""
    refuse_unknown(request, frozenset())
    body = await read_json(request, ChangeBody, most_bytes=LARGEST_CHANGE)
    imported = await asyncio.to_thread(
        desk.services.control.set_priority,
        desk.organization_id,
        read_id(import_id),
        read_word(Priority, "priority", body.priority),
    )
    return import_resource(imported)


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
