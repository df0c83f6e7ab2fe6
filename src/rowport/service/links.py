"""Signed, expiring links to files: whoever has the link has the file, until it expires."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rowport.model.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.ports.ledger import Ledger

LIFETIME_S: Final = 15 * 60
KEY_NAME: Final = "links"
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link opens."""

    organization_id: UUID
    kind: str
    """`failed-rows` or `template`."""
    subject: str
    """An import's UUID, or a record type's name."""
    form: str
    """`csv` or `xlsx`."""
    file_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes and opens links."""

    ledger: Ledger

    def sign(self, link: Link, *, lifetime_s: int = LIFETIME_S) -> str:
        """Give a link as URL-safe text; valid for `lifetime_s` from now."""
        return self.sign_all([link], lifetime_s=lifetime_s)[0]

    def sign_all(self, links: Sequence[Link], *, lifetime_s: int = LIFETIME_S) -> list[str]:
        """Give many links, in their order, for one look at the key."""
        key = self._key() if links else b""
        expires = int(time.time()) + lifetime_s
        return [_signed(key, link, expires) for link in links]

    def open(self, text: str) -> Link:
        """Give what a link opens.

        Raises:
            NotFound: it was not made here, was changed, or has expired; which, is not told.
        """
        try:
            body, mac = (_bytes(part) for part in text.split("."))
            if not hmac.compare_digest(mac, _mac(self._key(), body)):
                raise NotFound
            organization, kind, subject, form, file_name, expires = json.loads(body)
        except ValueError:
            raise NotFound from None
        if time.time() > expires:
            raise NotFound
        return Link(
            organization_id=UUID(organization),
            kind=kind,
            subject=subject,
            form=form,
            file_name=file_name,
        )

    def _key(self) -> bytes:
        with self.ledger.database.transaction() as tx:
            return self.ledger.access.secret(tx, KEY_NAME, secrets.token_bytes(KEY_BYTES))


def _signed(key: bytes, link: Link, expires: int) -> str:
    claims = [
        link.organization_id.hex,
        link.kind,
        link.subject,
        link.form,
        link.file_name,
        expires,
    ]
    body = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    return f"{_text(body)}.{_text(_mac(key, body))}"


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    # Strict: one text for one value, so that no changed byte of a link still opens it.
    value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(value) != text:
        raise ValueError(text)
    return value
