"""Idempotency: the same request under the same key is done once and answered alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rowport.model.errors import Conflict
from rowport.ports.faces import StoredReplay

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rowport.ports.ledger import Ledger

LIFETIME: Final = timedelta(hours=24)


class KeyReused(Conflict):
    """This idempotency key was used for another request."""

    status = 422
    code = "idempotency_key_reused"


class StillRunning(Conflict):
    """The first request with this idempotency key is still running."""

    code = "idempotency_key_in_use"
    transient = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Replays:
    """Answers kept for keys; `face` tells APIs apart."""

    ledger: Ledger

    def begin(
        self, organization_id: UUID, *, face: str, key: str, request_sha256: str
    ) -> StoredReplay:
        """Give the kept answer; or take the key, and give no status.

        Then do the request, and `keep` its answer, `drop` the key or `release` it.

        Raises:
            KeyReused: it was used for another request.
            StillRunning: the first request has no answer yet.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            taken = self.ledger.replays.claim(
                tx,
                organization_id,
                face=face,
                key=key,
                request_sha256=request_sha256,
                lifetime=LIFETIME,
            )
            if taken is not None:
                return StoredReplay(
                    request_sha256=request_sha256, subject=taken, status=None, headers={}, body=b""
                )
            kept = self.ledger.replays.find(tx, organization_id, face=face, key=key)
        if kept is None or kept.request_sha256 != request_sha256:
            raise KeyReused
        if kept.status is None:
            raise StillRunning
        return kept

    def keep(
        self,
        organization_id: UUID,
        *,
        face: str,
        key: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Keep the answer for whoever asks again."""
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.replays.keep(
                tx, organization_id, face=face, key=key, status=status, headers=headers, body=body
            )

    def drop(self, organization_id: UUID, *, face: str, key: str) -> None:
        """Give the key back: the request did nothing."""
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.replays.drop(tx, organization_id, face=face, key=key)

    def release(self, organization_id: UUID, *, face: str, key: str) -> None:
        """Let the request be repeated at once: it was cut off, and may have done something.

        What it makes gets the same id again.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.replays.release(tx, organization_id, face=face, key=key)
