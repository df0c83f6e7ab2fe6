"""The cells of a column as 64-bit words: eight bytes are looked at in one go.

In a word the first byte of the text is the lowest.  What follows is arithmetic on all cells at
once: `words ^ ZEROS` makes digits of their characters, and one addition finds the bytes that
are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rowport.engine.texts_in_arrow import TextBytes

    Places = NDArray[np.int64]
    Words = NDArray[np.uint64]

SIZE: Final = 8
"""Bytes of a word."""
_BEFORE: Final = 2 * SIZE
"""Bytes laid before the first cell, so that the two words that end with it can be read."""
BYTE: Final = np.uint64(0xFF)
_LOW_BITS: Final = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH_BITS: Final = np.uint64(0x8080808080808080)
_DIGITS: Final = np.uint64(0x7676767676767676)
"""What must be added to a byte to make its high bit tell that it is above 9."""
ZEROS: Final = np.uint64(0x3030303030303030)
"""Eight times the character 0."""


class Cells:
    """The bytes of the cells of one column."""

    def __init__(self, texts: TextBytes) -> None:
        """Copy the bytes, with some room around them."""
        held = texts.held
        self.bytes = np.zeros(len(held) + _BEFORE + SIZE, np.uint8)
        self.bytes[_BEFORE : _BEFORE + len(held)] = held
        offsets = texts.offsets.astype(np.int64)
        offsets += _BEFORE - offsets[0]
        self.begins: Places = offsets[:-1]
        self.ends: Places = offsets[1:]
        self.sizes: Places = np.diff(offsets)

    def words(self, places: Places) -> Words:
        """Give the eight bytes from each place on; places may lie two words before a cell."""
        every = np.ndarray((len(self.bytes) - SIZE + 1,), "<u8", self.bytes, 0, (1,))
        found: Words = every[places]
        return found

    def words_of_all(self, at: int, width: int) -> Words:
        """Give the eight bytes from the byte `at` on of every cell, where all have this width."""
        begin = int(self.begins[0]) + at
        return np.ndarray((len(self.begins),), "<u8", self.bytes, begin, (width,)).copy()


def are_digits(values: Words) -> NDArray[np.bool_]:
    """Tell where all eight bytes are 0 to 9: values, not characters."""
    return are_within(values, _DIGITS, _HIGH_BITS)


def are_within(values: Words, room: np.uint64, looked_at: np.uint64) -> NDArray[np.bool_]:
    """Tell where no byte of `values` plus that of `room` is above 127.

    `looked_at` has the high bits of the bytes that count.
    """
    told = values & _LOW_BITS
    told += room
    told |= values
    told &= looked_at
    fits: NDArray[np.bool_] = told == 0
    return fits


def pairs(digits: Words) -> Words:
    """Give in each byte the number that its digit and the next one make."""
    return digits * np.uint64(10) + (digits >> np.uint64(SIZE))


def numbers(digits: Words) -> Words:
    """Give the number that the eight digits of each word make."""
    two = pairs(digits)
    mask = np.uint64(0x000000FF000000FF)
    four = (two & mask) * np.uint64(100 + (1_000_000 << 32))
    four += ((two >> np.uint64(16)) & mask) * np.uint64(1 + (10_000 << 32))
    return four >> np.uint64(32)


def first(values: Words, byte: int) -> Words:
    """Give a word with a 1 in the byte of the first that equals `byte`; 0 where none does."""
    differing = values ^ np.uint64(byte * 0x0101010101010101)
    equal = (differing - np.uint64(0x0101010101010101)) & ~differing & _HIGH_BITS
    return (equal & (~equal + np.uint64(1))) >> np.uint64(7)
