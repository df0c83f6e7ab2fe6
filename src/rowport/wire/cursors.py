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

COMPLAINT: Final = "the cursor is not one that an earlier page gave; leave it out to begin"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIME_BYTES: Final = 8
ALL_BYTES: Final = TIME_BYTES + 16
ROW_BYTES: Final = 6
"""Row numbers fit into five bytes; six make a text without padding."""
LONGEST_TEXT: Final = 512
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
    complaint = Invalid(COMPLAINT)
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


def cursor_after_row(row: int) -> str:
    """Give the cursor of the page of rows that follows a row."""
    return base64.urlsafe_b64encode(row.to_bytes(ROW_BYTES, "big")).decode("ascii")


def read_row_cursor(text: str) -> int:
    """Read the cursor of a page of rows back.

    Raises:
        Invalid: no page of ours ever ended with it.
    """
    complaint = Invalid(COMPLAINT)
    if len(text) > LONGEST:
        raise complaint
    try:
        packed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise complaint from error
    if len(packed) != ROW_BYTES:
        raise complaint
    return int.from_bytes(packed, "big")


def cursor_after_text(last: str | UUID) -> str:
    """Give the cursor of the page that follows what has this name or id."""
    return base64.urlsafe_b64encode(str(last).encode()).decode("ascii")


def read_text_cursor(text: str) -> str:
    """Read the cursor of a page by names back.

    Raises:
        Invalid: no page of ours ever ended with it.
    """
    if len(text) > LONGEST_TEXT:
        raise Invalid(COMPLAINT)
    try:
        return base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True).decode()
    except ValueError as error:  # also what it is not encoded as
        raise Invalid(COMPLAINT) from error


def read_id_cursor(text: str) -> UUID:
    """Read the cursor of a page by ids back.

    Raises:
        Invalid: no page of ours ever ended with it.
    """
    try:
        return UUID(read_text_cursor(text))
    except ValueError as error:
        raise Invalid(COMPLAINT) from error
