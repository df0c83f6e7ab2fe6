"""`/v1/feeds`: recurring imports, their runs, and what they decided about each file."""

import asyncio
from typing import Any, Final

from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from rowport.api.desk import Desk, GivenDesk
from rowport.api.imports import read_limit, refuse_unknown
from rowport.model.access import Scope
from rowport.model.errors import FeedNotFound
from rowport.wire.bodies import read_json
from rowport.wire.feed_documents import FeedDocument, feed_resource, run_resource, to_wanted

PATH: Final = "/v1/feeds"
ONE: Final = PATH + "/{feed:str}"
LOOK: Final = {"scope": Scope.IMPORT_READ}
CHANGE: Final = {"scope": Scope.IMPORT_WRITE}
RUN: Final = {"scope": Scope.IMPORT_RUN}
LARGEST_BODY: Final = 256 * 1024
NOTHING: Final[frozenset[str]] = frozenset()


@put(ONE, opt=CHANGE)
async def put_feed(
    request: Request[Any, Any, Any], desk: GivenDesk, feed: FromPath[str]
) -> Response[dict[str, object]]:
    """Make a feed, or change the one of this name; secret settings that are left out stay."""
    refuse_unknown(request, NOTHING)
    body = await read_json(request, FeedDocument, most_bytes=LARGEST_BODY)
    document, is_new = await asyncio.to_thread(_put, desk, feed, body)
    headers = {"Location": f"{PATH}/{feed}"} if is_new else {}
    status = HTTP_201_CREATED if is_new else HTTP_200_OK
    return Response(document, status_code=status, headers=headers)


def _put(desk: Desk, name: str, body: FeedDocument) -> tuple[dict[str, object], bool]:
    feeds = desk.services.feeds
    try:
        feeds.by_name(desk.organization_id, name)
        is_new = False
    except FeedNotFound:
        is_new = True
    feed = feeds.put(desk.organization_id, name, to_wanted(body))
    return feed_resource(feed), is_new


@get(PATH, sync_to_thread=True, opt=LOOK)
def list_feeds(request: Request[Any, Any, Any], desk: GivenDesk) -> dict[str, object]:
    """Give all feeds, the newest first."""
    refuse_unknown(request, NOTHING)
    found = desk.services.feeds.list(desk.organization_id)
    return {"items": [feed_resource(feed) for feed in found]}


@get(ONE, sync_to_thread=True, opt=LOOK)
def get_feed(
    request: Request[Any, Any, Any], desk: GivenDesk, feed: FromPath[str]
) -> dict[str, object]:
    """Give a feed."""
    refuse_unknown(request, NOTHING)
    return feed_resource(desk.services.feeds.by_name(desk.organization_id, feed))


@get(ONE + "/runs", sync_to_thread=True, opt=LOOK)
def list_runs(
    request: Request[Any, Any, Any], desk: GivenDesk, feed: FromPath[str]
) -> dict[str, object]:
    """Give the newest runs of a feed, with the decision on each file that they found."""
    said = refuse_unknown(request, frozenset({"limit"}))
    feeds = desk.services.feeds
    known = feeds.by_name(desk.organization_id, feed)
    found = feeds.runs(known, limit=read_limit(said.get("limit")))
    return {"items": [run_resource(run) for run in found]}


@post(ONE + "/run", status_code=HTTP_202_ACCEPTED, sync_to_thread=True, opt=RUN)
def run_feed(
    request: Request[Any, Any, Any], desk: GivenDesk, feed: FromPath[str]
) -> dict[str, object]:
    """Let a feed run now; its schedule does not move."""
    refuse_unknown(request, NOTHING)
    return feed_resource(desk.services.feeds.run_now(desk.organization_id, feed, by="the API"))


@post(ONE + "/pause", status_code=HTTP_200_OK, sync_to_thread=True, opt=RUN)
def pause_feed(
    request: Request[Any, Any, Any], desk: GivenDesk, feed: FromPath[str]
) -> dict[str, object]:
    """Let a feed run by hand only, until it is resumed."""
    refuse_unknown(request, NOTHING)
    return feed_resource(desk.services.feeds.pause(desk.organization_id, feed, by="the API"))


@post(ONE + "/resume", status_code=HTTP_200_OK, sync_to_thread=True, opt=RUN)
def resume_feed(
    request: Request[Any, Any, Any], desk: GivenDesk, feed: FromPath[str]
) -> dict[str, object]:
    """Let a feed be due again; what was due meanwhile is not made up for."""
    refuse_unknown(request, NOTHING)
    return feed_resource(desk.services.feeds.resume(desk.organization_id, feed))


@delete(ONE, status_code=HTTP_200_OK, sync_to_thread=True, opt=CHANGE)
def archive_feed(
    request: Request[Any, Any, Any], desk: GivenDesk, feed: FromPath[str]
) -> dict[str, object]:
    """End a feed; its imports stay."""
    refuse_unknown(request, NOTHING)
    feeds = desk.services.feeds
    known = feeds.by_name(desk.organization_id, feed)
    return feed_resource(feeds.archive(desk.organization_id, known.oid))
