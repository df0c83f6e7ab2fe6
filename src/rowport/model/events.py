"""What is told of an import while it lives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


class EventKind(StrEnum):
    """What happened."""

    CREATED = "import.created"
    """An import was made."""
    STATE = "import.state"
    """It went to another state that is not its end."""
    PHASE = "import.phase"
    """It does something else in the same state."""
    PROGRESS = "import.progress"
    """Chunks were loaded; told at most once a second."""
    COMPLETED = "import.completed"
    """It completed; its result tells how."""
    FAILED = "import.failed"
    """It failed as a whole, and says why."""
    CANCELED = "import.canceled"
    """A person ended it."""
    EXPIRED = "import.expired"
    """Its upload, staging or results are kept no more."""
    TEST = "webhook.test"
    """A person tries a webhook; of no import."""


TERMINAL: Final = frozenset({EventKind.COMPLETED, EventKind.FAILED, EventKind.CANCELED})
"""What ends an import; retried, it may end again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, in its place among all events."""

    id: UUID
    position: int
    """Rises in the order of commits: who read up to a position misses nothing behind it."""
    organization_id: UUID
    import_id: UUID | None
    """None: it is of no import."""
    kind: EventKind
    data: Mapping[str, object]
    """The import as it stood then: JSON values."""
    created_at: datetime
