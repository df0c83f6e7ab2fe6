"""What a process in the background writes down."""

from __future__ import annotations

import logging

from rowport.wire.request_ids import current


class Named(logging.Filter):
    """Lets each line say which request it belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Name the request."""
        record.request = current.get()
        return True


def start_log(level: int = logging.INFO) -> None:
    """Write what happens to stderr, with times; libraries only when something is wrong."""
    logging.basicConfig(
        format="%(asctime)s %(process)d %(levelname)s %(name)s %(request)s: %(message)s",
        level=logging.WARNING,
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(Named())
    logging.getLogger("rowport").setLevel(level)
    # The queue logs a failed task with its traceback, which may hold cell values; what failed is
    # in our own log and, in words, in the import.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
