"""What a process in the background writes down."""

from __future__ import annotations

import logging


def start_log() -> None:
    """Write what happens to stderr, with times; libraries only when something is wrong."""
    logging.basicConfig(
        format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s",
        level=logging.WARNING,
    )
    logging.getLogger("rowport").setLevel(logging.INFO)
    # The queue logs a failed task with its traceback, which may hold cell values; what failed is
    # in our own log and, in words, in the import.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
