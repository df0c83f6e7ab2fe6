"""What the few values of a text column mean: countries or currencies.

Short codes prove little: CA, GA and PA are states as well as countries.  So they count where the
header says so too; names count by themselves, where there are some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.engine.validation.cells import CellFault
from rowport.engine.validation.semantics import countries, currencies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.engine.validation.semantics.meaning import Meaning

_SEVERAL: Final = 3
"""Different values that prove a meaning which the header does not name."""
_HALF: Final = 0.5
_LONGEST_CODE: Final = 3
_LANDS: Final = frozenset(
    ("country", "countries", "land", "pays", "pais", "paese", "kraj", "ulke", "nation", "iso2")
)
_MONEY: Final = frozenset(
    (
        "currency",
        "curr",
        "ccy",
        "wahrung",
        "waehrung",
        "devise",
        "moneda",
        "valuta",
        "moeda",
        "waluta",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A meaning that nearly all values have."""

    semantic: str
    fits: int
    """Cells that have it."""
    misfits: tuple[str, ...]
    """Values that have it not."""


def meaning_of(header: str, values: Mapping[str, int], *, tolerance: float) -> Found | None:
    """Find what the values of a column mean; `values` says how often each stands."""
    tokens = frozenset(countries.folded(header).split())
    for semantic, hints, is_likely, meaning in (
        ("country", _LANDS, _may_be_countries, countries.country()),
        ("currency", _MONEY, _may_be_currencies, currencies.currency()),
    ):
        if not is_likely(values, is_named=bool(tokens & hints)):
            continue
        misfits = tuple(value for value in values if not _has(meaning, value))
        if len(misfits) <= len(values) * tolerance:
            fits = sum(count for value, count in values.items() if value not in misfits)
            return Found(semantic=semantic, fits=fits, misfits=misfits)
    return None


def _may_be_countries(values: Mapping[str, int], *, is_named: bool) -> bool:
    """Tell by names in English alone whether it is worth to ask all languages."""
    if is_named:
        return True
    names = [value for value in values if len(value) > _LONGEST_CODE]
    known = sum(map(countries.is_english, names))
    return known >= _SEVERAL and known >= len(values) * _HALF


def _may_be_currencies(values: Mapping[str, int], *, is_named: bool) -> bool:
    return is_named or (len(values) >= _SEVERAL and all(map(currencies.is_code, values)))


def _has(meaning: Meaning, value: str) -> bool:
    try:
        meaning.normal(value)
    except CellFault:
        return False
    return True
