"""What the requests ask for: JSON bodies, read strictly where MoEngage is strict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from rowport.dialects.moengage.errors import INVALID_OFFSET, UNABLE, Refused
from rowport.dialects.moengage.windows import Window, read_window
from rowport.dialects.moengage.words import (
    FATES_OF_FILES,
    FATES_OF_IMPORTS,
    FILE_STATUS_ALIASES,
    KINDS_OF_SCHEDULES,
    KINDS_OF_SOURCES,
    FileStatus,
    ImportSource,
    ImportStatus,
    ImportType,
    ScheduleType,
)

if TYPE_CHECKING:
    from datetime import tzinfo

    from rowport.model.feeds import ScheduleKind, SourceKind

Meaning = TypeVar("Meaning", bound=str)
PAGE: Final = 50
LONGEST_OFFSET: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportsAsked:
    """Which imports are wanted; None does not filter."""

    import_id: str | None
    name: str | None
    types: frozenset[str] | None
    window: Window | None
    schedules: frozenset[ScheduleKind] | None
    sources: frozenset[SourceKind] | None
    fates: frozenset[str] | None
    page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesAsked:
    """Of which import, and which of its files, are wanted."""

    import_id: str | None
    name: str | None
    window: Window | None
    fates: frozenset[str] | None
    page: int


def read_body(body: bytes) -> Mapping[str, object]:
    """Read a JSON object.

    Raises:
        Refused: it is none.
    """
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(UNABLE) from None
    if not isinstance(said, dict):
        raise Refused(UNABLE)
    return said


def imports_asked(said: Mapping[str, object], zone: tzinfo) -> ImportsAsked:
    """Read the body of Import Details; keys that nobody documented are not looked at.

    Raises:
        Refused: a value cannot be meant.
    """
    import_id, name = _text(said, "import_id"), _text(said, "import_name")
    return ImportsAsked(
        import_id=import_id,
        name=name if import_id is None else None,
        types=_words(said, "import_type", frozenset(ImportType)),
        window=_window(said, zone),
        schedules=_meant(said, "schedule_type", frozenset(ScheduleType), KINDS_OF_SCHEDULES),
        sources=_meant(said, "file_source", frozenset(ImportSource), KINDS_OF_SOURCES),
        fates=_meant(said, "schedule_status", frozenset(ImportStatus), FATES_OF_IMPORTS),
        page=_page(said),
    )


def files_asked(said: Mapping[str, object], zone: tzinfo) -> FilesAsked:
    """Read the body of Import File Run History; the id wins over the name.

    Raises:
        Refused: a value cannot be meant, or no import is named.
    """
    import_id, name = _text(said, "import_id"), _text(said, "import_name")
    if import_id is None and name is None:
        raise Refused(UNABLE)
    known = frozenset(FileStatus) | FILE_STATUS_ALIASES.keys()
    meanings = {
        **FATES_OF_FILES,
        **{alias: FATES_OF_FILES[word] for alias, word in FILE_STATUS_ALIASES.items()},
    }
    return FilesAsked(
        import_id=import_id,
        name=name if import_id is None else None,
        window=_window(said, zone),
        fates=_meant(said, "file_status", known, meanings),
        page=_page(said),
    )


def _text(said: Mapping[str, object], key: str) -> str | None:
    if key not in said:
        return None
    value = said[key]
    if not isinstance(value, str) or "\x00" in value:
        raise Refused(UNABLE)
    return value


def _words(said: Mapping[str, object], key: str, known: frozenset[str]) -> frozenset[str] | None:
    """Read one word or a list of words; no word at all does not filter."""
    value = said.get(key, ())
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, Sequence):
        raise Refused(UNABLE)
    for word in words:
        if not isinstance(word, str) or word not in known:
            raise Refused(UNABLE)
    return frozenset(words) or None


def _meant(
    said: Mapping[str, object],
    key: str,
    known: frozenset[str],
    meanings: Mapping[str, frozenset[Meaning]],
) -> frozenset[Meaning] | None:
    words = _words(said, key, known)
    return None if words is None else frozenset().union(*(meanings[word] for word in words))


def _window(said: Mapping[str, object], zone: tzinfo) -> Window | None:
    return read_window(said["date"], zone) if "date" in said else None


def _page(said: Mapping[str, object]) -> int:
    """Read the number of the page; it may be a text, as in the published example."""
    value = said.get("offset", 1)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not (text.isascii() and text.isdigit()):
        raise Refused(INVALID_OFFSET)
    number = int(text[:LONGEST_OFFSET])  # longer ones are beyond every last page, too
    if number < 1:
        raise Refused(INVALID_OFFSET)
    return number
