"""A worker's ear for others: who counts as silent, whatever the clocks show."""

from __future__ import annotations

from dataclasses import dataclass, field

from rowport.model.errors import RowportError, Unavailable
from rowport.runtime.heart import SILENT, Heart


@dataclass(slots=True, kw_only=True)
class Wards:
    """Workers on one database, as a presence tells of them."""

    signs: dict[str, str] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    is_away: bool = False

    def announce(self) -> None:
        """Be counted."""

    def others(self) -> dict[str, str]:
        """Give the signs of the others."""
        if self.is_away:
            raise Unavailable("The database does not answer.")
        return dict(self.signs)

    def end(self, session: str) -> None:
        """End a worker's sessions."""
        self.ended.append(session)
        del self.signs[session]

    def leave(self) -> None:
        """Be counted no more."""


def listen(heart: Heart, times: int) -> None:
    for _ in range(times):
        heart.listen()


def no_fault(error: RowportError) -> None:
    raise error


def test_who_gives_no_new_sign_for_long_enough_is_ended_once() -> None:
    wards = Wards(signs={"frozen": "12:00:00", "alive": "12:00:00"})
    heart = Heart(wards, no_fault)
    for beat in range(SILENT):
        wards.signs["alive"] = f"12:00:{beat + 1}"
        heart.listen()
    assert wards.ended == []
    wards.signs["alive"] = "later"
    heart.listen()
    assert wards.ended == ["frozen"]
    wards.signs["alive"] = "later still"
    heart.listen()
    assert wards.ended == ["frozen"]


def test_a_sign_from_before_is_a_sign_too() -> None:
    wards = Wards(signs={"other": "2026-06-01 12:00:00"})
    heart = Heart(wards, no_fault)
    listen(heart, SILENT)
    wards.signs["other"] = "2026-05-01 09:00:00"  # the clock was set back
    listen(heart, SILENT)
    assert wards.ended == []


def test_who_was_frozen_himself_does_not_take_others_for_silent() -> None:
    wards = Wards(signs={"other": "12:00:00"})
    heart = Heart(wards, no_fault)
    listen(heart, 2)
    # Hours pass in which neither of them runs; then this one is the first to wake up.
    listen(heart, 2)
    wards.signs["other"] = "18:00:00"
    listen(heart, SILENT)
    assert wards.ended == []
