"""Answers kept for idempotency keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from rowport.model.ids import new_uuid
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
    ) -> UUID | None:
        """Take a key for a request and give the id of what that makes; None when it is taken."""
        row = one(
            tx,
            "claim_replay",
            organization_id=organization_id,
            face=face,
            key=key,
            request_sha256=request_sha256,
            subject=new_uuid(),
            lifetime=lifetime,
        )
        return None if row is None else row["subject"]

    def find(
        self, tx: Transaction, organization_id: UUID, *, face: str, key: str
    ) -> StoredReplay | None:
        """Give what is kept under a key."""
        row = one(tx, "replay_by_key", organization_id=organization_id, face=face, key=key)
        if row is None:
            return None
        return StoredReplay(
            request_sha256=row["request_sha256"],
            subject=row["subject"],
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

    def release(self, tx: Transaction, organization_id: UUID, *, face: str, key: str) -> None:
        """Let the request of a key be repeated at once: it was cut off."""
        say(tx, "release_replay", organization_id=organization_id, face=face, key=key)

    def drop_old(self, tx: Transaction, *, limit: int) -> int:
        """Forget answers of all organizations that have expired; gives how many."""
        return say(tx, "drop_old_replays", limit=limit)
