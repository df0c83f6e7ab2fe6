"""Errors that nobody foresaw: told to the log, never to whoever asked."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


def note(method: str, path: str, error: BaseException, *, code: str = "") -> None:
    """Log the kind and the place of an error; its message may hold cell values.

    `code` is what the asker was told, so that the two can be brought together.
    """
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "nowhere"
    log.error("%s %r: %s at %s %s", method, path, type(error).__name__, where, code)
