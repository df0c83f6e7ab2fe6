"""Reading a part of a workbook at many places at a time."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.workbook.words import (
    is_utf8,
    leading_number,
    marked,
    padded,
    pieces,
    tags,
    words,
)


@given(text=st.one_of(st.binary(max_size=12), st.from_regex(rb"\A[0-9]{0,9}[/:\xb0-\xff]?\Z")))
def test_the_digits_at_a_place_are_a_number(text: bytes) -> None:
    places = np.arange(len(text) + 1)
    numbers, counts = leading_number(words(padded(text), places))
    told = zip(places.tolist(), numbers.tolist(), counts.tolist(), strict=True)
    for place, number, count in told:
        digits = re.compile(rb"[0-9]{0,8}").match(text, place)
        assert digits is not None
        assert count == len(digits[0])
        assert number == int(digits[0] or b"0")


@pytest.mark.parametrize("before", [0, 65_533, 65_534, 65_535, 65_536, 131_071])
def test_a_tag_is_found_wherever_it_stands(before: int) -> None:
    block = b"<" * before + b"<v>1</v><t>2</t><i/>"
    opens, ends, others = tags(padded(block), b"vt", b"/vt", b"i")
    assert (opens - before).tolist() == [0, 8]
    assert (ends - before).tolist() == [4, 12]
    assert (others - before).tolist() == [16]


def test_texts_are_cut_out_and_the_marked_ones_known() -> None:
    block = "<v>é</v><v>a&amp;b</v><v>c_d</v><v>_x0041_</v><v>\r</v>".encode()
    array = padded(block)
    opens, ends = tags(array, b"v", b"/v")
    texts = pieces(array, opens + 3, ends).to_pylist()
    assert texts[::2] == ["é", "a&amp;b", "c_d", "_x0041_", "\r"]
    assert marked(block, array, opens + 3).tolist() == [False, True, False, True, True]


@pytest.mark.parametrize(
    ("block", "holds"), [(b"a", True), ("é😀".encode(), True), (b"\xff", False), (b"\xc3", False)]
)
def test_bytes_are_told_from_text(block: bytes, *, holds: bool) -> None:
    assert is_utf8(block) is holds
