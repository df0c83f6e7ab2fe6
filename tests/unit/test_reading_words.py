"""The words that say how a file is read."""

from __future__ import annotations

import pytest

from rowport.model.errors import InvalidOptions
from rowport.wire.import_options import OptionWords
from rowport.wire.reading_options import ReadingWords


def test_nothing_said_overrides_nothing() -> None:
    assert ReadingWords().read() == {}


def test_what_was_said_goes_to_the_format() -> None:
    words = ReadingWords(encoding="cp1252", delimiter=";", quote="", header_row="3", sheet="2")
    wanted = {"encoding": "cp1252", "delimiter": ";", "quote": "", "header_row": 3, "sheet": 2}
    assert words.read() == wanted
    assert OptionWords(reading=words).read().format == wanted


def test_a_sheet_has_a_name_or_a_number() -> None:
    assert ReadingWords(sheet="Sheet 2").read() == {"sheet": "Sheet 2"}
    assert ReadingWords(has_header="false").read() == {"has_header": False}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (ReadingWords(header_row="0"), "number of a line"),
        (ReadingWords(header_row="first"), "number of a line"),
        (ReadingWords(has_header="no"), "true nor false"),
    ],
)
def test_a_word_that_cannot_be_is_refused(words: ReadingWords, said: str) -> None:
    with pytest.raises(InvalidOptions, match=said):
        words.read()
