"""What a file that is no table seems to be, by how its bytes look."""

from __future__ import annotations

import re
from typing import Final

from rowport.engine.delimited.wide import wide_encoding

SIGNATURES: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF87a", "a GIF image"),
    (0, b"GIF89a", "a GIF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"II*\x00", "a TIFF image"),
    (0, b"MM\x00*", "a TIFF image"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or an encrypted Office document"),
    (0, b"PK\x03\x04", "a ZIP archive or an Office document"),
    (0, b"PK\x05\x06", "an empty ZIP archive"),
    (0, b"\x1f\x8b\x08", "gzip-compressed data"),
    (0, b"BZh", "bzip2-compressed data"),
    (0, b"\xfd7zXZ\x00", "xz-compressed data"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard-compressed data"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ\x90", "a Windows program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"SQLite format 3\x00", "an SQLite database"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"ARROW1", "an Arrow file"),
    (0, b"Obj\x01", "an Avro file"),
    (0, b"ORC", "an ORC file"),
    (0, b"OggS", "an Ogg recording"),
    (0, b"ID3", "an MP3 recording"),
    (0, b"fLaC", "a FLAC recording"),
    (4, b"ftyp", "a video"),
    (0, b"-----BEGIN PGP", "an encrypted message"),
    (0, b"\xfe\xed\xfe\xed", "a Java key store"),
)
"""Offset, bytes, and what they are the mark of (list of file signatures, public knowledge)."""

_MARKUP: Final = (
    (re.compile(rb"<!DOCTYPE html|<html", re.IGNORECASE), "an HTML page"),
    (re.compile(rb"<\?xml\s"), "an XML document"),
    (re.compile(rb'\{\s*"[^"\r\n]*"\s*:'), "a JSON document without an array of objects"),
)
"""How texts begin that are no delimited text, though commas may stand in them."""
_START_BYTES: Final = 4096
_TEXT_CONTROLS: Final = frozenset(b"\t\n\r\x0b\x0c\x1a\x1b\x1c\x1d\x1e\x1f\x01\x00")
"""Control characters that text files do hold: spaces, separators, Ctrl-Z, a rare NUL."""
_MAX_CONTROL_SHARE: Final = 0.02
_MAX_NUL_SHARE: Final = 0.2
_MIN_CONTROL_KINDS: Final = 4
_SHORT: Final = frozenset({b"ORC", b"BZh", b"ID3", b"PAR1"})
"""Marks that a text could begin with: they need a control character nearby."""


def seems_to_be(head: bytes) -> str | None:
    """Say what a file that begins with `head` seems to be; None if it may well be text."""
    for offset, mark, what in SIGNATURES:
        if head.startswith(mark, offset) and not (mark in _SHORT and _is_texty(head[:512])):
            return what
    if not _is_texty(head):
        return "binary data"
    start = head[:_START_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((what for pattern, what in _MARKUP if pattern.match(start)), None)


def _is_texty(head: bytes) -> bool:
    if not head or head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return True
    if wide_encoding(head):
        return True
    if head.count(0) > _MAX_NUL_SHARE * len(head):
        return False
    controls = [byte for byte in range(0x20) if byte not in _TEXT_CONTROLS and byte in head]
    share = sum(head.count(byte) for byte in controls) / len(head)
    return share <= _MAX_CONTROL_SHARE or len(controls) < _MIN_CONTROL_KINDS
