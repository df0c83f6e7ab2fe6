"""The bytes of a part, at many places at a time.

Eight bytes are read as one number (the first byte the lowest), so that one comparison tells what
stands in a place, and digits become a number in a few steps, however many they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]
    Offsets = NDArray[np.int64]
    Words = NDArray[np.uint64]

_WORD: Final = 8
_PADDING: Final = b"\0" * 40
"""More than any text that is looked for, and a word behind it."""
_STRETCH: Final = 65_536
"""Bytes that are searched for tags at a time; masks of so few stay in the nearest memory."""
_SPACED: Final = b' xml:space="preserve">'


def padded(block: bytes) -> Bytes:
    """Give the bytes of a block and some behind it, so that words can be read up to its end."""
    return np.frombuffer(block + _PADDING, np.uint8)


def tags(array: Bytes, *kinds: bytes) -> list[Offsets]:
    """Give where the tags stand whose names begin with a letter of each kind.

    A slash before letters means closing tags.
    """
    found: list[list[Offsets]] = [[] for _ in kinds]
    for begin in range(0, len(array) - 2, _STRETCH):
        part = array[begin : begin + _STRETCH + 2]
        is_tag = part[:-2] == ord("<")
        for places, kind in zip(found, kinds, strict=True):
            letters = kind.removeprefix(b"/")
            name = part[2:] if letters != kind else part[1:-1]
            is_named = name == letters[0]
            for letter in letters[1:]:
                is_named |= name == letter
            is_named &= is_tag
            places.append(np.flatnonzero(is_named) + begin)
    joined = [np.concatenate(places) for places in found]
    return [
        places[array[places + 1] == ord("/")] if kind.startswith(b"/") else places
        for places, kind in zip(joined, kinds, strict=True)
    ]


def words(array: Bytes, places: Offsets) -> Words:
    """Give the eight bytes that begin in each place."""
    every: NDArray[Any] = np.ndarray((len(array) - _WORD + 1,), "V8", array, 0, (1,))
    found: Words = every[places].view("<u8")
    return found


def stands(array: Bytes, places: Offsets, text: bytes) -> bool:
    """Say whether a text stands in every place."""
    return all(bool((array[places + n] == byte).all()) for n, byte in enumerate(text))


def leading_number(found: Words) -> tuple[Offsets, Offsets]:
    """Give the number that the digits at the beginning of each word make, and their count.

    All steps are of a word's eight bytes at once: the first byte that is no digit is found by a
    carry into its highest bit, and then neighbors are added up in pairs, fours and eights.
    """
    digits = found ^ _repeated(0x30)
    is_none = (((digits & _repeated(0x7F)) + _repeated(0x76)) | digits) & _repeated(0x80)
    count = np.bitwise_count((is_none & (~is_none + np.uint64(1))) - np.uint64(1)) >> 3
    number = digits << ((_WORD - count).astype(np.uint64) << np.uint64(3))
    number = (number * np.uint64(10) + (number >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    number = (number * np.uint64(100) + (number >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    number = (number * np.uint64(10_000) + (number >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    return number.astype(np.int64), count.astype(np.int64)


def _repeated(byte: int) -> np.uint64:
    return np.uint64(byte * 0x0101010101010101)


def text_begins(array: Bytes, opens: Offsets) -> Offsets | None:
    """Give where texts begin behind tags of one letter; None if one has a strange attribute."""
    begins = opens + len(b"<t>")
    spaced = np.flatnonzero(array[opens + 2] != ord(">"))
    if len(spaced):
        if not stands(array, opens[spaced] + 2, _SPACED):
            return None
        begins[spaced] += len(_SPACED) - 1
    return begins


def pieces(array: Bytes, begins: Offsets, ends: Offsets) -> pa.Array:
    """Cut UTF-8 at ascending places, without a copy: every other piece lies between two texts."""
    offsets = np.zeros(2 * len(begins) + 1, np.int64)
    offsets[:-1:2] = begins
    offsets[1::2] = ends
    offsets[-1] = ends[-1] if len(ends) else 0
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(array)]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)


def is_utf8(block: bytes) -> bool:
    """Say whether a block is UTF-8."""
    whole = np.zeros(1, np.int64), np.array([len(block)])
    try:
        pieces(np.frombuffer(block, np.uint8), *whole).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def marked(block: bytes, array: Bytes, begins: Offsets) -> Flags:
    """Say which texts may hold an entity, an escape or a carriage return."""
    flags = np.zeros(len(begins), bool)
    if b"&" in block or b"\r" in block or b"_" in block:
        is_mark = (array == ord("&")) | (array == ord("\r"))
        is_mark[:-1] |= (array[:-1] == ord("_")) & (array[1:] == ord("x"))
        owners = np.searchsorted(begins, np.flatnonzero(is_mark), "right") - 1
        flags[owners[owners >= 0]] = True
    return flags
