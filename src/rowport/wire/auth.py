"""The ways in which requests say who is asking; each face accepts exactly one."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.model.errors import Unauthorized

if TYPE_CHECKING:
    from litestar.datastructures import Headers

LONGEST: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicPair:
    """User and password of HTTP Basic."""

    user: str
    password: str


def header(headers: Headers, name: str) -> str | None:
    """Give the one value of a header; None when it is missing.

    Raises:
        Unauthorized: it is sent twice, or is too long to be meant.
    """
    values = headers.getall(name, [])
    if not values:
        return None
    if len(values) > 1 or len(values[0]) > LONGEST:
        raise Unauthorized(f"The header {name} must be sent once and be at most {LONGEST} bytes.")
    value: str = values[0].strip()
    return value


def bearer(headers: Headers) -> str | None:
    """Give the token of `Authorization: Bearer`; None when there is no such header.

    Raises:
        Unauthorized: the header is of another scheme, empty or sent twice.
    """
    return _after_scheme(headers, "bearer")


def basic(headers: Headers) -> BasicPair | None:
    """Give user and password of `Authorization: Basic`; None when there is no such header.

    Raises:
        Unauthorized: the header is of another scheme or cannot be decoded.
    """
    encoded = _after_scheme(headers, "basic")
    if encoded is None:
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthorized("The Basic credentials cannot be decoded.") from None
    user, colon, password = text.partition(":")
    if not colon:
        raise Unauthorized("The Basic credentials have no colon.")
    return BasicPair(user=user, password=password)


def _after_scheme(headers: Headers, scheme: str) -> str | None:
    value = header(headers, "authorization")
    if value is None:
        return None
    said, _, rest = value.partition(" ")
    if said.lower() != scheme or not rest.strip():
        raise Unauthorized(f"Authorization must be of the scheme {scheme.title()}.")
    return rest.strip()
