"""The native API as an ASGI application."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import LifespanHook

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
from rowport.api.files import download
from rowport.api.guard import guard_with
from rowport.api.health import healthz, readyz
from rowport.api.imports import create_import, get_import, list_imports
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
    get_artifact,
    follow_import,
    follow_all,
    list_types,
    get_type,
    put_type,
    delete_type,
    get_template,
    list_records,
    get_record,
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
)


def create_app(
    *,
    services: Services,
    count_workers: Callable[[], int],
    front: Front | None = None,
    dialects: Sequence[Mounted] = (),
    on_startup: Sequence[LifespanHook] = (),
    on_shutdown: Sequence[LifespanHook] = (),
) -> Litestar:
    """Make the application.

    `count_workers` asks the database, so it also tells whether that answers.
    """
    desk = Desk(services=services, count_workers=count_workers)
    broadcast = Broadcast(lambda: services.events)
    # Together: a handler that runs in a thread breaks when its path is registered in parts.
    native = Router(
        path="/",
        route_handlers=ROUTES,
        middleware=[partial(Replaying, find_services=lambda: services)],
        guards=[guard_with(lambda: services.access)],
        dependencies={
            "desk": Provide(desk_for_each(desk), sync_to_thread=False),
            "broadcast": Provide(lambda: broadcast, sync_to_thread=False),
        },
    )
    return Litestar(
        route_handlers=[native, *(mounted.router() for mounted in dialects)],
        dependencies={"front": Provide(lambda: front, sync_to_thread=False)},
        exception_handlers=handlers_for(dialects),
        on_startup=list(on_startup),
        on_shutdown=[broadcast.stop, *on_shutdown],
        openapi_config=None,
        state=State({"broadcast": broadcast}),
        logging_config=None,
        request_max_body_size=None,  # an upload is as large as the disk allows
    )
