"""Guess the encoding of a text from samples of its bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rowport.engine.delimited.codepages import certain_double_page, guess_code_page
from rowport.engine.delimited.encodings import UTF8, Encoding
from rowport.engine.delimited.wide import wide_encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

_BOMS: Final = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""UTF-32 before UTF-16, whose mark it begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingGuess:
    """An encoding and why."""

    encoding: Encoding
    bom_bytes: int
    confidence: float
    reason: str


def byte_order_mark(head: bytes) -> tuple[str, int] | None:
    """Give the encoding that a byte order mark names and the length of the mark."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    return None


def guess_encoding(samples: Sequence[bytes]) -> EncodingGuess:
    """Guess from samples, the first of which is the beginning of the file."""
    head = samples[0]
    marked = byte_order_mark(head)
    if marked:
        return _guess(marked[0], 1.0, "byte order mark", bom_bytes=marked[1])
    wide = wide_encoding(head)
    if wide:
        return _guess(wide, 0.9, "its zero bytes stand where this encoding has them")
    return _guess_narrow(samples)


def _guess(name: str, confidence: float, reason: str, *, bom_bytes: int = 0) -> EncodingGuess:
    return EncodingGuess(
        encoding=Encoding(name=name), bom_bytes=bom_bytes, confidence=confidence, reason=reason
    )


def _guess_narrow(samples: Sequence[bytes]) -> EncodingGuess:
    good = bad = 0
    for number, sample in enumerate(samples):
        more, worse = utf8_sequences(_trimmed(sample) if number else sample)
        good += more
        bad += worse
    if not bad:
        reason = "all multi-byte sequences are valid UTF-8" if good else "only ASCII in the samples"
        return _guess(UTF8, 1.0 if good else 0.95, reason)
    if good > _REPAIR_RATIO * bad:
        return _guess(UTF8, 0.8, f"{good} valid UTF-8 sequences, {bad} invalid bytes")
    if good and _changes_half_way(samples):
        return _guess(UTF8, 0.5, "a part of the lines is UTF-8 and the other is not")
    page = guess_code_page(b"\n".join(samples))
    return _guess(page.name, round(page.score, 2), "no UTF-8; its letters make words in this one")


_REPAIR_RATIO: Final = 5
_MAX_CHANGES: Final = 2
_MIN_PART: Final = 4
"""Fewer lines could be UTF-8, or fail to be, by chance."""


def _changes_half_way(samples: Sequence[bytes]) -> bool:
    """Say whether lines that are UTF-8 stand on one side and lines that are not on the other.

    As UTF-8 the other lines are errors that everybody sees; in a legacy encoding the UTF-8 lines
    would be read as wrong letters in silence.
    """
    lines = [
        line
        for number, sample in enumerate(samples)
        for line in re.split(rb"[\r\n]+", _trimmed(sample) if number else sample)
        if not line.isascii()
    ]
    verdicts = np.array([not utf8_sequences(line)[1] for line in lines], bool)
    changes = np.count_nonzero(verdicts[1:] != verdicts[:-1])
    smaller = min(np.count_nonzero(verdicts), np.count_nonzero(~verdicts))
    if changes > _MAX_CHANGES or smaller < _MIN_PART:
        return False
    return certain_double_page(b"\n".join(lines[:_MAX_LINES] + lines[-_MAX_LINES:])) is None


_MAX_LINES: Final = 1_000


def _trimmed(sample: bytes) -> bytes:
    """Take off the halves of characters at the ends of a sample cut out of the middle."""
    first = min((sample.find(mark) for mark in (b"\n", b"\r") if mark in sample), default=-1)
    last = max(sample.rfind(b"\n"), sample.rfind(b"\r"))
    return sample[first + 1 : last + 1]


def utf8_sequences(sample: bytes) -> tuple[int, int]:
    """Count the multi-byte sequences that are UTF-8 and the places that are not."""
    if sample.isascii():
        return 0, 0
    text = sample.decode(UTF8, "surrogateescape")
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    bad = np.count_nonzero((points >= 0xDC80) & (points <= 0xDCFF))  # noqa: PLR2004  PEP 383
    return int(np.count_nonzero(points > 0x7F) - bad), int(bad)  # noqa: PLR2004  ASCII


def given_encoding(name: str, head: bytes) -> EncodingGuess:
    """Give the encoding that a person named; a byte order mark of it is still no text."""
    marked = byte_order_mark(head)
    bom_bytes = 0
    if marked and (marked[0] == name or marked[0][:6] == name[:6] == "utf-16"):
        name, bom_bytes = marked
    return _guess(name, 1.0, "given", bom_bytes=bom_bytes)
