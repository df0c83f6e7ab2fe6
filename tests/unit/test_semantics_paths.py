"""The vectorised path of a meaning says what its library says; normal forms stay as they are."""

from __future__ import annotations

import string
from functools import cache
from typing import TYPE_CHECKING

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowport.engine.validation.cells import CellFault
from rowport.engine.validation.semantics import (
    countries,
    currencies,
    emails,
    ibans,
    percentages,
    phones,
    points,
    postal_codes,
    urls,
    uuids,
)
from rowport.engine.validation.semantics.meaning import Semantic, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.engine.validation.semantics.meaning import Meaning

ODD = st.text(max_size=12).filter(lambda text: "\0" not in text and text.isprintable())
NAMES = st.text(string.ascii_letters + string.digits + "-._+'%üß例", min_size=1, max_size=20)
HOSTS = st.one_of(
    st.from_regex(
        r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?\.){1,4}[a-zA-Z]{1,6}", fullmatch=True
    ),
    st.sampled_from(
        ["localhost", "mail.test", "x.local", "a..b", "xn--e1afmkfd.xn--p1ai", "a_b.cc"]
    ),
    st.text(string.ascii_lowercase + ".-ü", max_size=70),
)
EMAILS = st.builds("{}@{}".format, NAMES, HOSTS)
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTPS", "ftp"]),
    HOSTS,
    st.sampled_from(["", ":80", ":443", ":8080", ":x", ":99999"]),
    st.one_of(
        st.just(""), st.builds("/{}".format, NAMES), st.sampled_from(["/%41", "/%4", "?a=b#c", "#"])
    ),
)
DIGITS = st.text(string.digits, max_size=4)
UUIDS = (
    st.uuids()
    .map(str)
    .flatmap(
        lambda text: st.sampled_from(
            [text, text.upper(), f"{{{text}}}", f"urn:uuid:{text}", text[1:]]
        )
    )
)
NUMBERS = st.builds("{}{}.{}".format, st.sampled_from(["", "-", "+"]), DIGITS, DIGITS)
PERCENTAGES = st.builds("{}{}".format, NUMBERS, st.sampled_from(["%", " %", "‰", "", "%%"]))
POINTS = st.builds("{}{}{}".format, NUMBERS, st.sampled_from([",", ", ", " ", ";"]), NUMBERS)


def _iban(country: str, account: str, slip: int) -> str:
    digits = "".join(str(int(char, 36)) for char in f"{account}{country}00")
    check = (98 - int(digits) % 97 + slip) % 100
    return f"{country}{check:02d}{account}"


IBANS = st.one_of(
    st.builds(
        _iban, st.just("DE"), st.from_regex("[0-9]{17,19}", fullmatch=True), st.integers(0, 1)
    ),
    st.builds(
        _iban,
        st.just("FR"),
        st.from_regex("[0-9]{10}[0-9A-Z]{11}[0-9]{2}", fullmatch=True),
        st.just(0),
    ),
    st.builds(_iban, st.just("GB"), st.from_regex("[A-Z]{4}[0-9]{14}", fullmatch=True), st.just(0)),
).flatmap(lambda text: st.sampled_from([text, text.lower(), f"{text[:4]} {text[4:]}", f" {text}"]))


@cache
def _phones() -> Sequence[str]:
    """Numbers of every region and type, in every way of writing."""
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in range(11):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                found += [phonenumbers.format_number(number, form) for form in range(3)]
                found += [str(number.national_number), f"0{number.national_number}"]
    return sorted(set(found))


@st.composite
def mistyped(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(_phones()))
    place = draw(st.integers(0, len(text)))
    put = draw(st.sampled_from(["", "0", "1", "9", " ", "-", "(0)", "00", "+", "x"]))
    return text[:place] + put + text[place + draw(st.integers(0, 2)) :]


