"""The id of a request: in its answer, and in every line of the log that it causes."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Final
from uuid import uuid4

HEADER: Final = "x-request-id"
SANE: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
current: Final[ContextVar[str]] = ContextVar("request_id", default="-")
"""The request that is being answered; `-` outside of one."""


def chosen(said: str) -> str:
    """Give the asker's own id if it is a sane one, else a new one."""
    return said if SANE.fullmatch(said) else str(uuid4())
