"""Options by which a person overrides what detection finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.engine.delimited.encodings import named
from rowport.model.errors import InvalidOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

_KNOWN: Final = ("encoding", "delimiter", "quote", "escape", "header_row", "has_header")
_NAMED_DELIMITERS: Final = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "pipe": "|"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedOptions:
    """What was given by hand; None leaves it to detection."""

    encoding: str | None = None
    """Canonical name of the codec."""
    delimiter: bytes | None = None
    quote: bytes | None = None
    """Empty: nothing is quoted."""
    escape: bytes | None = None
    """Empty: nothing is escaped."""
    header_row: int | None = None
    """1-based physical line of the header."""
    has_header: bool | None = None


def checked_options(given: Mapping[str, object]) -> DelimitedOptions:
    """Check what was given.

    Raises:
        InvalidOptions: an option is unknown or cannot be right.
    """
    for name in given:
        if name not in _KNOWN and name != "format":
            known = ", ".join(_KNOWN)
            raise InvalidOptions(f"There is no option {name!r} for delimited text; known: {known}.")
    delimiter = _characters(given, "delimiter")
    quote = _characters(given, "quote")
    escape = _characters(given, "escape")
    if delimiter == b"":
        raise InvalidOptions("The option delimiter must not be empty.")
    for name, value in (("quote", quote), ("escape", escape)):
        if value and len(value) > 1:
            raise InvalidOptions(f"The option {name} must be one ASCII character or empty.")
        if value and delimiter and value in delimiter:
            raise InvalidOptions(f"The options delimiter and {name} must differ.")
    header_row, has_header = _header(given)
    return DelimitedOptions(
        encoding=_encoding(given),
        delimiter=delimiter,
        quote=quote,
        escape=b"" if escape and escape == quote else escape,
        header_row=header_row,
        has_header=has_header,
    )


def _characters(given: Mapping[str, object], name: str) -> bytes | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidOptions(f"The option {name} must be text, not {value!r}.")
    value = _NAMED_DELIMITERS.get(value.lower(), value) if name == "delimiter" else value
    if "\n" in value or "\r" in value:
        raise InvalidOptions(f"The option {name} must not hold a line end.")
    return value.encode()


def _encoding(given: Mapping[str, object]) -> str | None:
    value = given.get("encoding")
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidOptions(f"The option encoding must be text, not {value!r}.")
    try:
        return named(value).name
    except LookupError:
        raise InvalidOptions(
            f"There is no encoding {value!r}; write for example utf-8, cp1252 or shift_jis."
        ) from None


def _header(given: Mapping[str, object]) -> tuple[int | None, bool | None]:
    has_header = given.get("has_header")
    header_row = given.get("header_row")
    if has_header is not None and not isinstance(has_header, bool):
        raise InvalidOptions(f"The option has_header must be true or false, not {has_header!r}.")
    if header_row is None:
        return None, has_header
    if isinstance(header_row, bool) or not isinstance(header_row, int) or header_row < 1:
        raise InvalidOptions(
            f"The option header_row must be the line number of the header, not {header_row!r}."
        )
    if has_header is False:
        raise InvalidOptions("The options header_row and has_header=false contradict each other.")
    return header_row, True
