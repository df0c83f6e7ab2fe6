"""How a file is to be read, as words that a person or a form sends."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from rowport.model.errors import InvalidOptions

MOST_DIGITS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingWords:
    """What was said; None leaves it to detection."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    """One character or more, or `tab`, `space`, `comma`, `pipe`."""
    quote: str | None = None
    """Empty: nothing is quoted."""
    escape: str | None = None
    """Empty: nothing is escaped."""
    header_row: str | None = None
    """The line (or sheet row) of the header, from 1."""
    has_header: str | None = None
    """`true` or `false`."""
    sheet: str | None = None
    """Its name, or its number from 1; digits alone are a number."""
    member: str | None = None
    """The name of a file in an archive."""

    def read(self) -> dict[str, object]:
        """Turn the words into options of a format (`ImportOptions.format`).

        Raises:
            InvalidOptions: one of them is not of its kind; whether the file's format knows it
                shows when the file is read.
        """
        said = {f.name: getattr(self, f.name) for f in fields(self)}
        found: dict[str, object] = {name: word for name, word in said.items() if word is not None}
        if self.header_row is not None:
            found["header_row"] = _number(self.header_row)
        if self.has_header is not None:
            found["has_header"] = _truth(self.has_header)
        if self.sheet is not None and _is_number(self.sheet):
            found["sheet"] = int(self.sheet)
        return found


WORDS: Final = tuple(f.name for f in fields(ReadingWords))


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= MOST_DIGITS


def _number(word: str) -> int:
    if not _is_number(word) or int(word) < 1:
        raise InvalidOptions(f"header_row {word!r} is not the number of a line, from 1")
    return int(word)


def _truth(word: str) -> bool:
    if word not in {"true", "false"}:
        raise InvalidOptions(f"has_header {word!r} is neither true nor false")
    return word == "true"
