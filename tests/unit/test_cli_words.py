"""The words that people and forms say, read before anything is started."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.model.errors import Invalid, InvalidOptions
from rowport.model.imports import ImportOptions, Mode, OnMatch, Policy
from rowport.wire.cursors import cursor_of, read_cursor
from rowport.wire.ids import import_id
from rowport.wire.import_options import OptionWords, read_mapping, read_policy
from rowport.wire.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

moments = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001  Hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001  likewise
    timezones=st.just(UTC),
)


def test_nothing_said_takes_the_defaults() -> None:
    assert OptionWords().read() == ImportOptions()


def test_all_words_are_understood() -> None:
    words = OptionWords(
        key="email,country",
        mode="update",
        on_match="skip",
        policy="max_errors=10",
        mapping=("E-mail=email", "Notes="),
    )
    assert words.read() == ImportOptions(
        key=("email", "country"),
        mode=Mode.UPDATE,
        on_match=OnMatch.SKIP,
        policy=Policy(max_errors=10),
        mapping={"E-mail": "email", "Notes": ""},
    )


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(all_or_nothing=True),
        Policy(max_errors=0),
        Policy(max_errors_percent=Decimal("2.5")),
        Policy(max_errors_percent=Decimal("0.000001")),
    ],
)
def test_a_policy_is_read_as_it_is_written(policy: Policy) -> None:
    assert read_policy(policy.word) == policy


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (OptionWords(mode="replace"), "upsert, insert, update, validate"),
        (OptionWords(on_match="x"), "update, skip, error"),
        (OptionWords(policy="strict"), "max_errors=N"),
        (OptionWords(policy="max_errors="), "whole number"),
        (OptionWords(policy="max_errors=-1"), "whole number"),
        (OptionWords(policy="max_errors=1.5"), "whole number"),
        (OptionWords(policy="max_errors=²"), "whole number"),
        (OptionWords(policy="max_errors=%"), "from 0 to 100"),
        (OptionWords(policy="max_errors=101%"), "from 0 to 100"),
        (OptionWords(policy="max_errors=100.5%"), "from 0 to 100"),
        (OptionWords(policy="max_errors=-1%"), "from 0 to 100"),
        (OptionWords(policy="max_errors=²%"), "from 0 to 100"),
        (OptionWords(policy="max_errors=99999999999999999999"), "whole number"),
        (OptionWords(key=""), "empty part"),
        (OptionWords(key="a,,b"), "empty part"),
        (OptionWords(key="a,a"), "twice"),
        (OptionWords(mapping=("E-mail",)), "HEADER=FIELD"),
        (OptionWords(mapping=("=email",)), "HEADER=FIELD"),
        (OptionWords(mapping=("A=x", "A=y")), "twice"),
    ],
)
def test_a_word_that_cannot_be_is_refused_with_what_could(words: OptionWords, said: str) -> None:
    with pytest.raises(InvalidOptions, match=said):
        words.read()


def test_a_header_may_hold_the_sign_that_divides() -> None:
    assert read_mapping(["a=b=c"]) == {"a=b": "c"}


@given(moment=moments, identity=st.uuids())
def test_a_cursor_says_exactly_where_the_page_ended(moment: datetime, identity: UUID) -> None:
    assert read_cursor(cursor_of(moment, identity)) == (moment, identity)


@given(text=st.text(max_size=80))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        moment, identity = read_cursor(text)
    except Invalid:
        return
    assert cursor_of(moment, identity) == text


@given(text=st.text(max_size=80))
def test_any_text_is_an_id_or_refused(text: str) -> None:
    with pytest.raises(Invalid):
        import_id(text)


@given(identity=st.uuids())
def test_an_id_is_read_whatever_its_case(identity: UUID) -> None:
    assert import_id(str(identity)) == import_id(str(identity).upper()) == identity


@pytest.mark.parametrize(
    "spell", [lambda i: f"{{{i}}}", lambda i: f"urn:uuid:{i}", lambda i: i.hex]
)
def test_only_the_canonical_spelling_is_an_id(spell: Callable[[UUID], str]) -> None:
    with pytest.raises(Invalid):
        import_id(spell(UUID("01890a5d-ac96-774b-bcce-b302099a8057")))


@given(moment=moments)
def test_a_time_is_read_back_the_same(moment: datetime) -> None:
    text = rfc3339(moment)
    assert text is not None
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment


@given(moment=moments, step=st.timedeltas(timedelta(microseconds=1), timedelta(hours=20)))
def test_later_times_are_later_texts(moment: datetime, step: timedelta) -> None:
    assert (rfc3339(moment) or "") < (rfc3339(moment + step) or "")


def test_no_time_is_null() -> None:
    assert rfc3339(None) is None
