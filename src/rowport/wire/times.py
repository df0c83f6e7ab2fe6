"""Times as every HTTP face and the command line write them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def rfc3339(moment: datetime | None) -> str | None:
    """Write a moment in UTC with six digits after the second, so that texts sort like times.

    Source: RFC 3339, 5.6.
    """
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
