"""When a feed runs: at one moment, every so often, or by a cron expression, in a time zone.

Wall clocks jump.  What is due at an hour that is left out in spring is due at the first moment
after the gap, and what is due at an hour that comes twice in autumn is due the first time only;
cron expressions of every hour or minute follow time itself.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError
from msgspec import Meta

from rowport.model.errors import InvalidOptions
from rowport.model.feeds import ScheduleKind

if TYPE_CHECKING:
    from collections.abc import Mapping

_MONTHS: Final = 12
_CRON_FIELDS: Final = 5


class Every(StrEnum):
    """What lies between two runs."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When a feed runs: `cron`, or `every` from `starts_at` on, or once at `starts_at`."""

    cron: Annotated[str, Meta(max_length=200)] | None = None
    """Minute, hour, day of the month, month, day of the week."""
    every: Every | None = None
    interval: Annotated[int, Meta(ge=1, le=1000)] = 1
    """Every how many of them."""
    starts_at: datetime | None = None
    """The first run of `every`, before which there is none; without an offset it is in the zone."""
    ends_at: datetime | None = None
    """After it nothing is due."""
    time_zone: str = "UTC"

    @property
    def kind(self) -> ScheduleKind:
        """Whether it comes again."""
        again = self.cron is not None or self.every is not None
        return ScheduleKind.PERIODIC if again else ScheduleKind.ONCE


def read_schedule(settings: Mapping[str, object], now: datetime) -> Schedule:
    """Understand a schedule; what is to come `every` so often and says no start starts `now`.

    Raises:
        InvalidOptions: a part of it is unknown or cannot be; which one.
    """
    try:
        said = msgspec.convert(settings, Schedule)
    except msgspec.ValidationError as error:
        raise InvalidOptions(f"schedule: {error}") from None
    zone = _zone(said.time_zone)
    if said.cron is not None and said.every is not None:
        raise InvalidOptions("schedule: cron and every exclude each other.")
    if said.interval != 1 and said.every is None:
        raise InvalidOptions("schedule: interval needs every.")
    starts_at, ends_at = _moment(said.starts_at, zone), _moment(said.ends_at, zone)
    if said.every is not None and starts_at is None:
        starts_at = now.replace(microsecond=0)
    if said.cron is not None:
        _check_cron(said.cron, zone, now)
    if starts_at and ends_at and ends_at < starts_at:
        raise InvalidOptions("schedule: ends_at lies before starts_at.")
    return msgspec.structs.replace(said, starts_at=starts_at, ends_at=ends_at)


def next_after(schedule: Schedule, moment: datetime) -> datetime | None:
    """Give the first run after a moment, in UTC; None: there is none.

    A feed that runs once, and whose schedule names no moment, is not due by itself.
    """
    zone = _zone(schedule.time_zone)
    if schedule.cron is not None:
        since = moment
        if schedule.starts_at is not None:
            since = max(since, schedule.starts_at - timedelta(seconds=1))
        found: datetime | None = _next_of_cron(schedule.cron, since.astimezone(zone))
    elif schedule.every is not None and schedule.starts_at is not None:
        found = _next_of_every(schedule.every, schedule.interval, schedule.starts_at, moment, zone)
    else:
        starts_at = schedule.starts_at
        found = starts_at if starts_at is not None and starts_at > moment else None
    if found is None or (schedule.ends_at is not None and found > schedule.ends_at):
        return None
    return found.astimezone(UTC)


def _next_of_cron(cron: str, since: datetime) -> datetime | None:
    try:
        return next(CronSim(cron, since))
    except StopIteration:
        return None


def _check_cron(cron: str, zone: ZoneInfo, now: datetime) -> None:
    if len(cron.split()) != _CRON_FIELDS:
        raise InvalidOptions(
            f"schedule: cron: {cron!r} has not five fields: minute, hour, day of the month, month, "
            "day of the week."
        )
    try:
        next(CronSim(cron, now.astimezone(zone)))
    except CronSimError as error:
        raise InvalidOptions(f"schedule: cron: {cron!r}: {error}.") from None
    except StopIteration:
        raise InvalidOptions(f"schedule: cron: {cron!r} never comes.") from None


def _next_of_every(
    every: Every, interval: int, first: datetime, moment: datetime, zone: ZoneInfo
) -> datetime:
    """Count from the first run on, so that the 31st stays the 31st wherever a month has one."""
    if moment < first:
        return first
    if every is Every.HOUR:
        step = timedelta(hours=interval)
        return first + ((moment - first) // step + 1) * step
    begin, now = first.astimezone(zone), moment.astimezone(zone)
    if every is Every.MONTH:
        passed = (now.year - begin.year) * _MONTHS + now.month - begin.month
    else:
        days = interval * (7 if every is Every.WEEK else 1)
        passed, interval = (now.date() - begin.date()).days, days
    steps = max(0, passed // interval - 1)
    while True:
        found = _stepped(every, steps * interval, begin, zone)
        if found > moment:
            return found
        steps += 1


def _stepped(every: Every, by: int, begin: datetime, zone: ZoneInfo) -> datetime:
    """Give the moment so many days or months on, at the same hour of the wall clock."""
    wall = begin.replace(tzinfo=None)
    if every is Every.MONTH:
        years, month = divmod(wall.month - 1 + by, _MONTHS)
        year = wall.year + years
        day = min(wall.day, calendar.monthrange(year, month + 1)[1])
        wall = wall.replace(year=year, month=month + 1, day=day)
    else:
        wall += timedelta(days=by)
    return _at(wall, zone)


def _at(wall: datetime, zone: ZoneInfo) -> datetime:
    """Give the moment of a wall clock: the first of two, or the end of the gap that it lies in."""
    early = wall.replace(tzinfo=zone, fold=0)
    late = wall.replace(tzinfo=zone, fold=1)
    before, after = early.utcoffset(), late.utcoffset()
    if before is not None and after is not None and before < after:  # a gap: it does not exist
        return _end_of_gap(late.astimezone(UTC), early.astimezone(UTC), zone)
    return early.astimezone(UTC)


def _end_of_gap(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Find the second at which the clock jumps: before it the one offset holds, then the other."""
    old = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _moment(said: datetime | None, zone: ZoneInfo) -> datetime | None:
    if said is None:
        return None
    if said.tzinfo is None:
        return _at(said.replace(microsecond=0), zone)
    return said.astimezone(UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # what zoneinfo says of names that are none
        raise InvalidOptions(
            f"schedule: time_zone: {name[:80]!r} is no time zone; one is `Europe/Berlin`."
        ) from None
