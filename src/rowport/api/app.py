"""The native API as an ASGI application."""

from collections.abc import Callable, Sequence
from typing import Final

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp, LifespanHook

from rowport.api.announcing import Announces
from rowport.api.artifacts import get_artifact
from rowport.api.broadcast import Broadcast
from rowport.api.control import (
    cancel_import,
    change_import,
    fix_import,
    pause_import,
    resume_import,
    retry_import,
    start_import,
    undo_import,
)
from rowport.api.desk import Desk, desk_for_each
from rowport.api.events import follow_all, follow_import
from rowport.api.feeds import (
    archive_feed,
    get_feed,
    list_feeds,
    list_runs,
    pause_feed,
    put_feed,
    resume_feed,
    run_feed,
)
from rowport.api.files import download
from rowport.api.guard import Gate
from rowport.api.heads import AnswersHead
from rowport.api.health import healthz, readyz
from rowport.api.imports import create_import, get_import, list_imports
from rowport.api.leftovers import TakesLeftovers
from rowport.api.limiting import Limits
from rowport.api.metrics import Measures, read_metrics
from rowport.api.mounting import Mounted, handlers_for
from rowport.api.organizations import (
    change_organization,
    create_organization,
    get_organization,
    list_organizations,
)
from rowport.api.record_types import (
    delete_type,
    get_record,
    get_template,
    get_type,
    list_records,
    list_types,
    put_type,
)
from rowport.api.replaying import Replaying
from rowport.api.rows import list_errors, list_rows
from rowport.api.tokens import create_token, get_token, list_tokens, revoke_token
from rowport.api.uploads import (
    create_upload,
    delete_upload,
    get_upload,
    upload_options,
    write_upload,
)
from rowport.api.usage import get_usage, list_files
from rowport.api.webhooks import (
    delete_webhook,
    get_webhook,
    list_deliveries,
    list_webhooks,
    put_webhook,
    replay_deliveries,
    test_webhook,
)
from rowport.service import Services
from rowport.wire.dialect import Front

EXPOSED: Final = (
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Tus-Resumable",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Offset",
    "X-Request-Id",
)
"""What a page may read besides the body."""
ROUTES: Final = (
    create_import,
    get_import,
    list_imports,
    change_import,
    start_import,
    pause_import,
    resume_import,
    cancel_import,
    retry_import,
    fix_import,
    undo_import,
    list_rows,
    list_errors,
    list_files,
    get_artifact,
    follow_import,
    follow_all,
    get_usage,
    list_types,
    get_type,
    put_type,
    delete_type,
    get_template,
    list_records,
    get_record,
    list_feeds,
    get_feed,
    put_feed,
    archive_feed,
    list_runs,
    run_feed,
    pause_feed,
    resume_feed,
    list_webhooks,
    get_webhook,
    put_webhook,
    delete_webhook,
    list_deliveries,
    replay_deliveries,
    test_webhook,
    create_token,
    list_tokens,
    get_token,
    revoke_token,
    create_organization,
    list_organizations,
    get_organization,
    change_organization,
    upload_options,
    create_upload,
    get_upload,
    write_upload,
    delete_upload,
    download,
    healthz,
    readyz,
    read_metrics,
)


def cors_for(origins: Sequence[str]) -> CORSConfig | None:
    """Let pages of these origins call the API; of none unless somebody says so."""
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["*"],
        allow_credentials=False,  # a token is sent by the page itself, never by the browser
        expose_headers=list(EXPOSED),
    )


def served(app: Litestar) -> ASGIApp:
    """Give the application with what belongs around all of its answers."""
    return Announces(AnswersHead(TakesLeftovers(app)))


def create_app(
    *,
    services: Services,
    count_workers: Callable[[], int],
    front: Front | None = None,
    limits: Limits | None = None,
    cors_origins: Sequence[str] = (),
    dialects: Sequence[Mounted] = (),
    on_startup: Sequence[LifespanHook] = (),
    on_shutdown: Sequence[LifespanHook] = (),
) -> Litestar:
    """Make the application.

    `count_workers` asks the database, so it also tells whether that answers.
    """
    gate = Gate(find_access=lambda: services.access, limits=limits)
    desk = Desk(services=services, count_workers=count_workers)
    broadcast = Broadcast(lambda: services.events)
    measures = Measures(
        find_observing=lambda: services.observing, count_watchers=lambda: broadcast.watchers
    )
    # Together: a handler that runs in a thread breaks when its path is registered in parts.
    native = Router(
        path="/",
        route_handlers=ROUTES,
        # Functions and no objects: the framework copies whatever it is given.
        middleware=[lambda app: Replaying(app, services=services, gate=gate)],
        guards=[gate.guard()],
        dependencies={
            "desk": Provide(desk_for_each(desk), sync_to_thread=False),
            "broadcast": Provide(lambda: broadcast, sync_to_thread=False),
            "measures": Provide(lambda: measures, sync_to_thread=False),
        },
    )
    return Litestar(
        route_handlers=[native, *(mounted.router() for mounted in dialects)],
        dependencies={"front": Provide(lambda: front, sync_to_thread=False)},
        exception_handlers=handlers_for(dialects),
        cors_config=cors_for(cors_origins),
        on_startup=list(on_startup),
        on_shutdown=[broadcast.stop, *on_shutdown],
        openapi_config=None,
        state=State({"broadcast": broadcast, "measures": measures}),
        logging_config=None,
        request_max_body_size=None,  # an upload is as large as the disk allows
    )
