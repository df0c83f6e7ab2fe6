"""The words of tus: headers of resumable uploads.

Source: https://tus.io/protocols/resumable-upload, version 1.0.0.
"""

from __future__ import annotations

import base64
import binascii
import re
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

from rowport.model.errors import Invalid, UnsupportedMedia, UnsupportedVersion
from rowport.service.uploads import ALGORITHMS, Checksum

if TYPE_CHECKING:
    from litestar.datastructures import Headers

    from rowport.model.uploads import Upload

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,termination,checksum,expiration"
PART: Final = "application/offset+octet-stream"
RESUMABLE: Final = {"Tus-Resumable": VERSION}
MOST_DIGITS: Final = 18
METADATA: Final = re.compile(r"[^\s,]+( [A-Za-z0-9+/]*={0,2})?", re.ASCII)


def check_version(headers: Headers) -> None:
    """Refuse a request that does not speak our version.

    Raises:
        UnsupportedVersion: it speaks another one, or does not say.
    """
    said = headers.get("tus-resumable")
    if said != VERSION:
        raise UnsupportedVersion(f"Send the header Tus-Resumable: {VERSION}.")


def check_is_part(headers: Headers) -> None:
    """Refuse a body that is no part of an upload.

    Raises:
        UnsupportedMedia: it says that it is something else.
    """
    if headers.get("content-type") != PART:
        raise UnsupportedMedia(f"Send the bytes with Content-Type: {PART}.")


def read_number(headers: Headers, name: str) -> int:
    """Read a header that holds a number of bytes.

    Raises:
        Invalid: it is missing or no such number.
    """
    said = headers.get(name.lower(), "")
    if not (said.isascii() and said.isdigit() and len(said) <= MOST_DIGITS):
        raise Invalid(f"The header {name} is a whole number of bytes.")
    return int(said)


def read_announced(headers: Headers) -> int | None:
    """Give how long the body is to be; None where nobody says."""
    said = headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= MOST_DIGITS else None


def read_metadata(headers: Headers) -> dict[str, str]:
    """Read `Upload-Metadata`; what is no text is left out.

    Raises:
        Invalid: it is not as tus writes it.
    """
    found: dict[str, str] = {}
    for pair in filter(None, headers.get("upload-metadata", "").split(",")):
        if not METADATA.fullmatch(pair.strip()):
            raise Invalid("Upload-Metadata is a list of `key base64`, with commas between them.")
        key, _, value = pair.strip().partition(" ")
        if key in found:
            raise Invalid(f"Upload-Metadata has the key {key[:60]!r} twice.")
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            raise Invalid(f"Upload-Metadata: the value of {key[:60]!r} is no base64.") from None
    return found


def read_checksum(headers: Headers) -> Checksum | None:
    """Read `Upload-Checksum`.

    Raises:
        Invalid: it is not as tus writes it, or of an algorithm that is not offered.
    """
    said = headers.get("upload-checksum")
    if said is None:
        return None
    algorithm, _, digest = said.partition(" ")
    if algorithm not in ALGORITHMS:
        raise Invalid(f"Upload-Checksum is made by one of: {', '.join(ALGORITHMS)}.")
    try:
        return Checksum(algorithm=algorithm, digest=base64.b64decode(digest, validate=True))
    except binascii.Error:
        raise Invalid("Upload-Checksum is `algorithm base64`.") from None


def upload_headers(upload: Upload) -> dict[str, str]:
    """Say how far an upload is."""
    return {
        **RESUMABLE,
        "Upload-Offset": str(upload.received),
        "Upload-Length": str(upload.size_bytes),
        "Upload-Expires": format_datetime(upload.expires_at, usegmt=True),
        "Cache-Control": "no-store",
        **({"Upload-Metadata": upload.metadata} if upload.metadata else {}),
    }
