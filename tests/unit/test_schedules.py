"""When feeds run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.schedules import Every, next_after, read_schedule
from rowport.model.errors import InvalidOptions
from rowport.model.feeds import ScheduleKind

if TYPE_CHECKING:
    from collections.abc import Mapping

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def runs(count: int, said: Mapping[str, object], *, after: datetime = NOW) -> list[str]:
    """Give the next runs as the wall clock of the schedule's zone shows them."""
    schedule = read_schedule(said, NOW)
    found: list[str] = []
    moment = after
    while len(found) < count and (due := next_after(schedule, moment)):
        found.append(due.astimezone(ZoneInfo(schedule.time_zone)).strftime("%m-%d %H:%M %z"))
        moment = due
    return found


def test_once() -> None:
    there = {"starts_at": "2026-04-01T08:00:00", "time_zone": "Europe/Berlin"}
    assert runs(3, there) == ["04-01 08:00 +0200"]
    assert runs(3, {"starts_at": "2026-02-01T08:00:00Z"}) == []
    assert runs(3, {}) == []
    assert read_schedule({}, NOW).kind is ScheduleKind.ONCE


def test_a_daily_run_keeps_its_hour_when_the_clock_jumps() -> None:
    said = {"every": "day", "starts_at": "2026-03-27T01:30:00", "time_zone": "Europe/Berlin"}
    assert runs(4, said) == [
        "03-27 01:30 +0100",
        "03-28 01:30 +0100",
        "03-29 01:30 +0100",
        "03-30 01:30 +0200",
    ]


def test_an_hour_that_is_left_out_is_the_first_moment_after_it() -> None:
    said = {"every": "day", "starts_at": "2026-03-28T02:30:00", "time_zone": "Europe/Berlin"}
    assert runs(3, said) == ["03-28 02:30 +0100", "03-29 03:00 +0200", "03-30 02:30 +0200"]


def test_an_hour_that_comes_twice_is_run_once() -> None:
    said = {"every": "day", "starts_at": "2026-10-24T02:30:00", "time_zone": "Europe/Berlin"}
    assert runs(3, said) == ["10-24 02:30 +0200", "10-25 02:30 +0200", "10-26 02:30 +0100"]
    cron = {"cron": "30 2 * * *", "time_zone": "Europe/Berlin"}
    since = datetime(2026, 10, 23, 20, tzinfo=UTC)
    assert runs(3, cron, after=since) == [
        "10-24 02:30 +0200",
        "10-25 02:30 +0200",
        "10-26 02:30 +0100",
    ]


def test_hours_follow_time_itself() -> None:
    said = {"every": "hour", "interval": 6, "starts_at": "2026-03-28T22:00:00+01:00"}
    assert runs(3, said) == ["03-28 21:00 +0000", "03-29 03:00 +0000", "03-29 09:00 +0000"]


def test_months_end_where_they_end() -> None:
    said = {"every": "month", "starts_at": "2026-03-31T05:00:00"}
    assert runs(4, said) == [
        "03-31 05:00 +0000",
        "04-30 05:00 +0000",
        "05-31 05:00 +0000",
        "06-30 05:00 +0000",
    ]
    quarterly = {"every": "month", "interval": 3, "starts_at": "2026-11-30T05:00:00"}
    assert runs(3, quarterly) == ["11-30 05:00 +0000", "02-28 05:00 +0000", "05-30 05:00 +0000"]


def test_cron() -> None:
    assert runs(3, {"cron": "15 6 * * 1-5"}) == [
        "03-02 06:15 +0000",
        "03-03 06:15 +0000",
        "03-04 06:15 +0000",
    ]
    limited = {"cron": "0 0 * * *", "starts_at": "2026-03-05T00:00:00Z"}
    assert runs(2, {**limited, "ends_at": "2026-03-06T00:00:00Z"}) == [
        "03-05 00:00 +0000",
        "03-06 00:00 +0000",
    ]
    assert runs(3, {**limited, "ends_at": "2026-03-05T23:59:59Z"}) == ["03-05 00:00 +0000"]


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"cron": "61 * * * *"}, "minute"),
        ({"cron": "* * * *"}, "five fields"),
        ({"cron": "0 0 1 1 * *"}, "five fields"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "* * * * *", "every": "day"}, "exclude"),
        ({"every": "fortnight"}, "fortnight"),
        ({"every": "day", "interval": 0}, "interval"),
        ({"interval": 2}, "every"),
        ({"time_zone": "Mars/Olympus"}, "Mars"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"colour": "red"}, "colour"),
        ({"starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-01T00:00:00Z"}, "ends_at"),
        ({"starts_at": "tomorrow"}, "starts_at"),
    ],
)
def test_what_cannot_be_is_refused_by_name(said: dict[str, object], what: str) -> None:
    with pytest.raises(InvalidOptions, match=what):
        read_schedule(said, NOW)


@given(
    every=st.sampled_from(Every),
    interval=st.integers(1, 9),
    first=st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001  in the zone
    ahead=st.timedeltas(timedelta(), timedelta(days=900)),
)
def test_runs_follow_each_other_and_none_is_left_out(
    every: Every, interval: int, first: datetime, ahead: timedelta
) -> None:
    said = {
        "every": every.value,
        "interval": interval,
        "starts_at": first.isoformat(),
        "time_zone": "Europe/Berlin",
    }
    schedule = read_schedule(said, NOW)
    assert schedule.starts_at is not None
    all_of_them = [schedule.starts_at]
    until = schedule.starts_at + ahead
    while all_of_them[-1] <= until and len(all_of_them) < 400:
        due = next_after(schedule, all_of_them[-1])
        assert due is not None
        all_of_them.append(due)
    assert all(later > sooner for sooner, later in pairwise(all_of_them))
    for sooner, later in pairwise(all_of_them[:40]):
        between = sooner + (later - sooner) / 3
        assert next_after(schedule, between) == later
    walls = {due.astimezone(BERLIN).strftime("%M:%S") for due in all_of_them[:40]}
    if every is not Every.HOUR and first.hour != 2:
        assert len(walls) == 1
