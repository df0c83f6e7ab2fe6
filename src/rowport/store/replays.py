"""Answers kept for idempotency keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from rowport.ports.faces import StoredReplay
from rowport.store.saying import one, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from uuid import UUID

    from rowport.ports import Transaction


class PostgresReplays:
    """Replayed answers in the ledger."""

    def claim(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        face: str,
        key: str,
        request_sha256: str,
        lifetime: timedelta,
    ) -> bool:
        """Take a key for a request; False when it is taken."""
        row = one(
            tx,
            "claim_replay",
            organization_id=organization_id,
            face=face,
            key=key,
            request_sha256=request_sha256,
            lifetime=lifetime,
        )
        return row is not None

    def find(
        self, tx: Transaction, organization_id: UUID, *, face: str, key: str
    ) -> StoredReplay | None:
        """Give what is kept under a key."""
        row = one(tx, "replay_by_key", organization_id=organization_id, face=face, key=key)
        if row is None:
            return None
        return StoredReplay(
            request_sha256=row["request_sha256"],
            status=row["status"],
            headers=row["headers"] or {},
            body=bytes(row["body"] or b""),
        )

    def keep(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        face: str,
        key: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Keep the answer of the request that took the key."""
        say(
            tx,
            "keep_replay",
            organization_id=organization_id,
            face=face,
            key=key,
            status=status,
            headers=Jsonb(dict(headers)),
            body=body,
        )

    def drop(self, tx: Transaction, organization_id: UUID, *, face: str, key: str) -> None:
        """Give a key back that has no answer."""
        say(tx, "drop_replay", organization_id=organization_id, face=face, key=key)
