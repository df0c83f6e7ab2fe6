"""Where the files of a feed come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from rowport.model.feeds import AfterRead, SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file as its source tells of it."""

    name: str
    """Below the folder or prefix of the source, with `/` between folders."""
    size_bytes: int | None
    """None: the source does not say."""
    version: str | None
    """Changes whenever the content may have; None: the source does not say."""
    modified_at: datetime | None = None


class OpenSource(Protocol):
    """A source that answers."""

    def files(self) -> Iterator[FoundFile]:
        """Give the files that are there, in any order.

        Raises:
            Unavailable: the source does not answer; the same call may succeed later.
            SourceRefused: it does not let us in, or what was asked for does not exist.
        """
        ...

    def read(self, file: FoundFile) -> Iterator[bytes]:
        """Give the content of a file of `files()`: all of it, or an error.

        A connection that breaks is taken up again where it broke, so long as the file is the same.

        Raises:
            Unavailable: as above.
            SourceRefused: as above.
            SourceChanged: it is another file now, or none, or not as long as it was said to be.
        """
        ...

    def set_aside(self, file: FoundFile, after: AfterRead, folder: str = "") -> None:
        """Move the file to `folder` or delete it; one that is gone is no error.

        Raises:
            Unavailable: as above.
            SourceRefused: as above.
        """
        ...


class Source(Protocol):
    """A kind of place that files come from."""

    kind: ClassVar[SourceKind]
    secrets: ClassVar[frozenset[str]]
    """The settings that are never shown again."""
    shows_half_files: ClassVar[bool]
    """Whether a file may be found that somebody still writes."""

    def check(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        """Give the settings as they are kept, without reaching out.

        Raises:
            InvalidOptions: a setting is unknown, missing or cannot be; which, and what to do.
        """
        ...

    def open(self, settings: Mapping[str, object]) -> AbstractContextManager[OpenSource]:
        """Reach the source that `check` gave these settings for.

        Raises:
            Unavailable: as above.
            SourceRefused: as above.
        """
        ...