MEANINGS: list[tuple[str, Meaning, st.SearchStrategy[str]]] = [
    ("email", emails.email(), EMAILS),
    ("url", urls.url(), URLS),
    ("iban", ibans.iban(), IBANS),
    ("uuid", uuids.uuid(), UUIDS),
    ("percentage", percentages.percentage(bare="share"), PERCENTAGES),
    ("percentage,", percentages.percentage(point=",", group=".", bare="share"), PERCENTAGES),
    ("geopoint", points.geopoint(), POINTS),
    ("geopoint lat", points.geopoint("lat,lon"), POINTS),
    ("phone", phones.phone(), mistyped()),
    ("phone DE", phones.phone("DE"), mistyped()),
    ("phone US", phones.phone("US"), mistyped()),
    ("phone RU", phones.phone("RU"), mistyped()),
    ("phone IT", phones.phone("IT"), mistyped()),
    ("phone BR", phones.phone("BR"), mistyped()),
    ("postal GB", postal_codes.postal_code("GB"), st.text("ABGIRSWsw0123456789 ", max_size=8)),
    (
        "postal NL",
        postal_codes.postal_code("NL"),
        st.from_regex("[0-9]{4} ?[A-Za-z]{2}", fullmatch=True),
    ),
    (
        "country",
        countries.country(),
        st.sampled_from(["DE", "de", "DEU", "Niger", "Congo", "XK", "x"]),
    ),
    (
        "country name",
        countries.country(to="name"),
        st.sampled_from(["DE", "Germany", "Türkiye", "x"]),
    ),
    ("currency", currencies.currency(), st.sampled_from(["EUR", "eur", "€", "$", "euro", "x"])),
]


def normal(meaning: Meaning, text: str) -> str | None:
    try:
        return meaning.normal(text)
    except CellFault:
        return None


@pytest.mark.parametrize(
    ("meaning", "texts"), [c[1:] for c in MEANINGS], ids=[c[0] for c in MEANINGS]
)
def test_both_paths_give_the_same_verdict_and_the_same_normal_form(
    meaning: Meaning, texts: st.SearchStrategy[str]
) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.one_of(texts, texts, texts, ODD), min_size=1, max_size=15))
    def holds(cells: list[str]) -> None:
        expected = [normal(meaning, cell) for cell in cells]
        fast = meaning.fast(pl.Series(cells, dtype=pl.String)).to_list()
        assert [found for found in fast if found is not None] == [
            wanted for found, wanted in zip(fast, expected, strict=True) if found is not None
        ]
        whole = judged(Semantic(name="-", meaning=lambda _: meaning), pl.Series(cells))
        assert whole.values.to_list() == expected
        assert whole.faults.is_null().to_list() == [found is not None for found in expected]
        assert [normal(meaning, found) for found in expected if found is not None] == [
            found for found in expected if found is not None
        ]

    holds()


FORMS: list[tuple[str, Meaning, list[str]]] = [
    ("email", emails.email(), ["a.b@mail.example.org", "A+b@Mail.Example.org"]),
    ("url", urls.url(), ["https://www.example.com/a?b=c", "http://example.org"]),
    ("iban", ibans.iban(), ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"]),
    ("uuid", uuids.uuid(), ["95ecc380-afe9-11e4-9b6c-751b66dd541e"]),
    ("percentage", percentages.percentage(), ["12.5%", "3 %"]),
    ("geopoint", points.geopoint(), ["13.4,52.5"]),
    ("phone", phones.phone(), ["+4930901820", "+49 151 23456789", "+1 (212) 555-2368"]),
    (
        "phone DE",
        phones.phone("DE"),
        ["030 901820", "0151-23456789", "+33 142685300", "0033142685300"],
    ),
    ("phone US", phones.phone("US"), ["212-555-2368", "1 212 555 2368", "(212) 555-2368"]),
    ("phone GB", phones.phone("GB"), ["020 7946 0000", "07400 123456"]),
    ("country", countries.country(), ["DE"]),
    ("currency", currencies.currency(), ["EUR"]),
]


@pytest.mark.parametrize(("meaning", "texts"), [c[1:] for c in FORMS], ids=[c[0] for c in FORMS])
def test_the_common_forms_ask_no_library(meaning: Meaning, texts: list[str]) -> None:
    assert None not in meaning.fast(pl.Series(texts)).to_list()


@pytest.mark.parametrize("form", countries.FORMS)
def test_every_country_is_found_by_what_it_is_written_as(form: str) -> None:
    listed = [code for code in countries.codes() if code != "XK" or form in {"alpha-2", "name"}]
    assert len(listed) >= 249
    assert [countries.find(countries.written(code, form)) for code in listed] == listed


def test_a_name_in_one_language_that_is_another_country_elsewhere_is_not_guessed() -> None:
    for name in ("Kongo", "Конго", "Nigeri", "Toga"):
        with pytest.raises(CellFault, match="may be several countries"):
            countries.find(name)
