"""What a ZIP archive is, by the name of its first part.

The bytes behind it prove nothing: an archive may hold workbooks that are not compressed again, and
then their parts' names stand in it as well.
"""

from __future__ import annotations

import re
from typing import Final

_ZIP: Final = b"PK\x03\x04"
_NAME_AT: Final = 30
_NAME_SIZE_AT: Final = 26
_OFFICE_PART: Final = re.compile(
    rb"\[Content_Types\]\.xml|(_rels|docProps|docMetadata|customXml)/.*|xl/|xl/.+\.(xml|bin|rels|vml|png|jpeg)",
    re.IGNORECASE | re.DOTALL,
)


def is_zip(head: bytes) -> bool:
    """Say whether a file that begins with `head` is a ZIP archive."""
    return head.startswith(_ZIP)


def begins_as_office(head: bytes) -> bool:
    """Say whether the first file in an archive is a part of an Office document."""
    return is_zip(head) and _OFFICE_PART.fullmatch(first_name(head)) is not None


def first_name(head: bytes) -> bytes:
    """Give the name of the first file in an archive."""
    size = int.from_bytes(head[_NAME_SIZE_AT : _NAME_SIZE_AT + 2], "little")
    return head[_NAME_AT : _NAME_AT + size]
