"""A live bar on a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from rowport.cli.pace import Rate, doing, eta_s

if TYPE_CHECKING:
    from rowport.model.imports import Import


class Bar:
    """Rows done of all, rows a second, failed rows, and the time left once it can be told."""

    def __init__(self) -> None:
        self._rate = Rate()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<11}"),
            BarColumn(),
            TextColumn("{task.fields[rows]}"),
            TextColumn("{task.fields[pace]}", style="cyan"),
            TextColumn("{task.fields[failed]}", style="red"),
            TextColumn("{task.fields[left]}", style="dim"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(
            "starting", total=None, rows="", pace="", failed="", left=""
        )
        self._progress.start()

    def show(self, imported: Import) -> None:
        """Move the bar; before the total is known it only shows that something is happening."""
        counts = imported.counts
        rate = self._rate.after(counts.processed, now=time.monotonic())
        left = eta_s(imported, rate)
        self._progress.update(
            self._task,
            description=doing(imported),
            total=counts.total or None,
            completed=counts.processed,
            rows=f"{counts.processed:,} / {counts.total:,}" if counts.total else "",
            pace=f"{rate:,.0f} rows/s" if rate is not None else "",
            failed=f"{counts.failed:,} failed" if counts.failed else "",
            left=f"{left:,.0f} s left" if left is not None else "",
        )

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
