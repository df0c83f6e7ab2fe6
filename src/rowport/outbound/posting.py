"""Send a message to an address that somebody else chose, and hear the beginning of the answer."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.outbound.connection import connected
from rowport.outbound.guard import Unsafe, resolve

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEADLINE_S: Final = 15.0
"""All of it: connecting, sending, and the head of the answer (Standard Webhooks: 15 to 30 s)."""
SILENCE_S: Final = 10.0
ANSWER_BYTES: Final = 512
NOT_PUBLIC: Final = "the URL leads nowhere, or to an address that is not public"
LATE: Final = "no answer in time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What came of sending."""

    status: int | None = None
    """The HTTP status; None: there was no answer."""
    error: str | None = None
    """Why there was none."""
    answer: bytes = b""
    """The first bytes of its body."""
    retry_after_s: int | None = None
    """How long the receiver asked us to wait."""
    duration_ms: int


def post(
    url: str, *, headers: Mapping[str, str], body: bytes, allowed: Collection[str] = ()
) -> Posted:
    """Send a body; no redirect is followed, whatever is answered.

    `allowed` names hosts (`host:port`) that may be private.
    """
    began = time.monotonic()
    try:
        target = resolve(url, allowed)
        with connected(target, silence_s=SILENCE_S, deadline_s=DEADLINE_S) as connection:
            sent = {"Host": target.host_header, **headers}
            connection.request("POST", target.path, body=body, headers=sent)
            response = connection.getresponse()
            if time.monotonic() - began >= DEADLINE_S:
                # What we cut off in mid-head reads like an answer.
                return Posted(error=LATE, duration_ms=_ms_since(began))
            return Posted(
                status=response.status,
                answer=_beginning(response),
                retry_after_s=_retry_after(response),
                duration_ms=_ms_since(began),
            )
    except Unsafe:
        reason = NOT_PUBLIC
    except (OSError, ValueError, http.client.HTTPException) as error:
        is_late = time.monotonic() - began >= DEADLINE_S or isinstance(error, TimeoutError)
        reason = LATE if is_late else f"the connection failed: {type(error).__name__}"
    return Posted(error=reason, duration_ms=_ms_since(began))


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """Give the first bytes of the body; a status that has arrived counts without them too."""
    try:
        return response.read1(ANSWER_BYTES)[:ANSWER_BYTES]
    except (OSError, ValueError, http.client.HTTPException):
        return b""


def _retry_after(response: http.client.HTTPResponse) -> int | None:
    said = response.headers.get("Retry-After", "").strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) <= len("86400") else None


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
