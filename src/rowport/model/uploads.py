"""Uploads: files that arrive in parts, to be imported afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file on its way to us."""

    id: UUID
    organization_id: UUID
    size_bytes: int
    """How many bytes it is to have."""
    received: int
    """How many of them are safe with us: where the next part begins."""
    metadata: str
    """What its sender told of it, as it was told: an `Upload-Metadata` of tus."""
    name: str | None
    """As its sender calls it: data, never a path."""
    media_type: str | None
    sha256: str | None
    """In hex; None until it is whole."""
    created_at: datetime
    expires_at: datetime
    """It is dropped then; each part that arrives puts this off."""

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here and it can be imported."""
        return self.sha256 is not None

    @property
    def blob(self) -> str:
        """Where its bytes lie in the blob store."""
        return f"uploads/{self.id}"
