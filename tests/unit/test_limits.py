"""Calls are counted in windows of time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rowport.wire.limits import Limiter, Rate

RATE = Rate(calls=10, seconds=60)


class Clock:
    """A clock that stands still until it is told to go."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_begins_with_its_first_call_and_gives_all_calls_back_at_its_end() -> None:
    clock = Clock()
    limiter = Limiter(is_on=True, clock=clock)
    for turn in range(10):
        verdict = limiter.take("a", RATE)
        told = (verdict.allowed, verdict.remaining, verdict.reset_at_s)
        assert told == (True, 9 - turn, 1060.0)
        clock.now += 5
    refused = limiter.take("a", RATE)
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert (refused.retry_after_s, refused.reset_at_s) == (10.0, 1060.0)
    clock.now = 1059.9
    assert not limiter.take("a", RATE).allowed
    clock.now = 1060.0
    again = limiter.take("a", RATE)
    assert (again.allowed, again.remaining, again.reset_at_s) == (True, 9, 1120.0)


def test_callers_are_counted_apart() -> None:
    limiter = Limiter(is_on=True, clock=Clock())
    once = Rate(calls=1, seconds=1)
    assert limiter.take("a", once).allowed
    assert not limiter.take("a", once).allowed
    assert limiter.take("b", once).allowed


def test_limits_that_are_off_let_everything_through() -> None:
    limiter = Limiter(is_on=False, clock=Clock())
    verdicts = [limiter.take("a", RATE) for _ in range(12)]
    assert all(verdict.allowed and verdict.retry_after_s == 0 for verdict in verdicts)
    assert verdicts[-1].remaining == 0


def test_a_clock_that_is_set_back_holds_nobody_off() -> None:
    clock = Clock()
    limiter = Limiter(is_on=True, clock=clock)
    for _ in range(10):
        limiter.take("a", RATE)
    clock.now -= 3600
    assert limiter.take("a", RATE).allowed


@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_window_lets_more_through_than_its_rate(steps: list[float]) -> None:
    clock = Clock()
    limiter = Limiter(is_on=True, clock=clock)
    let_in: dict[float, int] = {}
    for step in steps:
        clock.now += step
        verdict = limiter.take("a", RATE)
        assert verdict.allowed == (verdict.retry_after_s == 0)
        assert clock.now < verdict.reset_at_s <= clock.now + RATE.seconds
        if verdict.allowed:
            let_in[verdict.reset_at_s] = let_in.get(verdict.reset_at_s, 0) + 1
    assert all(calls <= RATE.calls for calls in let_in.values())
