"""Imports point down only."""

from __future__ import annotations

from importlinter.cli import lint_imports


def test_every_contract_is_kept() -> None:
    assert lint_imports(no_cache=True, show_timings=False) == 0
