"""A small storm on every run; `make storm` is the large one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import storm
from rowport.store.embedded.client import EmbeddedPostgres
from storm_load import make_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAKE_OVER_S = 10.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A place for a home; what lies outside of it is deleted in the end."""
    yield tmp_path / "home"
    EmbeddedPostgres(tmp_path / "home").discard()


def test_nothing_is_lost_doubled_or_miscounted_in_a_storm(place: Path) -> None:
    size = storm.Size(kills=10, crashes=2, calm=1, pause_s=0.3, rows=1_500, seed=5)
    report = storm.blow(place, size)
    assert report.verdict.is_clean, report.table()
    assert report.verdict.imports > 1
    assert sum(report.storm.killed.values()) == size.kills + size.crashes
    assert max(report.storm.recovered["worker"]) < TAKE_OVER_S


def test_the_fate_of_the_storm_s_rows_is_known_beforehand() -> None:
    file = make_file(3, rows=200)
    assert file.rows == 200
    assert file.failed == 200 // 50 + 200 // 40
    assert len(file.content.splitlines()) == 201
