"""`rowport serve`: everything in one command."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.processes import start
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, say
from rowport.model.errors import InvalidOptions, Unavailable

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from types import FrameType

    from rowport.bootstrap import Rowport

ADMIN_VARIABLE: Final = "ROWPORT_ADMIN_TOKEN"
DEFAULT_PORT: Final = 8484
DEFAULT_WORKERS: Final = 2
GRACE_S: Final = 9.0
"""How long the children may take to end; then they are killed."""
READY_S: Final = 30.0
POLL_S: Final = 0.1
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
STEADY_S: Final = 30.0
"""A child that lived this long is restarted at once the next time."""


@click.command("serve", cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 takes any that is free.",
)
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    default=DEFAULT_WORKERS,
    show_default=True,
    help="How many worker processes.",
)
@click.pass_obj
def serve(settings: Settings, *, host: str, port: int, workers: int) -> Exit:
    """Run everything, the database, the API and workers, until SIGTERM or Ctrl-C."""
    stop = StopFlag()
    warn_if_plain(host)
    port = claim_port(host, port)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        secret = first_token(settings, rowport)
        children = [Child(rowport, api_command(rowport, host, port), log_name="api.log")]
        command = [*rowport.worker_command(), "--with-parent"]
        children += [Child(rowport, command, log_name="worker.log") for _ in range(workers)]
        try:
            for child in children:
                child.tend()
            if wait_until_ready(children, host, port, stop):
                told = {"workers": workers} | ({"admin_token": secret} if secret else {})
                _say_ready(settings, rowport, url=url_of(host, port), told=told)
            while not stop.is_set:
                time.sleep(POLL_S)
                for child in children:
                    child.tend()
        finally:
            stop_all(children)
    return Exit.FINE


def first_token(settings: Settings, rowport: Rowport) -> str | None:
    """See that somebody can use the API; give the secret that was made for that, if one was.

    Raises:
        InvalidOptions: the secret in the environment can be guessed.
    """
    # Taken out, so that none of our processes inherits it.
    given = os.environ.pop(ADMIN_VARIABLE, None) or None
    try:
        issued = rowport.services.access.first_token(rowport.organization, given)
    except InvalidOptions as error:
        raise InvalidOptions(f"{ADMIN_VARIABLE}: {error.message}") from error
    if issued is None or given is not None:
        return None
    if not settings.json:
        note("rowport: this is the admin token; it is shown now and never again")
        say(issued.secret)
    return issued.secret


class StopFlag:
    """Set by SIGTERM and SIGINT."""

    def __init__(self) -> None:
        self.is_set = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._set)

    def _set(self, _number: int, _frame: FrameType | None) -> None:
        self.is_set = True


def warn_if_plain(host: str) -> None:
    """Say it loudly when tokens and data may go over a network in the clear."""
    if is_local(host):
        return
    note(
        f"rowport: WARNING: {host} can be reached from other machines, and this port speaks no\n"
        "rowport: WARNING: TLS: whoever listens in between reads the tokens and the data.\n"
        "rowport: WARNING: Listen on 127.0.0.1 and put a proxy that speaks TLS before it."
    )


def is_local(host: str) -> bool:
    """Tell whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def claim_port(host: str, port: int) -> int:
    """See whether the port is free; 0 finds one.

    Raises:
        InvalidOptions: it is not, or the address is none of this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            found: int = probe.getsockname()[1]
            return found
    except OSError as error:
        raise InvalidOptions(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another with --host "
            "and --port (0 takes any that is free)"
        ) from error


def api_command(rowport: Rowport, host: str, port: int) -> list[str]:
    """Give the command line of the process that answers HTTP."""
    *words, _worker = rowport.worker_command()
    return [*words, "api", "--host", host, "--port", str(port)]


@dataclass(slots=True)
class Child:
    """A process that is kept running."""

    rowport: Rowport
    command: list[str]
    log_name: str
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    next_start: float = 0.0
    failures: int = 0

    def tend(self) -> None:
        """Start it, or start it again if it ended; the pauses grow while it keeps ending."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self._note_end(self.process.returncode, now)
        if self.process is None and now >= self.next_start:
            self.started_at = now
            self.process = start(self.rowport, self.command, log_name=self.log_name, is_tied=True)

    def _note_end(self, code: int, now: float) -> None:
        self.process = None
        if now - self.started_at > STEADY_S:
            self.failures = 0
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self.failures)
        self.failures += 1
        self.next_start = now + pause_s
        note(f"rowport: a process ended with {code} (see {self.log_name}); starting it again")


def wait_until_ready(children: list[Child], host: str, port: int, stop: StopFlag) -> bool:
    """Wait until the API answers that it is ready; False when told to stop before.

    Raises:
        Unavailable: it is not ready in time.
    """
    deadline = time.monotonic() + READY_S
    while not stop.is_set:
        if is_ready(host, port):
            return True
        if time.monotonic() > deadline:
            log = children[0].rowport.home / "logs" / children[0].log_name
            raise Unavailable(f"the API is not ready after {READY_S:.0f} s; {log} tells why")
        time.sleep(POLL_S)
        for child in children:
            child.tend()
    return False


def is_ready(host: str, port: int) -> bool:
    """Ask the API whether it is ready."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def reachable(host: str) -> str:
    """Give an address at which we reach ourselves; `any` addresses cannot be asked."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  read, not bound


def url_of(host: str, port: int) -> str:
    """Give the address of the API."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say_ready(
    settings: Settings, rowport: Rowport, *, url: str, told: Mapping[str, object]
) -> None:
    if settings.json:
        emit({"url": url, "home": str(rowport.home), "pid": os.getpid(), **told})
    else:
        say(f"rowport is ready: {url} ({told['workers']} workers, home {rowport.home})")


def stop_all(children: list[Child]) -> None:
    """Let every child end what it is doing; kill those that take too long."""
    running = [child.process for child in children if child.process]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline and any(process.poll() is None for process in running):
        time.sleep(POLL_S / 4)
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()
