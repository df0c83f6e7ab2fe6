"""URLs that a browser can open: a scheme, a host that can exist, and the signs of RFC 3986.

The standard library takes them apart and `idna` judges the names of hosts.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

import polars as pl

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics.meaning import Meaning, vectorised

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMES: Final = ("http", "https")
"""Schemes of a field that names none."""
_PORTS: Final = {"http": 80, "https": 443, "ftp": 21, "ws": 80, "wss": 443}
"""Ports that need not be written (RFC 3986, 6.2.3)."""
_LABEL: Final = "[a-z0-9](?:[a-z0-9]|-[a-z0-9])*"
_PLAIN: Final = (
    rf"://(?:{_LABEL}[.])+[a-z]{{2,63}}(?:[/?#](?:[!$&-;=?-Z_a-z~]|%[0-9A-Fa-f]{{2}})*)?$"
)
_EXCLUDED: Final = re.compile(r"[\s<>\x22\\^`{|}\x00-\x20\x7f]|%(?![0-9A-Fa-f]{2})")
"""What no URL holds (RFC 3986, 2); letters of other scripts are allowed (RFC 3987)."""
_LONGEST_LABEL: Final = 63
_LONGEST_HOST: Final = 253
"""Signs of a label and of a host name (RFC 1035, 2.3.4)."""


def url(schemes: Sequence[str] = SCHEMES) -> Meaning:
    """Give the meaning; the normal form has scheme and host in lower case and no needless port."""
    plain = rf"^(?:{'|'.join(map(re.escape, schemes))}){_PLAIN}"

    def form(texts: pl.Expr) -> pl.Expr:
        short = texts.str.extract("^[^/]*//([^/?#]*)").str.len_bytes() <= _LONGEST_LABEL
        return pl.when(short & texts.str.contains(plain)).then(texts)

    return Meaning(noun="a URL", fast=vectorised(form), normal=lambda text: _normal(text, schemes))


def is_scheme(text: str) -> bool:
    """Tell whether a text is a scheme in lower case (RFC 3986, 3.1)."""
    return re.fullmatch("[a-z][a-z0-9+.-]*", text) is not None


def _normal(text: str, schemes: Sequence[str]) -> str:
    def fault(reason: str) -> CellFault:
        return CellFault(f"{shown(text)} is not a URL: {reason}")

    if _EXCLUDED.search(text):
        raise fault("it holds a blank, a sign that no URL has, or a bare %")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in schemes:
        raise fault(f"it begins with {' or '.join(f'{name}://' for name in schemes)}")
    try:
        parts = urlsplit(f"{scheme.lower()}://{rest}")
        port = parts.port
    except ValueError as error:
        raise fault(shown(str(error), quoted=False)) from None
    host = _host(parts.hostname or "")
    if host is None:
        name = shown(parts.hostname or "nothing", quoted=False)
        raise fault(f"{name} is no name of a host")
    # What follows stays as it is: an empty query or fragment is not the same as none.
    return f"{parts.scheme}://{_place(parts, host, port)}{_behind(rest)}"


def _behind(rest: str) -> str:
    """Give what follows the authority."""
    return rest[min((rest.find(sign) for sign in "/?#" if sign in rest), default=len(rest)) :]


def _place(parts: SplitResult, host: str, port: int | None) -> str:
    user = parts.netloc.rpartition("@")
    needless = port is None or _PORTS.get(parts.scheme) == port
    return f"{user[0]}{user[1]}{host}" + ("" if needless else f":{port}")


def _host(name: str) -> str | None:
    """Give a host in lower case, a name of another script in NFC; None where it can be none."""
    if ":" in name:
        try:
            return f"[{ipaddress.IPv6Address(name).compressed}]"
        except ValueError:
            return None
    if re.fullmatch("[0-9.]+", name):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            return None
    plain = unicodedata.normalize("NFC", name.lower())
    return plain if _is_name(plain.removesuffix(".")) else None


def _is_name(name: str) -> bool:
    import idna  # noqa: PLC0415  odd texts only

    if name.isascii() and not name.startswith("xn--") and ".xn--" not in name:
        labels = name.split(".")
        shape = re.compile("[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
        return len(name) <= _LONGEST_HOST and all(
            len(label) <= _LONGEST_LABEL and shape.fullmatch(label) for label in labels
        )
    try:
        return bool(idna.encode(name, uts46=True))
    except idna.IDNAError:
        return False
