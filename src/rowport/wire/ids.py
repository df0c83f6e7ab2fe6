"""Ids that come from outside: text until it is proven to be one."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from rowport.model.errors import Invalid

# `UUID()` alone would also take braces, "urn:uuid:" and digits without dashes.
CANONICAL: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE
)
SHOWN: Final = 60


def import_id(text: str, *, of: str = "an import") -> UUID:
    """Read the id of an import, or of what `of` says.

    Raises:
        Invalid: it is no UUID in its canonical form.
    """
    if not CANONICAL.fullmatch(text):
        raise Invalid(f"{text[:SHOWN]!r} is not the id of {of}: an id is a UUID")
    return UUID(text)
