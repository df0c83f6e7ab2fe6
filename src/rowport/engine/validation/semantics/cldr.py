"""The languages of CLDR, one at a time, and what is gathered from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def locales() -> Iterator[Mapping[str, Any]]:
    """Give what each language says of its own, without what it inherits."""
    from babel import localedata  # noqa: PLC0415  only where a schema speaks of such names

    for name in sorted(localedata.locale_identifiers()):
        yield localedata.load(name, merge_inherited=False)
        localedata.clear_caches()  # Babel would keep them all: some hundred megabytes


def gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Give the codes that each word stands for; equal sets are one object, or they would weigh."""
    shared: dict[frozenset[str], frozenset[str]] = {}
    found: dict[str, frozenset[str]] = {}
    for word, code in pairs:
        before = found.get(word, frozenset())
        if code not in before:
            both = before | {code}
            found[word] = shared.setdefault(both, both)
    return found
