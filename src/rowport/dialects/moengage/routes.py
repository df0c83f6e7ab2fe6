"""The three endpoints of MoEngage's File Import API."""

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from litestar import Request, post
from litestar.datastructures import Headers
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from rowport.dialects.moengage.asking import (
    PAGE,
    FilesAsked,
    ImportsAsked,
    files_asked,
    imports_asked,
    read_body,
)
from rowport.dialects.moengage.errors import (
    HEADER_MISMATCH,
    HEADER_MISSING,
    INVALID_OFFSET,
    NO_IMPORT,
    PASSWORD_INVALID,
    TRIGGER_NOT_FOUND,
    TRIGGER_TOO_SOON,
    Refused,
    invalid_state,
    suspended,
    too_many,
    unsupported,
)
from rowport.dialects.moengage.facets import NAME, Facet, Workspace, facet_of, workspace_of
from rowport.dialects.moengage.present import file_item, import_item, page
from rowport.model.access import Principal, Scope
from rowport.model.errors import Conflict, NotFound, Unauthorized
from rowport.model.feeds import Definition, Feed, ScheduleKind
from rowport.ports.definitions import DefinitionQuery, FileRunQuery
from rowport.service.access import require
from rowport.service.feeds import SENT
from rowport.wire.auth import basic, header
from rowport.wire.dialect import Front, GivenFront
from rowport.wire.limits import Rate

BASE: Final = "/v1.0/data"
STATUS: Final = BASE + "/fileimports/import/status"
HISTORY: Final = BASE + "/fileimports/import/run/history"
TRIGGER: Final = BASE + "/fileimports/trigger/{schedule_id:str}"
LARGEST_BODY: Final = 1024 * 1024
DOCUMENTED: Final = Rate(calls=50, seconds=60)
REST: Final = timedelta(minutes=5)
"""How long an import rests between two triggers."""

