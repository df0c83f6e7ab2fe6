"""How far an import is, while somebody waits for it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, Protocol

from rowport.cli.speech import note
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from rowport.model.imports import Import

LINE_EVERY_S: Final = 5.0
RATE_SPAN_S: Final = 10.0


class Progress(Protocol):
    """Something that is told of each poll."""

    def show(self, imported: Import) -> None:
        """Take the newest state."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class Rate:
    """Rows a second over the last seconds: what is happening now, not the mean of all."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []

    def after(self, rows: int, *, now: float) -> float | None:
        """Take the count of rows at a moment; give rows a second, None before it can be told."""
        self._seen.append((now, rows))
        while len(self._seen) > 2 and now - self._seen[1][0] > RATE_SPAN_S:  # noqa: PLR2004  keep a pair
            self._seen.pop(0)
        first_at, first_rows = self._seen[0]
        if rows == first_rows or now <= first_at:
            return None
        return (rows - first_rows) / (now - first_at)


def eta_s(imported: Import, rate: float | None) -> float | None:
    """Give the seconds that are left; None while the total or the rate is not known."""
    if imported.state is not ImportState.RUNNING or not rate:
        return None
    return imported.counts.pending / rate


def doing(imported: Import) -> str:
    """Say in a word or two what the import is doing."""
    if imported.state is ImportState.RUNNING and imported.phase:
        return str(imported.phase)
    return str(imported.state).replace("_", " ")


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


def progress_line(imported: Import, rate: float | None) -> str:
    """Say on one line how far the import is."""
    counts = imported.counts
    if not counts.total:
        return doing(imported)
    parts = [f"{doing(imported)}: {counts.processed:,} of {counts.total:,} rows"]
    if rate is not None:
        parts.append(f"{rate:,.0f} rows/s")
    parts.append(f"{counts.failed:,} failed")
    left = eta_s(imported, rate)
    if left is not None:
        parts.append(f"about {left:,.0f} s left")
    return ", ".join(parts)


def new_progress() -> Progress:
    """Give a live bar on a terminal, lines elsewhere."""
    if sys.stderr.isatty():
        from rowport.cli.bar import Bar  # noqa: PLC0415  rich is for terminals only

        return Bar()
    return Lines()
