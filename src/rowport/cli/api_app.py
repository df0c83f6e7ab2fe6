"""The application inside granian's own process, with its own way into the home."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from signal import SIGINT, SIGTERM
from typing import TYPE_CHECKING, Final

from rowport.api.app import create_app, served
from rowport.api.limiting import Limits
from rowport.api.metrics import CountsRequests
from rowport.bootstrap import mounted_dialects, open_rowport
from rowport.cli.logs import start_log
from rowport.cli.settings import Settings
from rowport.config import settings as rowport_settings
from rowport.wire.dialect import Front
from rowport.wire.limits import Limiter

if TYPE_CHECKING:
    from litestar import Litestar

    from rowport.api.broadcast import Broadcast
    from rowport.api.metrics import Measures

WATCH_S: Final = 0.5


def make_app() -> CountsRequests:
    """Make the application; where the home is stands in the environment."""
    chosen = rowport_settings()
    start_log(chosen.log_level)
    _stop_when_orphaned()
    settings = Settings()
    rowport = open_rowport(home=settings.home, database_url=settings.database_url, migrate=False)
    limiter = Limiter(is_on=chosen.has_rate_limits)
    app = create_app(
        services=rowport.services,
        count_workers=rowport.alive_workers,
        front=Front(
            services=rowport.services,
            limiter=limiter,
            base_url=chosen.public_url,
        ),
        limits=Limits(
            limiter=limiter, token=chosen.token_calls, organization=chosen.organization_calls
        ),
        cors_origins=sorted(chosen.cors_origins),
        dialects=mounted_dialects(chosen),
        on_startup=[_end_streams_first],
        on_shutdown=[rowport.close],
    )
    measures: Measures = app.state.measures
    return CountsRequests(served(app), measures)


def _end_streams_first(app: Litestar) -> None:
    """Granian waits for answers to end, so those that never do are ended when it is to stop.

    It takes both signals for the same; ours is the one that its first process sends.
    """
    broadcast: Broadcast = app.state.broadcast

    def stop() -> None:
        broadcast.stop()
        os.kill(os.getpid(), SIGINT)

    asyncio.get_running_loop().add_signal_handler(SIGTERM, stop)


def _stop_when_orphaned() -> None:
    """Granian's first process may be killed: this one must not go on holding the port."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        logging.getLogger("rowport").warning("the server's first process has gone; stopping")
        os.kill(os.getpid(), SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
