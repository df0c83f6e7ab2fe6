"""S3 and SFTP servers on ports of their own, for demonstrations and tests of feeds."""

from __future__ import annotations

import asyncio
import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncssh
import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S: Final = 90.0


class NotReady(Exception):
    """A server does not answer."""


@contextmanager
def s3_server() -> Iterator[int]:
    """Run an S3 server that takes any key; give its port."""
    port = free_port()
    running = subprocess.Popen(
        [Path(sys.executable).with_name("moto_server"), "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: httpx.get(url).status_code < httpx.codes.INTERNAL_SERVER_ERROR, url)
        yield port
    finally:
        running.kill()
        running.wait()


def make_bucket(port: int, name: str) -> None:
    """Make a bucket at a server of ours."""
    httpx.put(f"http://127.0.0.1:{port}/{name}").raise_for_status()


@contextmanager
def sftp_server(root: Path, username: str, password: str) -> Iterator[tuple[int, str]]:
    """Run an SFTP server over a folder; give its port and its public host key."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    ports: queue.Queue[int] = queue.Queue()
    stop = threading.Event()

    class Guests(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username_: str, password_: str) -> bool:
            return (username_, password_) == (username, password)

    async def serve() -> None:
        listener = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[key],
            server_factory=Guests,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(root)),
        )
        ports.put(listener.get_port())
        await asyncio.to_thread(stop.wait)
        listener.close()
        await listener.wait_closed()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield ports.get(timeout=PATIENCE_S), key.export_public_key().decode().strip()
    finally:
        stop.set()
        thread.join()


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def wait_for(is_ready: Callable[[], bool], what: str) -> None:
    """Wait until something answers as it should.

    Raises:
        NotReady: it does not in time.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if is_ready():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise NotReady(f"{what} does not answer")
