"""Fetch a public file without becoming a way into private networks."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.model.errors import UnreadableFile
from rowport.outbound.connection import connected

if TYPE_CHECKING:
    from rowport.outbound.guard import Target

LARGEST: Final = 256 * 1024 * 1024
DEADLINE_S: Final = 120.0
SILENCE_S: Final = 15.0
BLOCK_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file."""

    content: bytes
    media_type: str


def fetch(target: Target) -> Fetched:
    """Fetch the file; all of it within one deadline.

    Raises:
        UnreadableFile: it cannot be had, and why.
    """
    deadline = time.monotonic() + DEADLINE_S
    headers = {"Host": target.host_header, "Accept": "*/*"}
    try:
        with connected(target, silence_s=SILENCE_S, deadline_s=DEADLINE_S) as connection:
            connection.request("GET", target.path, headers=headers)
            return _received(connection.getresponse(), deadline)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UnreadableFile(f"The file cannot be fetched: {type(error).__name__}.") from None


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
