"""Why nothing happens in an import."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest

from rowport.model.imports import Import
from rowport.model.states import FINAL, ImportState
from rowport.model.waiting import WaitingCode
from rowport.ports.rounds import WaitingFacts
from rowport.service.waiting import why

BLANK: Final[dict[str, Any]] = dict.fromkeys(each.name for each in fields(Import))
NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
S = ImportState


def job(state: ImportState) -> Import:
    return Import(
        **BLANK | {"id": UUID(int=1), "state": state, "state_since": NOON, "stopped_by": "Ann"}
    )


@pytest.mark.parametrize(
    ("state", "facts", "code", "said"),
    [
        (S.DRAFT, {}, "rows", "draft"),
        (S.RECEIVING, {}, "bytes", "arriving"),
        (S.NEEDS_MAPPING, {}, "mapping", "has no column"),
        (S.READY, {}, "start", "to be started"),
        (S.PAUSED, {}, "resume", "Paused by Ann since 2026-01-31 12:00:00 UTC"),
        (S.PAUSING, {"in_flight": 2}, "chunks_in_flight", "Pause was asked by Ann at"),
        (S.CANCELING, {"in_flight": 1}, "chunks_in_flight", "1 chunk in flight"),
        (S.READING, {}, "worker", "No worker is alive"),
        (S.QUEUED, {"waiting": 3, "claimable": 3}, "worker", "No worker is alive"),
        (S.READING, {"workers": 1, "files_ahead": 4}, "turn", "4 other file(s)"),
        (S.READING, {"workers": 1, "noted": "No disk."}, "outage", "No disk. It is tried again"),
        (S.READING, {"workers": 1}, "soon", "in a moment"),
        (
            S.QUEUED,
            {"workers": 1, "waiting": 3, "claimable": 3, "chunks_ahead": 9, "imports_ahead": 2},
            "turn",
            "at 9 chunks of 2 other import(s)",
        ),
        (
            S.QUEUED,
            {
                "workers": 1,
                "waiting": 3,
                "claimable": 3,
                "chunks_ahead": 9,
                "is_barred": True,
                "running": 2,
                "queued_ahead": 4,
            },
            "limit",
            "Queued behind 2 running import(s), as many as its organization may run at once, and 4",
        ),
        (S.RUNNING, {"workers": 1, "waiting": 3, "claimable": 3}, "soon", "in a moment"),
        (S.RUNNING, {"workers": 1, "waiting": 3}, "soon", "in a moment"),
        (
            S.RUNNING,
            {"workers": 1, "waiting": 3, "fault": "No disk.", "attempts": 0},
            "outage",
            "No disk. It is tried again",
        ),
        (
            S.RUNNING,
            {"workers": 1, "waiting": 3, "fault": "KeyError", "attempts": 2},
            "retry",
            "failed 2 time(s)",
        ),
    ],
)
def test_what_stands_in_the_way_is_told(
    state: ImportState, facts: dict[str, Any], code: str, said: str
) -> None:
    waiting = why(job(state), WaitingFacts(**facts))
    assert waiting is not None
    assert waiting.code is WaitingCode(code)
    assert said in waiting.message


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        (S.READING, WaitingFacts(workers=1, is_being_read=True)),
        (S.RUNNING, WaitingFacts(workers=1, waiting=3, claimable=2, in_flight=1, chunks_ahead=9)),
        (S.RUNNING, WaitingFacts(workers=1)),
        *((state, WaitingFacts()) for state in sorted(FINAL)),
    ],
)
def test_an_import_in_which_something_happens_or_that_ended_waits_for_nothing(
    state: ImportState, facts: WaitingFacts
) -> None:
    assert why(job(state), facts) is None
