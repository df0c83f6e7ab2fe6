"""Identifiers: every public entity has a UUID and an independent 24-hex id."""

from __future__ import annotations

import hashlib
import secrets
import time
from uuid import UUID


def new_uuid() -> UUID:
    """Make a UUID version 7: ordered by the millisecond of its making (RFC 9562, 5.7)."""
    ms = time.time_ns() // 1_000_000
    tail = secrets.randbits(74)
    value = (ms & (2**48 - 1)) << 80
    value |= 0x7 << 76 | (tail >> 62) << 64
    value |= 0b10 << 62 | tail & (2**62 - 1)
    return UUID(int=value)


def new_oid() -> str:
    """Make a 24-hex id: four bytes of time, eight of chance, like a MongoDB ObjectId."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def record_id_prefix(import_id: UUID) -> bytes:
    """Give the 11 bytes that the ids of all records created by one import begin with.

    Six bytes are the import's own time (from its UUIDv7), then the version nibble with twelve
    bits of a hash of its id, then the variant bits with 22 more bits of that hash.
    """
    digest = int.from_bytes(hashlib.sha256(import_id.bytes).digest()[:5], "big")
    high = 0x8 << 12 | (digest >> 22) & 0xFFF
    low = 0b10 << 22 | digest & (2**22 - 1)
    return import_id.bytes[:6] + high.to_bytes(2, "big") + low.to_bytes(3, "big")


def record_id(import_id: UUID, row: int) -> UUID:
    """Give the id of the record that `row` (1-based) of an import creates.

    A UUID version 8 (RFC 9562, 5.8): the same again on a repeated load, ordered in the index,
    and nothing to store.  The last five bytes are the row number.
    """
    return UUID(bytes=record_id_prefix(import_id) + row.to_bytes(5, "big"))
