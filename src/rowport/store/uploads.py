"""Uploads in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.model.ids import new_uuid
from rowport.model.uploads import Upload
from rowport.store.saying import many, one, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from rowport.ports import Transaction


def _names(upload: Upload) -> dict[str, UUID]:
    return {"organization_id": upload.organization_id, "id": upload.id}


class PostgresUploads:
    """Uploads, and how much of each has arrived."""

    def create(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        size_bytes: int,
        metadata: str,
        name: str | None,
        media_type: str | None,
        kept: timedelta,
    ) -> Upload:
        """Write a new upload, of which nothing has arrived."""
        upload_id = new_uuid()
        say(
            tx,
            "insert_upload",
            id=upload_id,
            organization_id=organization_id,
            size_bytes=size_bytes,
            metadata=metadata,
            name=name,
            media_type=media_type,
            kept=kept,
        )
        made = self.get(tx, organization_id, upload_id)
        if made is None:
            raise LookupError(upload_id)
        return made

    def get(self, tx: Transaction, organization_id: UUID, upload_id: UUID) -> Upload | None:
        """Give an upload that has not expired."""
        row = one(tx, "upload_by_id", organization_id=organization_id, id=upload_id)
        return None if row is None else Upload(**row)

    def advance(
        self, tx: Transaction, upload: Upload, received: int, *, kept: timedelta
    ) -> Upload | None:
        """Say how much has arrived; None: it is not as the caller knows it."""
        row = one(
            tx,
            "advance_upload",
            received=received,
            expected=upload.received,
            kept=kept,
            **_names(upload),
        )
        return None if row is None else Upload(**row)

    def finish(self, tx: Transaction, upload: Upload, sha256: str) -> Upload | None:
        """Say that all of it has arrived; None as above."""
        row = one(tx, "finish_upload", sha256=sha256, **_names(upload))
        return None if row is None else Upload(**row)

    def delete(self, tx: Transaction, upload: Upload) -> None:
        """Forget it."""
        say(tx, "delete_upload", **_names(upload))

    def expired(self, tx: Transaction, *, limit: int) -> Sequence[Upload]:
        """Give uploads, of all organizations, whose time has come."""
        return [Upload(**row) for row in many(tx, "expired_uploads", limit=limit)]
