"""To how much a file may inflate."""

from __future__ import annotations

from typing import Final

from rowport.config import settings

_SMALL_BYTES: Final = 64 * 1024**2
"""Files that inflate to less may be packed as tightly as they like."""


def inflated_limit(packed_bytes: int) -> int:
    """Give to how many bytes a file of this size may inflate; more is a bomb."""
    chosen = settings()
    return min(chosen.max_inflated_bytes, max(_SMALL_BYTES, chosen.max_ratio * packed_bytes))
