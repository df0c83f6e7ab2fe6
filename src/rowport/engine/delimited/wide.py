"""Recognise UTF-16 and UTF-32 without a byte order mark.

Where most letters are ASCII the zero bytes alone tell.  Other text has them only in its
delimiters, digits and line ends: there the bytes are read as each of the encodings, and the one
in which they are text is meant.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections import Counter
from typing import Final

_ZEROS: Final = {
    "utf-32-le": (0, 1, 1, 1),
    "utf-32-be": (1, 1, 1, 0),
    "utf-16-le": (0, 1, 0, 1),
    "utf-16-be": (1, 0, 1, 0),
}
"""Which bytes of four are zero in text that is mostly ASCII."""
_MANY_ZEROS: Final = 0.4
_UNIT_BYTES: Final = 4
"""One unit of UTF-32, two of UTF-16."""
_READ_BYTES: Final = 64 * 1024
_MIN_ZEROS: Final = 0.02
"""Less of the bytes being zero, a text may well be a narrow one with some NULs in it."""
_MAX_ODD: Final = 0.02
_NO_TEXT: Final = frozenset({"Cc", "Cn", "Co", "Cs"})
_TEXT_CONTROLS: Final = frozenset("\t\n\r\x0b\x0c\x1a\x1c\x1d\x1e\x1f\x01")


def wide_encoding(head: bytes) -> str | None:
    """Name the UTF-16 or UTF-32 that a file begins in; None if it begins in neither."""
    if len(head) < _UNIT_BYTES or 0 not in head:
        return None
    return _by_zeros(head) or _by_text(head[:_READ_BYTES])


def _by_zeros(head: bytes) -> str | None:
    shares = [head[n::4].count(0) / len(head[n::4]) for n in range(4)]
    for name, pattern in _ZEROS.items():
        if all(
            (share > _MANY_ZEROS) == bool(zero) for share, zero in zip(shares, pattern, strict=True)
        ):
            return name
    return None


def _by_text(head: bytes) -> str | None:
    if head.count(0) < _MIN_ZEROS * len(head) or _is_narrow(head):
        return None
    scores = {name: _ascii_share(head, name) for name in _ZEROS}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > 0 else None


def _is_narrow(head: bytes) -> bool:
    """Say whether the bytes are UTF-8 and text but for the zeros."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head.replace(b"\0", b""))
    except UnicodeDecodeError:
        return False
    return _is_text(text)


def _ascii_share(head: bytes, name: str) -> float:
    """Give the share of ASCII in the text that an encoding makes; 0 if it makes no text.

    In the wrong byte order a line end is a rare sign of another script, so the right order has
    more of it.
    """
    try:
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return 0.0
    if "\0" in text or not _is_text(text):
        return 0.0
    return sum(char < "\x80" for char in text) / len(text)


def _is_text(text: str) -> bool:
    odd = sum(
        count
        for char, count in Counter(text).items()
        if char not in _TEXT_CONTROLS and unicodedata.category(char) in _NO_TEXT
    )
    return odd <= _MAX_ODD * len(text)
