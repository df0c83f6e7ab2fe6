"""How fast an import goes, and how long it may still take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowport.model.states import ImportState

if TYPE_CHECKING:
    from rowport.model.imports import Import

RATE_SPAN_S: Final = 10.0


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
