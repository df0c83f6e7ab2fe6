"""What several routes answer with."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from litestar.response import Stream

from rowport.service.artifacts import MEDIA_TYPES

KINDS: Final = {
    **MEDIA_TYPES,
    "json": "application/json",
    "original": "application/octet-stream",
}
"""Media types by form; of a file as it was sent nobody says what it is."""


def as_file(parts: Iterator[bytes], *, form: str, file_name: str) -> Stream:
    """Answer with a file that is saved and never shown: its cells come from anybody."""
    headers = {
        # Said here and not as the media type, to which texts would get a second charset.
        "Content-Type": KINDS[form],
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file_name, safe='')}",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Stream(parts, headers=headers)
