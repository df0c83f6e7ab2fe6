"""The parts of a workbook: a ZIP archive that is not trusted."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from rowport.engine.inflation import inflated_limit
from rowport.engine.seekable import SeekableBlob
from rowport.model.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rowport.ports import BlobReader

MAX_ENTRIES: Final = 1_000
MAX_INFLATED_BYTES: Final = 4 * 1024**3
_SMALL_PART_BYTES: Final = 64 * 1024**2
_BLOCK_BYTES: Final = 1024 * 1024
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    IndexError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What the archive reader raises, in its words or in those of Python, on what is no archive."""
_DOCTYPE: Final = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


class Package:
    """An open archive whose entries were counted and weighed."""

    def __init__(self, blob: BlobReader) -> None:
        """Open the archive.

        Raises:
            UnreadableFile: it is damaged, encrypted, or inflates beyond all measure.
        """
        try:
            self._zip = zipfile.ZipFile(SeekableBlob(blob))
        except _DAMAGE as error:
            raise UnreadableFile(f"The workbook is damaged: {error}.") from error
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES:
            raise UnreadableFile(f"The workbook has {len(entries)} parts; at most {MAX_ENTRIES}.")
        inflated = sum(entry.file_size for entry in entries)
        packed = max(1, min(blob.size_bytes, sum(entry.compress_size for entry in entries)))
        if inflated > min(MAX_INFLATED_BYTES, inflated_limit(packed)):
            raise UnreadableFile(
                f"The workbook would inflate from {packed:,} to {inflated:,} bytes: "
                "it looks like a bomb. Save the sheet as CSV, or raise ROWPORT_MAX_RATIO."
            )
        if any(entry.flag_bits & 1 for entry in entries):
            raise UnreadableFile("The workbook is encrypted: remove its password.")
        self._names = {_plain(entry.filename): entry for entry in entries}

    def has(self, name: str) -> bool:
        """Say whether there is such a part."""
        return _plain(name) in self._names

    def stream(self, name: str) -> Iterator[bytes]:
        """Give a part block by block.

        The archive reader stops at the size that the directory tells, which was weighed; a part
        that goes on behind it fails its checksum.
        """
        entry = self._names.get(_plain(name))
        if entry is None:
            raise UnreadableFile(f"The workbook is damaged: it has no part {name}.")
        try:
            with self._zip.open(entry) as part:
                while block := part.read(_BLOCK_BYTES):
                    yield block
        except _DAMAGE as error:
            raise UnreadableFile(f"The workbook is damaged in {name}: {error}.") from error

    def tree(self, name: str) -> ET.Element:
        """Give a small part as a tree."""
        data = bytearray()
        for block in self.stream(name):
            data += block
            if len(data) > _SMALL_PART_BYTES:
                raise UnreadableFile(f"The part {name} of the workbook is too large.")
        return parsed(bytes(data), name)


def _plain(name: str) -> str:
    """Give a part's name as it is compared: some writers use backslashes or other capitals."""
    return name.replace("\\", "/").lstrip("/").lower()


def parsed(data: bytes, name: str) -> ET.Element:
    """Parse XML that may be hostile.

    Raises:
        UnreadableFile: it is broken, or declares a document type or entities.
    """
    if _DOCTYPE.search(data):
        raise UnreadableFile(f"The part {name} of the workbook declares entities: refused.")
    try:
        return ET.fromstring(data)  # noqa: S314  entities were refused above
    except (ET.ParseError, LookupError, ValueError) as error:
        raise UnreadableFile(f"The workbook is damaged in {name}: {error}.") from error


def local(tag: str) -> str:
    """Give the name of an element without its namespace."""
    return tag.rpartition("}")[2]


def resolved(base: str, target: str) -> str:
    """Give the name of the part that `target` means, seen from the part `base`."""
    if target.startswith("/"):
        return target[1:]
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), target))
