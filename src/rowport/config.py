"""Settings that come from the environment: each is named ROWPORT_* and stands in docs/cli.md."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.model.errors import InvalidOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CHUNK_ROWS: Final = 50_000
DEFAULT_CHUNK_MB: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How Rowport works on this machine."""

    chunk_rows: int = DEFAULT_CHUNK_ROWS
    """ROWPORT_CHUNK_ROWS: the most rows of a chunk."""
    chunk_bytes: int = DEFAULT_CHUNK_MB * 1024 * 1024
    """ROWPORT_CHUNK_MB: about the most megabytes of a chunk."""


def settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        InvalidOptions: a value cannot be read.
    """
    known = os.environ if environment is None else environment
    return Settings(
        chunk_rows=_positive(known, "ROWPORT_CHUNK_ROWS", DEFAULT_CHUNK_ROWS),
        chunk_bytes=_positive(known, "ROWPORT_CHUNK_MB", DEFAULT_CHUNK_MB) * 1024 * 1024,
    )


def _positive(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise InvalidOptions(f"{name}={text!r} is not a whole number above 0.")
    return int(text)
