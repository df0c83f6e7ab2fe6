"""The process that answers HTTP: granian, which starts the application in one of its own."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from typing import Final

import click
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

from rowport.cli.exits import Exit
from rowport.cli.processes import stop_with_parent
from rowport.cli.settings import HOME_VARIABLE, URL_VARIABLE, Command, Settings

TARGET: Final = "rowport.cli.api_app:make_app"
SLOWEST_HEADERS_MS: Final = 10_000
GRACE_S: Final = 5
MOST_CONNECTIONS: Final = 16_384
"""Streams of events and idle connections count; whoever comes then waits for one to end."""


@click.command("api", cls=Command, hidden=True)
@click.option("--host", required=True)
@click.option("--port", type=int, required=True)
@click.pass_obj
def api(settings: Settings, *, host: str, port: int) -> Exit:
    """Answer HTTP until SIGTERM; `serve` starts this."""
    stop_with_parent()
    _allow_many_files()
    os.environ[HOME_VARIABLE] = str(settings.home)
    if settings.database_url:
        os.environ[URL_VARIABLE] = settings.database_url
    Granian(
        target=TARGET,
        factory=True,
        interface=Interfaces.ASGI,
        address=host,
        port=port,
        workers=1,
        backpressure=MOST_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_S,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=SLOWEST_HEADERS_MS),
        log_access=False,
    ).serve()
    return Exit.FINE


def _allow_many_files() -> None:
    """Each connection is one; many systems give a program 1024 unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError):  # macOS has a limit besides, which it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
