"""Countries: the codes of ISO 3166-1 from pycountry, names in all languages of CLDR from Babel.

A name that more than one country has is never guessed at.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics.cldr import gathered, locales
from rowport.engine.validation.semantics.meaning import Meaning, keeping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FORMS: Final = ("alpha-2", "alpha-3", "numeric", "name")
"""How a country can be written; names of the normal form are English."""
_CODES: Final = {"alpha-2": "alpha_2", "alpha-3": "alpha_3", "numeric": "numeric"}
_SHOWN: Final = 5
_KOSOVO: Final = "XK"
"""The one code that ISO leaves to its users and everybody uses alike."""
_SEVERAL: Final[Mapping[str, Sequence[str]]] = {
    "congo": ("CD", "CG"),
    "korea": ("KP", "KR"),
    "virgin islands": ("VG", "VI"),
}
"""Names that people give to several countries, whatever one language calls so."""
_ALSO: Final[Mapping[str, str]] = {
    "america": "US",
    "united states of america": "US",
    "great britain": "GB",
    "macedonia": "MK",
    "republic of ireland": "IE",
    "republic of korea": "KR",
    "holland": "NL",
}
"""English names that neither CLDR nor ISO lists."""


@cache
def codes() -> Sequence[str]:
    """Give the alpha-2 codes of all countries."""
    import pycountry  # noqa: PLC0415  only where a schema speaks of countries

    return (*(found.alpha_2 for found in pycountry.countries), _KOSOVO)


def country(*, to: str = "alpha-2", form: str | None = None) -> Meaning:
    """Give the meaning; with `form`, only what is written in this form is one."""

    def normal(text: str) -> str:
        code = find(text)
        if form is not None and written(code, form) != text:
            raise CellFault(f"{shown(text)} is not written as {form}: write {written(code, form)}")
        return written(code, form or to)

    target = form or to
    known = [text for code in codes() if (text := _written(code, target)) is not None]
    return Meaning(noun="a country", fast=keeping(lambda texts: texts.is_in(known)), normal=normal)


def find(text: str) -> str:
    """Give the alpha-2 code of a country written in any form.

    Raises:
        CellFault: it is none, or may be several.
    """
    found = _by_code().get(text.upper()) or _by_name().get(folded(text), frozenset())
    if len(found) == 1:
        return next(iter(found))
    if found:
        several = ", ".join(f"{code} ({_written(code, 'name')})" for code in sorted(found)[:_SHOWN])
        rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise CellFault(f"{shown(text)} may be several countries: {several}{rest}; write its code")
    raise CellFault(f"{shown(text)} is not a country, neither a code of ISO 3166 nor a name")


def is_english(name: str) -> bool:
    """Tell whether a text is an English name of a country, without asking other languages."""
    return folded(name) in _english()


def written(code: str, form: str) -> str:
    """Write a country in a form.

    Raises:
        CellFault: it has none.
    """
    text = _written(code, form)
    if text is None:
        raise CellFault(f"{code} has no {form} code in ISO 3166")
    return text


def folded(name: str) -> str:
    """Give what names have in common however they are typed: no case, accents and marks."""
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    letters = "".join(
        char if unicodedata.category(char)[0] in "LMN" else " "
        for char in plain
        if not "\u0300" <= char <= "\u036f"
    )
    words = letters.split()
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


@cache
def _written(code: str, form: str) -> str | None:
    if form == "name":
        from babel import Locale  # noqa: PLC0415  see codes

        return str(Locale("en").territories[code])
    if code == _KOSOVO:
        return code if form == "alpha-2" else None
    import pycountry  # noqa: PLC0415  see codes

    return str(getattr(pycountry.countries.get(alpha_2=code), _CODES[form]))


@cache
def _by_code() -> Mapping[str, frozenset[str]]:
    """Give the countries of each code; a withdrawn one may have become several."""
    from babel.core import get_global  # noqa: PLC0415  see codes

    known = frozenset(codes())
    found = {code: frozenset({code}) for code in known}
    for alias, several in get_global("territory_aliases").items():
        if alias not in known and set(several) <= known:
            found[alias] = frozenset(several)
    return found


@cache
def _by_name() -> Mapping[str, frozenset[str]]:
    """Give the countries of each name, in all languages."""
    return gathered((folded(name), code) for name, code in _called())


@cache
def _english() -> frozenset[str]:
    named = {folded(str(_written(code, "name"))) for code in codes()}
    return frozenset(named | {folded(name) for name, _ in _listed()} | _ALSO.keys())


def _listed() -> Iterator[tuple[str, str]]:
    """Give each name in ISO 3166 with its code."""
    import pycountry  # noqa: PLC0415  see codes

    for record in pycountry.countries:
        for kind in ("name", "common_name", "official_name"):
            if name := getattr(record, kind, None):
                yield name, record.alpha_2


def _called() -> Iterator[tuple[str, str]]:
    """Give each name of a country with its code, in all languages."""
    yield from _listed()
    known = frozenset(codes())
    for data in locales():
        for code, name in data.get("territories", {}).items():
            if code in known and isinstance(name, str):
                yield name, code
    yield from _ALSO.items()
    yield from ((name, code) for name, several in _SEVERAL.items() for code in several)
