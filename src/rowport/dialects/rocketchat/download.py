"""Fetch a public file without becoming a way into private networks.

The name is resolved once; every address that it has must be globally routable; the connection
goes to the very address that was checked; no redirect is followed, and no proxy is used.

Source: https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from rowport.model.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Collection

PORTS: Final = {"http": 80, "https": 443}
LARGEST: Final = 256 * 1024 * 1024
DEADLINE_S: Final = 120.0
SILENCE_S: Final = 15.0
BLOCK_BYTES: Final = 1 << 16
LONGEST_URL: Final = 4096
# `is_global` lets these through, and each of them holds an IPv4 address that a gateway may use.
TRANSLATED: Final = tuple(
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)


class Unsafe(Exception):
    """The address may not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to fetch from: the addresses were checked and are the only ones used."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query."""
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file."""

    content: bytes
    media_type: str


def resolve(url: str, allowed: Collection[str] = ()) -> Target:
    """Find where a URL leads and check it; `allowed` names hosts (`host:port`) that always may be.

    Raises:
        Unsafe: it is no plain http(s) URL, or leads to what is not public.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, KeyError, UnicodeError):
        raise Unsafe from None
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST_URL
    if not host or parts.username is not None or not is_plain:
        raise Unsafe
    addresses = _addresses(host, port)
    if f"{host}:{port}" not in allowed and not all(map(is_public, addresses)):
        raise Unsafe
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=parts.scheme, host=host, port=port, path=path, addresses=addresses)


def _addresses(host: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise Unsafe from None
    if not found:
        raise Unsafe
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Tell whether an address is one that everybody may reach."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return is_public(str(known.ipv4_mapped))
        if any(known in network for network in TRANSLATED):
            return False
    return known.is_global and not known.is_multicast and not known.is_reserved


def fetch(target: Target) -> Fetched:
    """Fetch the file; all of it within one deadline.

    Raises:
        UnreadableFile: it cannot be had, and why.
    """
    deadline = time.monotonic() + DEADLINE_S
    connection = _Pinned(target)
    # Each read may be in time and all of them together not, also those of headers.
    watch = threading.Timer(DEADLINE_S, connection.abort)
    watch.daemon = True
    watch.start()
    try:
        connection.request("GET", target.path, headers={"Host": _host(target), "Accept": "*/*"})
        return _received(connection.getresponse(), deadline)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UnreadableFile(f"The file cannot be fetched: {type(error).__name__}.") from None
    finally:
        watch.cancel()
        connection.close()


def _received(response: http.client.HTTPResponse, deadline: float) -> Fetched:
    if response.status != http.client.OK:
        raise UnreadableFile(f"The server answered {response.status} instead of the file.")
    content = bytearray()
    while block := response.read1(BLOCK_BYTES):
        content += block
        if len(content) > LARGEST:
            raise UnreadableFile(f"The file is larger than {LARGEST} bytes.")
    if response.length or time.monotonic() >= deadline:
        raise UnreadableFile("The connection ended before the file did.")
    return Fetched(content=bytes(content), media_type=response.headers.get_content_type())


def _host(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == PORTS[target.scheme] else f"{host}:{target.port}"


class _Pinned(http.client.HTTPConnection):
    """A connection to the checked address, under the name that was asked for."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=SILENCE_S)
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
                return socket.create_connection((address, self._target.port), timeout=SILENCE_S)
        return socket.create_connection((last, self._target.port), timeout=SILENCE_S)
