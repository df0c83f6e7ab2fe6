"""What the service needs of the ledger to take uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from rowport.model.uploads import Upload
    from rowport.ports import Transaction


class UploadLedger(Protocol):
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
        ...

    def get(self, tx: Transaction, organization_id: UUID, upload_id: UUID) -> Upload | None:
        """Give an upload that has not expired."""
        ...

    def advance(
        self, tx: Transaction, upload: Upload, received: int, *, kept: timedelta
    ) -> Upload | None:
        """Say how much has arrived; None: it is not as the caller knows it."""
        ...

    def finish(self, tx: Transaction, upload: Upload, sha256: str) -> Upload | None:
        """Say that all of it has arrived; None as above."""
        ...

    def delete(self, tx: Transaction, upload: Upload) -> None:
        """Forget it."""
        ...

    def expired(self, tx: Transaction, *, limit: int) -> Sequence[Upload]:
        """Give uploads, of all organizations, whose time has come."""
        ...
