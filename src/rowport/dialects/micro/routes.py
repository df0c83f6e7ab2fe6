"""The endpoints: create an import, ask for a job, list properties."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from rowport.dialects.micro.admission import admit
from rowport.dialects.micro.bodies import read_body, understand, uuid_text
from rowport.dialects.micro.creating import Creation
from rowport.dialects.micro.errors import UnknownThing, invalid, request_id
from rowport.dialects.micro.facets import record_type_of, served
from rowport.dialects.micro.present import is_shown, job_document, result
from rowport.dialects.micro.properties import definitions
from rowport.dialects.micro.replaying import Answer, once
from rowport.model.access import Principal, Scope
from rowport.model.errors import ImportNotFound, Invalid
from rowport.model.imports import Import
from rowport.model.outcomes import RowOutcome
from rowport.model.states import ImportState
from rowport.service import Services
from rowport.wire.dialect import GivenFront
from rowport.wire.ids import import_id
from rowport.wire.request_ids import HEADER as REQUEST_ID

ROOT: Final = "/v2/prism/{team_id:str}"
JSON: Final = "application/json"
LARGE: Final = 10_000
"""More results than this are sent as a stream, so that no answer is held whole in memory."""
BATCH: Final = 2_000
GONE: Final = "There is no such import job, or it has expired."


@post(ROOT + "/{object_type:str}/import", status_code=200)
async def create_import(
    request: Request[Any, Any, Any],
    front: GivenFront,
    team_id: FromPath[str],
    object_type: FromPath[str],
) -> Response[bytes]:
    """Take objects and import them."""
    scopes = (Scope.IMPORT_WRITE, Scope.IMPORT_RUN)
    principal = await asyncio.to_thread(admit, request, front, team_id, *scopes)
    body = await read_body(request)

    async def create() -> Answer:
        record_type = await asyncio.to_thread(
            record_type_of, front.services, principal.organization.id, object_type
        )
        creation = Creation(
            services=front.services,
            principal=principal,
            record_type=record_type,
            object_type=object_type,
            wanted=await asyncio.to_thread(understand, body, record_type),
            root=request.url.path.partition("/v2/prism/")[0],
        )
        return await creation.answer()

    answer = await once(front.services, principal, request, body, create)
    headers = {**answer.headers, REQUEST_ID: request_id(request)}
    return Response(answer.body, status_code=answer.status, media_type=JSON, headers=headers)


@get(ROOT + "/imports/{job_id:str}", sync_to_thread=True)
def get_import(
    request: Request[Any, Any, Any],
    front: GivenFront,
    team_id: FromPath[str],
    job_id: FromPath[str],
) -> Response[bytes] | Stream:
    """Give an asynchronous job."""
    principal = admit(request, front, team_id, Scope.IMPORT_READ)
    services = front.services
    job = _find(services, principal, job_id)
    rows = None
    if job.state is ImportState.COMPLETED:
        rows = services.rows.outcomes(job.organization_id, job.id)
    headers = {REQUEST_ID: request_id(request)}
    if rows is not None and job.counts.total > LARGE:
        return Stream(parts(job, rows), media_type=JSON, headers=headers)
    body = msgspec.json.encode(job_document(job, rows))
    return Response(body, media_type=JSON, headers=headers)


def _find(services: Services, principal: Principal, job_id: str) -> Import:
    """Give a job of the team.

    Raises:
        UnknownThing: there is none, it was answered at once, or it has expired.
    """
    try:
        job = services.imports.get(principal.organization.id, import_id(job_id))
    except (Invalid, ImportNotFound):
        raise UnknownThing(GONE) from None
    if not is_shown(job, datetime.now(UTC)):
        raise UnknownThing(GONE)
    return job


def parts(job: Import, rows: Iterator[RowOutcome]) -> Iterator[bytes]:
    """Give a job's document a part at a time."""
    # A quote inside of a text is escaped, so this stands for the key and its value alone.
    before, mark, after = msgspec.json.encode(job_document(job, ())).partition(b'"results":[]')
    yield before + mark.removesuffix(b"]")
    comma = b""
    while batch := list(islice(rows, BATCH)):
        yield comma + msgspec.json.encode([result(row) for row in batch])[1:-1]
        comma = b","
    yield b"]" + after


@get(ROOT + "/properties", sync_to_thread=True)
def list_all_properties(
    request: Request[Any, Any, Any], front: GivenFront, team_id: FromPath[str]
) -> Response[dict[str, object]]:
    """Give the properties of every object type, keyed by it."""
    principal = admit(request, front, team_id, Scope.IMPORT_READ)
    asked = _asked(request)
    known = served(front.services, principal.organization.id)
    found: dict[str, object] = {name: definitions(kind, **asked) for name, kind in known.items()}
    return _answer(request, found)


@get(ROOT + "/{object_type:str}/properties", sync_to_thread=True)
def list_properties(
    request: Request[Any, Any, Any],
    front: GivenFront,
    team_id: FromPath[str],
    object_type: FromPath[str],
) -> Response[dict[str, object]]:
    """Give the properties of an object type, keyed by the id of each."""
    principal = admit(request, front, team_id, Scope.IMPORT_READ)
    asked = _asked(request)
    record_type = record_type_of(front.services, principal.organization.id, object_type)
    return _answer(request, definitions(record_type, **asked))


def _asked(request: Request[Any, Any, Any]) -> dict[str, str | None]:
    """Read what is asked for; `autofill` changes nothing here, and others are not looked at."""
    said = request.query_params
    if said.get("autofill", "false") not in {"true", "false"}:
        raise invalid(".query.autofill", "must be boolean")
    list_id = said.get("list_id")
    return {
        "list_id": None if list_id is None else uuid_text(list_id, ".query.list_id"),
        "term": said.get("term"),
    }


def _answer(
    request: Request[Any, Any, Any], document: dict[str, object]
) -> Response[dict[str, object]]:
    return Response(document, media_type=JSON, headers={REQUEST_ID: request_id(request)})


ROUTES: Final = (create_import, get_import, list_all_properties, list_properties)
