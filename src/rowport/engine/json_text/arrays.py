"""Find where the elements of a JSON array begin and end, without parsing them.

Outside of strings, braces and brackets are counted; an element ends where the count is back at
nought.  So a file of any size is cut in one pass, and a broken element costs itself alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_QUOTE: Final = 0x22
_BACKSLASH: Final = 0x5C
_OPENING: Final = np.isin(np.arange(256), list(b"{["))
_CLOSING: Final = np.isin(np.arange(256), list(b"}]"))
_MARK: Final = np.isin(np.arange(256), list(b"{[}],"))
_PIECE_BYTES: Final = 1024 * 1024
_SPACE: Final = b" \t\r\n,\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """Elements of an array in a buffer, in order."""

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    is_closed: bool
    """The array ends in this buffer."""


def elements(buffer: bytes, *, is_final: bool) -> Elements:
    """Find the whole elements of a buffer that begins between two of them.

    What is left of a final buffer that does not end as it should is one more element, for a
    person to see.
    """
    commas, close = _edges(buffer)
    end = close if close is not None else len(buffer) if is_final else None
    edges = commas if end is None else np.append(commas, end)
    begins, ends = [], []
    low = 0
    for high in edges.tolist():
        text = buffer[low:high]
        if text.strip(_SPACE):
            begins.append(low + len(text) - len(text.lstrip(_SPACE)))
            ends.append(low + len(text.rstrip(_SPACE)))
        low = high + 1
    return Elements(
        begins=np.array(begins, np.int64),
        ends=np.array(ends, np.int64),
        is_closed=close is not None,
    )


def _edges(buffer: bytes) -> tuple[NDArray[np.int64], int | None]:
    """Give the commas between elements, and where the array ends if it does.

    The buffer is looked at piece by piece: a place takes eight times the memory of a byte.
    """
    array = np.frombuffer(buffer, np.uint8)
    commas = [np.zeros(0, np.int64)]
    depth = 0
    is_inside = False
    for low in range(0, len(buffer), _PIECE_BYTES):
        piece = array[low : low + _PIECE_BYTES]
        quotes = _quotes(buffer, piece, low)
        marks = np.flatnonzero(_MARK[piece]) + low
        marks = marks[np.searchsorted(quotes, marks) % 2 == int(is_inside)]
        is_inside ^= bool(len(quotes) % 2)
        kinds = array[marks]
        steps = _OPENING[kinds].astype(np.int64) - _CLOSING[kinds]
        depths = depth + np.cumsum(steps)
        closed = np.flatnonzero(depths < 0)
        stop = int(closed[0]) if len(closed) else len(marks)
        commas.append(marks[:stop][(depths[:stop] == 0) & (steps[:stop] == 0)])
        if len(closed):
            return np.concatenate(commas), int(marks[stop])
        depth = int(depths[-1]) if len(depths) else depth
    return np.concatenate(commas), None


def _quotes(buffer: bytes, piece: NDArray[np.uint8], low: int) -> NDArray[np.int64]:
    """Give the quotes that open and close strings: those not behind an odd run of backslashes.

    `piece` are the bytes of the buffer from `low` on.
    """
    quotes = np.flatnonzero(piece == _QUOTE) + low
    if buffer.find(b'\\"', max(0, low - 1), low + len(piece)) < 0:
        return quotes
    array = np.frombuffer(buffer, np.uint8)
    suspects = np.flatnonzero((array[np.maximum(quotes - 1, 0)] == _BACKSLASH) & (quotes > 0))
    is_escaped = np.zeros(len(quotes), bool)
    for suspect in suspects.tolist():
        place = end = int(quotes[suspect])
        while place > 0 and buffer[place - 1] == _BACKSLASH:
            place -= 1
        is_escaped[suspect] = (end - place) % 2 == 1
    return quotes[~is_escaped]


def array_begin(head: bytes) -> int | None:
    """Give the offset behind the bracket of the array of objects that a document begins with.

    The array is the document, or the value of a key of the object that the document is.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    skipped = len(head) - len(text)
    if text.startswith(b"["):
        return skipped + 1
    if not text.startswith(b"{"):
        return None
    array = np.frombuffer(head, np.uint8)
    quotes = _quotes(head, array, 0)
    brackets = np.flatnonzero(_OPENING[array] | _CLOSING[array])
    brackets = brackets[np.searchsorted(quotes, brackets) % 2 == 0]
    depth = 0
    for place in brackets.tolist():
        is_array = head.startswith(b"[", place) and depth == 1
        if is_array and head[place + 1 :].lstrip(b" \t\r\n").startswith(b"{"):
            return int(place) + 1
        depth += 1 if _OPENING[head[place]] else -1
    return None
