"""Where a URL that somebody else chose may lead: to public addresses and nowhere else.

The name is resolved once; every address that it has must be globally routable; the connection
goes to the very address that was checked; no redirect is followed, and no proxy is used.

Source: https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

PORTS: Final = {"http": 80, "https": 443}
LONGEST_URL: Final = 4096
# `is_global` lets these through, and each of them holds an IPv4 address that a gateway may use.
TRANSLATED: Final = tuple(
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)


class Unsafe(Exception):
    """The address may not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to connect to: the addresses were checked and are the only ones used."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query."""
    addresses: tuple[str, ...]

    @property
    def host_header(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


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
    addresses = safe_addresses(host, port, allowed)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=parts.scheme, host=host, port=port, path=path, addresses=addresses)


def safe_addresses(host: str, port: int, allowed: Collection[str] = ()) -> tuple[str, ...]:
    """Find the addresses of a host, all of which may be asked.

    Raises:
        Unsafe: it has none, or one that is not public.
    """
    addresses = _addresses(host, port)
    if f"{host}:{port}" not in allowed and not all(map(is_public, addresses)):
        raise Unsafe
    return addresses


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
