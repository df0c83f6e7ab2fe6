"""Secrets that have to be used again: encrypted with a key that is not in the database.

AES-256-GCM with a fresh nonce each; where a secret belongs is authenticated with it, so that it
cannot be moved to another organization.  The first key encrypts; all of them decrypt, so that a
key is changed by putting a new one in front, and the old one goes once all was written anew.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rowport.model.errors import InvalidOptions, RowportError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_NAME_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_URL_SAFE: Final = str.maketrans("-_", "+/")


class SecretsLocked(RowportError):
    """The key that secrets were encrypted with is not among those given."""

    code = "secrets_locked"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Vault:
    """Encrypts and decrypts."""

    keys: Sequence[bytes]

    def lock(self, secrets: Mapping[str, object], organization_id: UUID, owner: str) -> bytes:
        """Encrypt the secrets of something that belongs to an organization."""
        key, nonce = self.keys[0], os.urandom(_NONCE_BYTES)
        plain = json.dumps(dict(secrets)).encode()
        hidden = AESGCM(key).encrypt(nonce, plain, _place(organization_id, owner))
        return _VERSION + _name(key) + nonce + hidden

    def unlock(self, hidden: bytes | None, organization_id: UUID, owner: str) -> dict[str, Any]:
        """Decrypt; None holds nothing.

        Raises:
            SecretsLocked: none of our keys made it, or it was made for something else.
        """
        if hidden is None:
            return {}
        name, rest = hidden[1 : 1 + _NAME_BYTES], hidden[1 + _NAME_BYTES :]
        key = next((key for key in self.keys if _name(key) == name), None)
        if key is None or hidden[:1] != _VERSION:
            raise SecretsLocked
        nonce, body = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        try:
            plain = AESGCM(key).decrypt(nonce, body, _place(organization_id, owner))
        except InvalidTag:
            raise SecretsLocked from None
        found: dict[str, Any] = json.loads(plain)
        return found


def read_keys(said: str) -> list[bytes]:
    """Read keys: 32 bytes each in Base64, with commas between them.

    Raises:
        InvalidOptions: one is none.
    """
    keys = []
    for part in filter(None, (part.strip() for part in said.split(","))):
        try:
            key = base64.b64decode(part.translate(_URL_SAFE), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise InvalidOptions(
                "ROWPORT_SECRET_KEYS: each key is 32 bytes in Base64; "
                "`openssl rand -base64 32` makes one."
            )
        keys.append(key)
    return keys


def new_key() -> str:
    """Make a key, as `read_keys` reads it."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def key_in(home: Path) -> str:
    """Give the key of a home; it is made by whoever asks first."""
    path = home / "secret.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=home, prefix=".secret.") as fresh:  # 0600
            fresh.write(new_key())
            fresh.flush()
            os.fsync(fresh.fileno())
            with suppress(FileExistsError):
                path.hardlink_to(fresh.name)  # whole, and only if nobody was faster
    return path.read_text().strip()


def _name(key: bytes) -> bytes:
    return hashlib.sha256(b"rowport key name" + key).digest()[:_NAME_BYTES]


def _place(organization_id: UUID, owner: str) -> bytes:
    return f"{organization_id}/{owner}".encode()
