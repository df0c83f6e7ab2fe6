"""`/api/v1/...`: the endpoints, one function each."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from litestar import Request, Response, get, post

from rowport.dialects.rocketchat import bodies, files, present
from rowport.dialects.rocketchat.errors import no_operation, not_logged_in
from rowport.dialects.rocketchat.layouts import IMPORTERS
from rowport.dialects.rocketchat.serving import (
    READING,
    WRITING,
    Endpoint,
    answer,
    limit,
    serve,
    take_small_body,
)
from rowport.dialects.rocketchat.workspace import Workspace
from rowport.model.errors import Unauthorized
from rowport.wire.dialect import Front, GivenFront

BASE: Final = "/api/v1/"
LOGIN_LIFETIME: Final = timedelta(days=90)
Asked = Request[Any, Any, Any]
Said = Response[Any]

_write: Final = partial(post, status_code=200, request_max_body_size=bodies.LARGEST_BODY)


def _taking(schema: dict[str, Any]) -> Endpoint:
    return Endpoint(scopes=WRITING.scopes, body=schema, takes_query=True)


# ------------------------------------------------------------------------------------- log-in


@_write(BASE + "login")
async def login(request: Asked, front: GivenFront) -> Said:
    """Exchange an API token of a user for a token pair; `resume` takes the token alone."""
    await take_small_body(request)
    limit(request, front, "login")
    body = await bodies.read_body(request)
    return await asyncio.to_thread(_log_in, request, front, body)


def _log_in(request: Asked, front: Front, body: object) -> Said:
    said = body if isinstance(body, dict) else {}
    secret = said.get("resume") or said.get("password")
    if not isinstance(secret, str):
        raise not_logged_in()
    try:
        who = front.services.access.authenticate(secret)
    except Unauthorized:
        raise not_logged_in() from None
    names = {who.user.email.lower(), who.user.email.lower().partition("@")[0], who.user.oid}
    if not said.get("resume") and _name(said) not in names:
        raise not_logged_in()
    issued = front.services.access.issue(
        who.user,
        name="rocketchat login",
        scopes=who.scopes,
        expires_at=datetime.now(UTC) + LOGIN_LIFETIME,
    )
    data = {"userId": who.user.oid, "authToken": issued.secret, "me": present.me(who.user)}
    return answer(request, {"status": "success", "data": data})


def _name(said: dict[str, Any]) -> str:
    user = said.get("user") or said.get("username") or said.get("email")
    if isinstance(user, dict):
        user = user.get("email") or user.get("username")
    return user.lower() if isinstance(user, str) else ""


# ------------------------------------------------------------------------------- bulk import


@_write(BASE + "import.new")
async def new(request: Asked, front: GivenFront) -> Said:
    """Create an operation."""
    return await serve(request, front, WRITING, _new)


def _new(space: Workspace, _: object) -> present.Document:
    return {"operation": present.operation(space.begin())}


@_write(BASE + "import.addUsers")
async def add_users(request: Asked, front: GivenFront) -> Said:
    """Put users into the staging area."""
    return await serve(request, front, _taking(bodies.ADD_USERS), _add_users)


def _add_users(space: Workspace, body: dict[str, Any]) -> present.Document:
    space.add_users(body["users"])
    return {}


@_write(BASE + "import.run")
async def run(request: Asked, front: GivenFront) -> Said:
    """Load what is staged."""
    return await serve(request, front, WRITING, _run)


def _run(space: Workspace, _: object) -> present.Document:
    space.run()
    return {}


@_write(BASE + "import.clear")
async def clear(request: Asked, front: GivenFront) -> Said:
    """Empty the staging area and end the operation."""
    return await serve(request, front, WRITING, _clear)


def _clear(space: Workspace, _: object) -> present.Document:
    space.clear()
    return {}


@get(BASE + "import.status")
async def status(request: Asked, front: GivenFront) -> Said:
    """Give the state of the current operation."""
    return await serve(request, front, Endpoint(takes_query=True), _status)


def _status(space: Workspace, _: object) -> present.Document:
    shown = space.current()
    if shown is None:
        return {"state": "none"}
    return {"state": shown.state, "operation": present.operation(shown)}


# ------------------------------------------------------------------------------- looking


@get(BASE + "getCurrentImportOperation")
async def current(request: Asked, front: GivenFront) -> Said:
    """Give the current operation."""
    return await serve(request, front, READING, _current)


def _current(space: Workspace, _: object) -> present.Document:
    shown = space.current()
    return {} if shown is None else {"operation": present.operation(shown)}


@get(BASE + "getImportProgress")
async def progress(request: Asked, front: GivenFront) -> Said:
    """Give how far the current operation is."""
    return await serve(request, front, READING, _progress)


def _progress(space: Workspace, _: object) -> present.Document:
    shown = space.current()
    if shown is None:
        raise no_operation("getImportProgress")
    return present.progress(shown)


@get(BASE + "getLatestImportOperations")
async def latest(request: Asked, front: GivenFront) -> Said:
    """Give the twenty operations changed last, as a bare array."""
    return await serve(request, front, READING, _latest)


def _latest(space: Workspace, _: object) -> list[present.Document]:
    return [present.operation(shown) for shown in space.latest()]


@get(BASE + "importers.list")
async def importers(request: Asked, front: GivenFront) -> Said:
    """Give the kinds of files that can be imported, as a bare array."""
    return await serve(request, front, READING, _importers)


def _importers(space: Workspace, _: object) -> list[present.Document]:
    known = [importer for importer in IMPORTERS.values() if importer.since <= space.version]
    return [{"key": importer.key, "name": importer.name} for importer in known]


# ------------------------------------------------------------------------------- files


@get(BASE + "getImportFileData")
async def file_data(request: Asked, front: GivenFront) -> Said:
    """Give what is staged; an uploaded file is prepared by this."""
    return await serve(request, front, READING, files.offered)


@_write(BASE + "uploadImportFile")
async def upload(request: Asked, front: GivenFront) -> Said:
    """Take a file as base64."""
    return await serve(request, front, _taking(bodies.UPLOAD), files.upload)


@_write(BASE + "downloadPublicImportFile")
async def download(request: Asked, front: GivenFront) -> Said:
    """Fetch a file from a public URL."""
    return await serve(request, front, _taking(bodies.DOWNLOAD), files.download)


@_write(BASE + "startImport")
async def start(request: Asked, front: GivenFront) -> Said:
    """Load the chosen users."""
    return await serve(request, front, _taking(bodies.START), files.start)


@_write(BASE + "downloadPendingFiles")
async def pending_files(request: Asked, front: GivenFront) -> Said:
    """Fetch the files of imported messages, of which there are none."""
    return await serve(request, front, _taking(bodies.NOTHING), files.pending("pending-files"))


@_write(BASE + "downloadPendingAvatars")
async def pending_avatars(request: Asked, front: GivenFront) -> Said:
    """Fetch the avatars of imported users; none waits for it."""
    return await serve(request, front, _taking(bodies.NOTHING), files.pending("pending-avatars"))


ROUTES: Final = (
    login,
    new,
    add_users,
    run,
    clear,
    status,
    current,
    progress,
    latest,
    importers,
    file_data,
    upload,
    download,
    start,
    pending_files,
    pending_avatars,
)
PATHS: Final = frozenset(path for route in ROUTES for path in route.paths)


def owns(path: str) -> bool:
    """Tell whether a path is this API's: one of its own, or one that looks like it."""
    return path in PATHS or path.startswith((BASE + "import.", BASE + "importers."))
