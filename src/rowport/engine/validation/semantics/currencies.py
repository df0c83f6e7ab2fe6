"""Currencies: the codes of ISO 4217 from pycountry, names and symbols of CLDR from Babel.

A symbol that more than one currency has is never guessed at, unless the schema names the region.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics.cldr import gathered, locales
from rowport.engine.validation.semantics.countries import folded
from rowport.engine.validation.semantics.meaning import Meaning, keeping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHOWN: Final = 8


def currency(region: str | None = None) -> Meaning:
    """Give the meaning; the normal form is the code of ISO 4217.

    `region` is the country (alpha-2) whose currency an ambiguous symbol means.
    """
    known = list(_codes())
    return Meaning(
        noun="a currency",
        fast=keeping(lambda texts: texts.is_in(known)),
        normal=lambda text: _find(text, region),
    )


def is_code(text: str) -> bool:
    """Tell whether a text is a code of ISO 4217 in use."""
    return text in _codes()


def _find(text: str, region: str | None) -> str:
    code = text.upper()
    if code in _codes():
        return code
    words = _words()
    found = words.symbols.get(text) or words.names.get(folded(text), frozenset())
    if len(found) > 1 and region is not None:
        found = found & _used_in(region) or found
    if len(found) == 1:
        return next(iter(found))
    if found:
        rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        several = ", ".join(sorted(found)[:_SHOWN]) + rest
        raise CellFault(f"{shown(text)} may be several currencies: {several}; write the code")
    raise CellFault(f"{shown(text)} is not a currency: neither a code of ISO 4217, symbol nor name")


@cache
def _codes() -> Mapping[str, str]:
    """Give the name of each code in use."""
    import pycountry  # noqa: PLC0415  only where a schema speaks of currencies

    return {record.alpha_3: record.name for record in pycountry.currencies}


@cache
def _used_in(region: str) -> frozenset[str]:
    """Give the currencies that are money in a country today."""
    from babel.numbers import get_territory_currencies  # noqa: PLC0415  see _codes

    return frozenset(get_territory_currencies(region))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """How currencies are called: the codes of each symbol, and of each folded name."""

    symbols: Mapping[str, frozenset[str]]
    names: Mapping[str, frozenset[str]]


@cache
def _words() -> _Words:
    known, money = _codes(), _money()
    called = ((folded(name), code) for code, name in _called() if code in known)
    names = gathered(called)
    ends = gathered(
        (word, code)
        for name, several in names.items()
        for word in {*name.split()[:1], *name.split()[-1:]}
        for code in several & money
    )
    # One language calls the US dollar just "dollar"; to all others it is one of many.
    names |= {name: names[name] | ends[name] for name in names.keys() & ends.keys()}
    symbols = gathered((symbol, code) for code, symbol in _signs() if code in known)
    return _Words(symbols=symbols, names=names)


def _called() -> Iterator[tuple[str, str]]:
    """Give each name of a currency with its code, in all languages."""
    yield from _codes().items()
    for data in locales():
        for code, name in data.get("currency_names", {}).items():
            if isinstance(name, str):
                yield code, name
        for code, forms in data.get("currency_names_plural", {}).items():
            yield from ((code, name) for name in forms.values())


def _signs() -> Iterator[tuple[str, str]]:
    """Give each symbol of a currency with its code, in all languages."""
    for data in locales():
        for code, symbol in data.get("currency_symbols", {}).items():
            if isinstance(symbol, str):
                yield code, symbol


def _money() -> frozenset[str]:
    """Give the currencies that are money in some country today: no funds, no metals."""
    from babel.core import get_global  # noqa: PLC0415  see _codes

    lists = get_global("territory_currencies").values()
    return frozenset(
        code for listed in lists for code, _, end, tender in listed if tender and end is None
    )
