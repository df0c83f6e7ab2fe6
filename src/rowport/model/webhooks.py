"""Webhooks: who is told of which events, and what came of telling."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from rowport.model.events import Event, EventKind


class DeliveryState(StrEnum):
    """How far a delivery is."""

    WAITING = "waiting"
    """It will be tried, now or again later."""
    DELIVERED = "delivered"
    """The receiver answered 2xx."""
    FAILED = "failed"
    """Given up; it can be replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told of events."""

    id: UUID
    oid: str
    organization_id: UUID
    name: str
    """Unique in its organization."""
    url: str
    events: frozenset[EventKind]
    secret_version: int
    """Counts rotations of the secret, which is derived and stands nowhere."""
    rotated_at: datetime | None
    failing_since: datetime | None
    """The first failure since the last success; None: the last try was fine."""
    disabled_at: datetime | None
    disabled_reason: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTry:
    """What came of one try."""

    number: int
    """From 1; a number that is missing: its worker died before it could tell."""
    began_at: datetime
    duration_ms: int
    status: int | None
    """The HTTP status; None: there was no answer."""
    error: str | None
    """Why it failed; None: it did not."""
    answer: str | None
    """The first bytes of the answer's body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one webhook."""

    id: UUID
    event_id: UUID
    kind: EventKind
    import_id: UUID | None
    state: DeliveryState
    tries: int
    due_at: datetime
    """When it is tried next, if it waits."""
    created_at: datetime
    finished_at: datetime | None
    log: tuple[DeliveryTry, ...]
    """What came of each try, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that this worker may try now."""

    id: UUID
    webhook: Webhook
    event: Event
    number: int
    """Which try it is."""
    round_tries: int
    """Which try since it was made or replayed."""
