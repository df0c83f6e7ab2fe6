"""What the settings of all sources have in common."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from rowport.model.errors import InvalidOptions, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Pattern = Annotated[str, Meta(min_length=1, max_length=200)]
"""`*`, `?` and `[...]`, as in a shell.  Without a `/` it is for the file's own name, in whatever
folder; with one it is for the whole name below the source's folder."""
Text = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")]

RESUMES: Final = 5
"""How often in a row a transfer may break off without a new byte."""

Kept = TypeVar("Kept", bound=msgspec.Struct)


def read_settings(settings: Mapping[str, object], kind: type[Kept]) -> Kept:
    """Understand the settings of a source.

    Raises:
        InvalidOptions: one is unknown, missing, or cannot be; which one.
    """
    try:
        return msgspec.convert(settings, kind)
    except msgspec.ValidationError as error:
        raise InvalidOptions(f"source: {_named(str(error))}") from None


def is_wanted(name: str, pattern: str) -> bool:
    """Tell whether a file is one that the source is asked for; hidden ones never are."""
    parts = name.split("/")
    if not parts[-1] or any(part.startswith(".") for part in parts):
        return False
    return fnmatchcase(name if "/" in pattern else parts[-1], pattern)


def resumed(
    content_from: Callable[[int], Iterator[bytes]], again: Callable[[], None] = lambda: None
) -> Iterator[bytes]:
    """Give the content of a file; where it breaks off, call `again` and go on from that byte.

    Raises:
        Unavailable: no new byte came in several tries.
    """
    done, breaks = 0, 0
    while True:
        before = done
        try:
            for block in content_from(done):
                done += len(block)
                yield block
        except Unavailable:
            breaks = breaks + 1 if done == before else 0
            if breaks >= RESUMES:
                raise
            again()
        else:
            return


def _named(told: str) -> str:
    """Say a complaint of the reader with the name of the setting in front."""
    what, _, where = told.partition(" - at `$")
    name = re.sub(r"^\.", "", where.rstrip("`"))
    return f"{name}: {what}" if name else what
