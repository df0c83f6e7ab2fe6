"""A connection to an address that was checked, with an end."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rowport.outbound.guard import Target


@contextmanager
def connected(target: Target, *, silence_s: float, deadline_s: float) -> Iterator[Pinned]:
    """Give a connection that ends after `deadline_s`, or after `silence_s` without a byte.

    Each read may be in time and all of them together not, also those of headers.
    """
    connection = Pinned(target, silence_s=silence_s)
    watch = threading.Timer(deadline_s, connection.abort)
    watch.daemon = True
    watch.start()
    try:
        yield connection
    finally:
        watch.cancel()
        connection.close()


class Pinned(http.client.HTTPConnection):
    """A connection to the checked address, under the name that was asked for."""

    def __init__(self, target: Target, *, silence_s: float) -> None:
        super().__init__(target.host, target.port, timeout=silence_s)
        self._target = target
        self._open: socket.socket | None = None

    def connect(self) -> None:
        """Connect to a checked address; TLS still proves the name."""
        plain = self._open = self._connected()
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=self._target.host)
            self._open = self.sock  # wrapping took the plain one's descriptor over
        else:
            self.sock = plain

    def abort(self) -> None:
        """End whatever this connection waits for."""
        # `self.sock` is gone as soon as a response is to be read to its end.
        if self._open is not None:
            with suppress(OSError):
                self._open.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> socket.socket:
        *others, last = self._target.addresses
        for address in others:
            with suppress(OSError):
                return socket.create_connection((address, self._target.port), timeout=self.timeout)
        return socket.create_connection((last, self._target.port), timeout=self.timeout)
