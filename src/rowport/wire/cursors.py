"""Opaque cursors: where the next page begins."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rowport.model.errors import Invalid

if TYPE_CHECKING:
    from rowport.model.imports import Import

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIME_BYTES: Final = 8
ALL_BYTES: Final = TIME_BYTES + 16
LONGEST: Final = 64
"""Text of more characters is no cursor of ours; it is not even decoded."""


def cursor_after(last: Import) -> str:
    """Give the cursor of the page that follows an import."""
    return cursor_of(last.created_at, last.id)


def cursor_of(created_at: datetime, import_id: UUID) -> str:
    """Give the cursor of a place in the list."""
    micros = (created_at - EPOCH) // timedelta(microseconds=1)
    packed = micros.to_bytes(TIME_BYTES, "big", signed=True) + import_id.bytes
    return base64.urlsafe_b64encode(packed).decode("ascii")


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """Read a cursor back.

    Raises:
        Invalid: no page of ours ever ended with it.
    """
    complaint = Invalid("the cursor is not one that an earlier page gave; leave it out to begin")
    if len(text) > LONGEST:
        raise complaint
    try:
        packed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        if len(packed) != ALL_BYTES:
            raise complaint
        micros = int.from_bytes(packed[:TIME_BYTES], "big", signed=True)
        return EPOCH + timedelta(microseconds=micros), UUID(bytes=packed[TIME_BYTES:])
    except (binascii.Error, UnicodeEncodeError, OverflowError) as error:
        raise complaint from error
