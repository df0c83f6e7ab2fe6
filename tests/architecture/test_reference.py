"""The reference pages say what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import reference
from rowport.model import errors
from rowport.model.errors import RowportError
from rowport.model.outcomes import RowErrorCode
from rowport.model.states import TRANSITIONS, ImportState, Phase, Result

if TYPE_CHECKING:
    from enum import StrEnum

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(reference.pages()))
def test_the_committed_page_is_the_generated_one(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == reference.pages()[name], (
        "run: python tools/reference.py --write"
    )


@pytest.mark.parametrize(
    ("words", "page"),
    [
        (ImportState, "states.md"),
        (Phase, "states.md"),
        (Result, "states.md"),
        (RowErrorCode, "errors.md"),
    ],
)
def test_every_word_has_a_sentence(words: type[StrEnum], page: str) -> None:
    text = reference.pages()[page]
    for word in words:
        assert re.search(rf"^\| `{word}` \| \w.+ \|", text, re.MULTILINE), word


def test_every_transition_is_drawn_and_told() -> None:
    text = reference.pages()["states.md"]
    for (old, new), sentence in TRANSITIONS.items():
        assert f"    {old} --> {new}\n" in text
        assert f"| `{old}` | `{new}` | {sentence} |\n" in text


def test_every_error_is_listed() -> None:
    text = reference.pages()["errors.md"]
    kinds = [
        k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, RowportError)
    ]
    assert len(kinds) > 1
    for kind in kinds:
        assert f"| `{kind.code}` | {kind.status} |" in text
