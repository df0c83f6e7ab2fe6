"""How far an import is, while somebody waits for it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, Protocol

from rowport.cli.pace import Rate, progress_line
from rowport.cli.speech import note

if TYPE_CHECKING:
    from rowport.model.imports import Import

LINE_EVERY_S: Final = 5.0


class Progress(Protocol):
    """Something that is told of each poll."""

    def show(self, imported: Import) -> None:
        """Take the newest state."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class Lines:
    """A line now and then, for logs and pipes."""

    def __init__(self) -> None:
        self._next_at = time.monotonic() + LINE_EVERY_S
        self._rate = Rate()

    def show(self, imported: Import) -> None:
        """Write a line if the last one is some seconds old."""
        now = time.monotonic()
        rate = self._rate.after(imported.counts.processed, now=now)
        if now < self._next_at:
            return
        self._next_at = now + LINE_EVERY_S
        note(f"rowport: {progress_line(imported, rate)}")

    def close(self) -> None:
        """Nothing to clear."""


def new_progress() -> Progress:
    """Give a live bar on a terminal, lines elsewhere."""
    if sys.stderr.isatty():
        from rowport.cli.bar import Bar  # noqa: PLC0415  rich is for terminals only

        return Bar()
    return Lines()
