"""Spreadsheets that are archives, checked and put so that their reader loses nothing of them.

The reader believes no checksum and no size, so both are checked before it looks.
In OpenDocument files it takes a line break or a tab inside a cell for nothing, and an error value
for an empty text: all three are rewritten as the plain text that a person sees.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPE: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_HEAD_BYTES: Final = 200
_CONTENT: Final = "content.xml"
_MANIFEST: Final = "META-INF/manifest.xml"
_KEPT: Final = ("mimetype", _MANIFEST)
"""What the reader looks at besides the content."""
_BLOCK_BYTES: Final = 1024 * 1024
_CELL: Final = b"<table:table-cell"
_LOST: Final = re.compile(rb'<text:(?:line-break|tab)\b|value-type="error"')
_BREAK: Final = re.compile(rb"<text:line-break\s*/>|<text:line-break>\s*</text:line-break>")
_TAB: Final = re.compile(rb"<text:tab\b[^<>]*/>|<text:tab\b[^<>]*>\s*</text:tab>")
_ERROR_CELL: Final = re.compile(rb'<table:table-cell\b[^<>]*value-type="error"[^<>]*>')
_NO_TEXT: Final = re.compile(rb'\soffice:string-value="[^"<>]*"')
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


class Damaged(Exception):
    """The archive is not what it says."""


def is_encrypted(data: bytes) -> bool:
    """Say whether the parts of a document cannot be read without a password."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_MANIFEST) as manifest:
            return b"encryption-data" in manifest.read(_BLOCK_BYTES)
    except (*_DAMAGE, KeyError):
        return False


def checked(data: bytes) -> bytes:
    """Give the archive so that nothing is lost, or as it is if nothing would be.

    Raises:
        Damaged: a part of it has another size or checksum than the archive says.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            is_open_document = _TYPE in data[:_HEAD_BYTES]
            is_lost = False
            for entry in archive.infolist():
                with archive.open(entry) as content:
                    is_sheet = is_open_document and entry.filename == _CONTENT
                    for part in _parts(content) if is_sheet else _blocks(content):
                        is_lost = is_lost or (is_sheet and bool(_LOST.search(part)))
            return _mended(archive) if is_lost else data
    except _DAMAGE as error:
        raise Damaged(str(error)) from error


def _mended(archive: zipfile.ZipFile) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        for entry in archive.infolist():
            if entry.filename in _KEPT:
                copy.writestr(entry, archive.read(entry))
            elif entry.filename == _CONTENT:
                with archive.open(entry) as content, copy.open(_CONTENT, "w") as out:
                    for part in _parts(content):
                        out.write(_plain(part))
    return target.getvalue()


def _plain(part: bytes) -> bytes:
    part = _TAB.sub(b"&#9;", _BREAK.sub(b"&#10;", part))
    return _ERROR_CELL.sub(lambda cell: _NO_TEXT.sub(b"", cell.group()), part)


def _blocks(content: IO[bytes]) -> Iterator[bytes]:
    while block := content.read(_BLOCK_BYTES):
        yield block


def _parts(content: IO[bytes]) -> Iterator[bytes]:
    """Give the content in runs that end before a cell begins."""
    carry = b""
    for block in _blocks(content):
        known = max(0, len(carry) - len(_CELL))
        carry += block
        end = carry.rfind(_CELL, known)
        if end > 0:
            yield carry[:end]
            carry = carry[end:]
    yield carry
