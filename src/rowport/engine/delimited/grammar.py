"""How a delimited file separates and quotes its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_RECORD_BYTES: Final = 16 * 1024 * 1024
"""A longer record is one failed row; a quote that does not close within this is a character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """Separators as UTF-8 bytes."""

    delimiter: bytes
    quote: bytes | None = b'"'
    escape: bytes | None = None
    skips_space: bool = False
    """One space behind a delimiter belongs to it."""
    max_record_bytes: int = MAX_RECORD_BYTES

    @property
    def is_columnar(self) -> bool:
        """Whether records without a stray quote can be left to the columnar reader."""
        return self.quote is None or len(self.quote) == 1
