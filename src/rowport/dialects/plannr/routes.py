"""The endpoints; each lets the request in, asks the service and presents what it says."""

import asyncio
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from rowport.dialects.plannr.asking import Document, base_of, enter, reply
from rowport.dialects.plannr.facets import types_of, zone_of
from rowport.dialects.plannr.gathering import gather
from rowport.dialects.plannr.mapping import read_body
from rowport.dialects.plannr.present import import_document, index_document
from rowport.dialects.plannr.queries import read_list
from rowport.dialects.plannr.steps import find, map_columns, once_read, start
from rowport.dialects.plannr.uploads import create, receive
from rowport.model.access import Principal, Scope
from rowport.model.imports import Import
from rowport.wire.dialect import Front, GivenFront
from rowport.wire.laravel import resource_page
from rowport.wire.php import kept_query
from rowport.wire.queries import query_items

PATH: Final = "/api/v1/import"


@post(PATH, status_code=200)
async def create_import(request: Request[Any, Any, Any], front: GivenFront) -> Response[Document]:
    """Take a file; it has to be mapped before it can be started."""
    principal = await asyncio.to_thread(enter, request, front, Scope.IMPORT_WRITE)
    async with receive(request) as form:
        job = await asyncio.to_thread(create, front.services, principal, form)
    job = await once_read(front.services, job)
    return await asyncio.to_thread(_shown, request, front, principal, job)


@post(PATH + "/map/{import_uuid:str}", status_code=200)
async def map_import(
    request: Request[Any, Any, Any], front: GivenFront, import_uuid: FromPath[str]
) -> Response[Document]:
    """Say which CSV header feeds which field."""
    principal = await asyncio.to_thread(enter, request, front, Scope.IMPORT_WRITE)
    found = await asyncio.to_thread(find, front.services, principal.organization.id, import_uuid)
    body = await read_body(request)
    found = await once_read(front.services, found)
    job = await asyncio.to_thread(map_columns, front.services, found, body)
    return await asyncio.to_thread(_shown, request, front, principal, job)


@post(PATH + "/start/{import_uuid:str}", status_code=200)
async def start_import(
    request: Request[Any, Any, Any], front: GivenFront, import_uuid: FromPath[str]
) -> Response[Document]:
    """Start an import that is mapped."""
    principal = await asyncio.to_thread(enter, request, front, Scope.IMPORT_RUN)
    found = await asyncio.to_thread(find, front.services, principal.organization.id, import_uuid)
    job = await asyncio.to_thread(start, front.services, found)
    return await asyncio.to_thread(_shown, request, front, principal, job)


@get(PATH + "/{import_uuid:str}", sync_to_thread=True)
def get_import(
    request: Request[Any, Any, Any], front: GivenFront, import_uuid: FromPath[str]
) -> Response[Document]:
    """Give an import."""
    principal = enter(request, front, Scope.IMPORT_READ)
    job = find(front.services, principal.organization.id, import_uuid)
    return _shown(request, front, principal, job)


@get(PATH, sync_to_thread=True)
def list_imports(request: Request[Any, Any, Any], front: GivenFront) -> Response[Document]:
    """Give a page of imports, the oldest first unless another order is asked for."""
    principal = enter(request, front, Scope.IMPORT_READ)
    services, organization = front.services, principal.organization
    zone, base_url = zone_of(organization), base_of(request, front)
    items = query_items(request)
    asked = read_list(
        items, zone=zone, types=lambda: types_of(services.record_types.list(organization.id))
    )
    found, total = services.imports.find(organization.id, asked.query)
    shown = gather(services, found, base_url, with_accounts=asked.with_account)
    page = resource_page(
        [index_document(one, zone, with_account=asked.with_account) for one in shown],
        total=total,
        per_page=asked.per_page,
        page=asked.page,
        path=base_url + request.url.path.rstrip("/"),
        query=kept_query(items),
    )
    return reply(request, page)


def _shown(
    request: Request[Any, Any, Any], front: Front, principal: Principal, job: Import
) -> Response[Document]:
    [shown] = gather(front.services, [job], base_of(request, front), with_accounts=True)
    return reply(request, import_document(shown, zone_of(principal.organization)))


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    create_import,
    map_import,
    start_import,
    get_import,
    list_imports,
)
