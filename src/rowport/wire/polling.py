"""How long to wait for an import: what is asked for, and what we advise."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rowport.model.states import ImportState

if TYPE_CHECKING:
    from litestar.datastructures import Headers

    from rowport.model.imports import Import

WAIT: Final = re.compile(r"(?:^|[,;])\s*wait\s*=\s*(\d{1,9})\s*(?=$|[,;])", re.IGNORECASE)
LONGEST_S: Final = 30
SLOWEST_S: Final = 30
PART: Final = 10
"""So many times is looked within an import's life so far."""
BY_THEMSELVES: Final = frozenset(
    {
        ImportState.RECEIVING,
        ImportState.READING,
        ImportState.QUEUED,
        ImportState.RUNNING,
        ImportState.PAUSING,
        ImportState.CANCELING,
    }
)


def read_wait(headers: Headers) -> int:
    """Give for how many seconds the answer may wait (`Prefer: wait=N`); at most LONGEST_S.

    Source: RFC 7240, section 4.3.  What is not understood is no preference.
    """
    found = WAIT.search(",".join(headers.getall("prefer", [])))
    return min(int(found[1]), LONGEST_S) if found else 0


def retry_after(imported: Import) -> dict[str, str]:
    """Advise when to look again, the later the longer it goes on; never of what has ended."""
    if imported.state.is_final:
        return {}
    age_s = (datetime.now(UTC) - imported.state_since).total_seconds()
    seconds = age_s / PART if imported.state in BY_THEMSELVES else SLOWEST_S
    return {"Retry-After": str(round(min(max(seconds, 1), SLOWEST_S)))}
