"""Secrets and signatures of webhooks, by the Standard Webhooks specification, version 1.0.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

PREFIX: Final = "whsec_"


def derived_secret(key: bytes, webhook_id: UUID, version: int) -> bytes:
    """Give the secret (32 bytes) of a webhook: the same again for the same version.

    `key` is this installation's.  So no secret of any webhook stands in the database.
    """
    return hmac.digest(key, webhook_id.bytes + version.to_bytes(4, "big"), hashlib.sha256)


def shown(secret: bytes) -> str:
    """Give a secret as receivers' libraries take it."""
    return PREFIX + base64.b64encode(secret).decode()


def signature_header(
    secrets: Iterable[bytes], *, message_id: str, timestamp: int, body: bytes
) -> str:
    """Give the value of `webhook-signature`: one signature for each secret that is valid now."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    macs = (hmac.digest(secret, signed, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)
