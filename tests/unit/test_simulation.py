"""The simulated protocol keeps its promises, and the simulation would notice if it did not."""

from __future__ import annotations

import pytest

from simulated_ledger import PLANTED
from simulation import MUTANT_SEEDS, first_broken


def test_no_seed_breaks_a_promise() -> None:
    assert first_broken(range(1_000)) is None


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_caught(planted: str) -> None:
    assert first_broken(range(MUTANT_SEEDS), planted) is not None


def test_enough_faults_are_planted() -> None:
    assert len(PLANTED) >= 8