Answer = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and for which workspace."""

    front: Front
    principal: Principal
    workspace: Workspace

    @property
    def facets(self) -> dict[str, tuple[Any, Facet]]:
        """The record types that MoEngage sees, by name, with their id."""
        types = self.front.services.record_types.list(self.principal.organization.id)
        seen = {t.name: (t.id, facet_of(t)) for t in types}
        return {name: (key, facet) for name, (key, facet) in seen.items() if facet is not None}

    def find(self, query: DefinitionQuery) -> tuple[list[Definition], int]:
        """Give a page of imports and how many there are."""
        organization_id = self.principal.organization.id
        found, total = self.front.services.definitions.find(organization_id, query)
        return list(found), total


@post(STATUS, status_code=HTTP_200_OK, request_max_body_size=LARGEST_BODY)
async def import_details(request: Request[Any, Any, Any], front: GivenFront) -> Answer:
    """Give a page of imports."""
    caller = await asyncio.to_thread(admit, request.headers, front, limited_as="status")
    said = read_body(await json_body(request))
    return await asyncio.to_thread(_imports, caller, imports_asked(said, caller.workspace.zone))


@post(HISTORY, status_code=HTTP_200_OK, request_max_body_size=LARGEST_BODY)
async def run_history(request: Request[Any, Any, Any], front: GivenFront) -> Answer:
    """Give a page of the files of one import."""
    caller = await asyncio.to_thread(admit, request.headers, front, limited_as="history")
    said = read_body(await json_body(request))
    return await asyncio.to_thread(_files, caller, files_asked(said, caller.workspace.zone))


@post(TRIGGER, status_code=HTTP_200_OK, request_max_body_size=LARGEST_BODY)
async def trigger(
    request: Request[Any, Any, Any], front: GivenFront, schedule_id: FromPath[str]
) -> Answer:
    """Run a periodic import now."""
    caller = await asyncio.to_thread(admit, request.headers, front, scope=Scope.IMPORT_RUN)
    await request.body()  # nothing is asked in it, but it may not be endless
    await asyncio.to_thread(_trigger, caller, schedule_id)
    return {"status": "success", "message": "Triggered Import Successfully"}


ROUTES: Final = (import_details, run_history, trigger)


def admit(
    headers: Headers,
    front: Front,
    *,
    scope: Scope = Scope.IMPORT_READ,
    limited_as: str | None = None,
) -> Caller:
    """Let those through who know a workspace's id and a key of it, as often as is documented.

    Raises:
        Refused: a header is missing, does not fit the other, or there are too many requests.
        Unauthorized: the key is wrong.
        Forbidden: the key does not allow this.
    """
    app_key = header(headers, "moe-appkey")
    if not app_key:
        raise Refused(HEADER_MISSING)
    pair = basic(headers)
    if pair is None:
        raise Unauthorized
    if pair.user != app_key:
        raise Refused(HEADER_MISMATCH)
    principal = front.services.access.authenticate(pair.password)
    workspace = workspace_of(principal.organization)
    if workspace.id != app_key:
        raise Refused(PASSWORD_INVALID)
    if workspace.is_suspended:
        raise Refused(suspended())
    if limited_as is not None:
        verdict = front.limiter.take(f"{NAME}:{limited_as}:{workspace.id}", DOCUMENTED)
        if not verdict.allowed:
            wait_s = math.ceil(verdict.retry_after_s)
            raise Refused(too_many(), headers={"Retry-After": str(wait_s)})
    require(principal, scope)
    return Caller(front=front, principal=principal, workspace=workspace)


async def json_body(request: Request[Any, Any, Any]) -> bytes:
    """Give the body of a request that says it is JSON.

    Raises:
        Refused: it says something else, or nothing.
    """
    if request.content_type[0].lower() != "application/json":
        raise Refused(unsupported(request.url.path))
    return await request.body()


def _imports(caller: Caller, asked: ImportsAsked) -> Answer:
    facets = caller.facets
    wanted = [
        key for key, facet in facets.values() if asked.types is None or facet.type in asked.types
    ]
    query = DefinitionQuery(
        type_ids=wanted,
        oid=asked.import_id,
        name=asked.name,
        source_kinds=asked.sources,
        schedule_kinds=asked.schedules,
        fates=asked.fates,
        since=asked.window.since if asked.window else None,
        until=asked.window.until if asked.window else None,
        limit=PAGE,
        offset=(asked.page - 1) * PAGE,
    )
    found, total = caller.find(query)
    if not found and asked.page > 1:
        raise Refused(INVALID_OFFSET)
    items = [import_item(d, facets[type_name(d)][1], caller.workspace) for d in found]
    return page(items, total=total, offset=asked.page)


def type_name(definition: Definition) -> str:
    """Give the name of the record type that is imported."""
    return definition.feed.type_name if definition.feed else definition.own.type_name


def _files(caller: Caller, asked: FilesAsked) -> Answer:
    facets = caller.facets
    type_ids = [key for key, _ in facets.values()]
    found, _ = caller.find(
        DefinitionQuery(type_ids=type_ids, oid=asked.import_id, name=asked.name, limit=PAGE)
    )
    if not found:
        raise Refused(NO_IMPORT)
    # A name without its id may be that of several imports; one that is called so wins.
    definition = next((d for d in found if d.name == asked.name), found[0])
    feed = definition.feed
    query = FileRunQuery(
        feed_id=feed.id if feed else None,
        import_id=None if feed else definition.own.id,
        fates=asked.fates,
        since=asked.window.since if asked.window else None,
        until=asked.window.until if asked.window else None,
        limit=PAGE,
        offset=(asked.page - 1) * PAGE,
    )
    organization_id = caller.principal.organization.id
    files, total = caller.front.services.definitions.files(organization_id, query)
    if not files and asked.page > 1:
        raise Refused(NO_IMPORT)
    facet = facets[type_name(definition)][1]
    items = [file_item(file, facet, caller.workspace) for file in files]
    return page(items, total=total, offset=asked.page)


def _trigger(caller: Caller, schedule_id: str) -> None:
    """Run a periodic import now, unless it ran just now.

    Raises:
        Refused: there is no such import, or it cannot run.
    """
    now = datetime.now(UTC)
    definition = _triggered(caller, schedule_id)
    feed = definition.feed
    if feed is None:
        raise Refused(invalid_state("Only a periodic import can be triggered."))
    if feed.archived_at is not None or (feed.ends_at is not None and feed.ends_at <= now):
        raise Refused(TRIGGER_NOT_FOUND)
    if feed.schedule_kind is not ScheduleKind.PERIODIC:
        raise Refused(invalid_state("Only a periodic import can be triggered."))
    last = definition.last_run
    if caller.front.limiter.is_on and last is not None and last.created_at > now - REST:
        raise Refused(TRIGGER_TOO_SOON)
    _run(caller, feed)


def _triggered(caller: Caller, schedule_id: str) -> Definition:
    if "\x00" in schedule_id:
        raise Refused(TRIGGER_NOT_FOUND)
    type_ids = [key for key, _ in caller.facets.values()]
    found, _ = caller.find(DefinitionQuery(type_ids=type_ids, oid=schedule_id, limit=1))
    if not found:
        raise Refused(TRIGGER_NOT_FOUND)
    return found[0]


def _run(caller: Caller, feed: Feed) -> None:
    services, user = caller.front.services, caller.principal.user
    try:
        if feed.source_kind in SENT:
            services.definitions.run_again(feed, created_by=user.id)
        else:
            services.feeds.run_now(feed.organization_id, feed.name, by=user.email)
    except NotFound:
        raise Refused(TRIGGER_NOT_FOUND) from None
    except Conflict as error:
        raise Refused(invalid_state(error.message)) from None
