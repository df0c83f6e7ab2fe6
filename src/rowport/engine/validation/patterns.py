"""User patterns: what Polars' linear-time engine accepts, matched against the full cell."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

MAX_CHARS: Final = 1000
"""A longer pattern is refused when the schema is saved."""


class BadPattern(ValueError):
    """The pattern cannot be used; the message says why."""


def full_match(pattern: str) -> str:
    """Give the pattern that matches where `pattern` matches the full cell."""
    return f"^(?:{pattern})$"


def check(pattern: str) -> None:
    """Make sure that the pattern compiles and is not too large.

    Raises:
        BadPattern: it is too long, uses look-around or back-references, or is no pattern.
    """
    if len(pattern) > MAX_CHARS:
        raise BadPattern(f"it is longer than {MAX_CHARS} characters")
    for candidate in (pattern, full_match(pattern)):
        try:
            pl.Series([""]).str.contains(candidate)
        except pl.exceptions.ComputeError as error:
            reason = re.search(r"^error: (.+)$", str(error), re.MULTILINE)
            raise BadPattern(reason[1] if reason else _first_line(error)) from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
