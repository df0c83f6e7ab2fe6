"""Idempotency-Key: the first answer under a key is the answer for 24 hours."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rowport.dialects.micro.errors import KeyInUse, KeyMismatch, invalid
from rowport.service.replays import KeyReused, StillRunning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from litestar import Request

    from rowport.model.access import Principal
    from rowport.ports.faces import StoredReplay
    from rowport.service import Services

HEADER: Final = "idempotency-key"
LONGEST_KEY: Final = 255
PATIENCE_S: Final = 25.0
"""How long a repetition waits for the first request to be answered."""
GLANCE_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent, and kept to be sent again."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def key_of(request: Request[Any, Any, Any]) -> str | None:
    """Give the request's key; None when it has none.

    Raises:
        InvalidRequest: it is sent twice, empty, or longer than 255 characters.
    """
    said = request.headers.getall(HEADER, [])
    if not said:
        return None
    if len(said) > 1 or not 1 <= len(said[0]) <= LONGEST_KEY or "\x00" in said[0]:
        raise invalid(".headers.idempotency-key", "must have 1 to 255 characters", "maxLength")
    return str(said[0])


async def once(
    services: Services,
    principal: Principal,
    request: Request[Any, Any, Any],
    body: bytes,
    do: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Answer a request, or as it was answered before.

    A request that fails keeps no answer: it did nothing and may be sent again.

    Raises:
        KeyMismatch: the key was used with another request.
        KeyInUse: the first request with it is not answered yet.
    """
    key = key_of(request)
    if key is None:
        return await do()
    organization_id, face = principal.organization.id, f"micro:{principal.token_id}"
    target = f"{request.method} {request.url.path}\n".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(target + body).hexdigest()
    kept = await _begin(services, principal, face=face, key=key, digest=digest)
    if kept.status is not None:
        headers = {**kept.headers, "idempotent-replay": "true"}
        return Answer(status=kept.status, body=kept.body, headers=headers)
    replays = services.replays
    try:
        answer = await do()
    except BaseException:
        await asyncio.to_thread(replays.drop, organization_id, face=face, key=key)
        raise
    await asyncio.to_thread(
        replays.keep,
        organization_id,
        face=face,
        key=key,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
    )
    return answer


async def _begin(
    services: Services, principal: Principal, *, face: str, key: str, digest: str
) -> StoredReplay:
    """Take the key, or wait until its first request is answered."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await asyncio.to_thread(
                services.replays.begin,
                principal.organization.id,
                face=face,
                key=key,
                request_sha256=digest,
            )
        except KeyReused:
            raise KeyMismatch from None
        except StillRunning:
            if time.monotonic() > deadline:
                raise KeyInUse from None
        await asyncio.sleep(GLANCE_S)
