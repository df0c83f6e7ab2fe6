"""Postal codes by the patterns of Google's address data, which countries' posts are asked for.

`postal_codes.json` is made by `tools/postal_codes.py`; a country that is not in it takes any.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from rowport.engine.validation.cells import CellFault, shown
from rowport.engine.validation.semantics.meaning import Meaning, keeping

if TYPE_CHECKING:
    from collections.abc import Mapping

_ANY: Final = Meaning(noun="a postal code", fast=lambda texts: texts, normal=str)


def postal_code(country: str | None) -> Meaning:
    """Give the meaning in a country (alpha-2); capitals and small letters are alike."""
    known = None if country is None else patterns().get(country)
    if known is None:
        return _ANY
    pattern, example = known
    # Without Unicode: a Kelvin sign is no K.
    vectorised = rf"^(?i-u:{pattern})$"
    written = re.compile(pattern, re.IGNORECASE | re.ASCII)

    def normal(text: str) -> str:
        if written.fullmatch(text):
            return text
        raise CellFault(f"{shown(text)} is not a postal code of {country}, such as {example}")

    return Meaning(
        noun="a postal code",
        fast=keeping(lambda texts: texts.str.contains(vectorised)),
        normal=normal,
    )


@cache
def patterns() -> Mapping[str, tuple[str, str]]:
    """Give the pattern and an example for each country (alpha-2) whose codes are known."""
    made: Any = json.loads(files(__package__).joinpath("postal_codes.json").read_text("utf-8"))
    return {country: (pattern, example) for country, (pattern, example) in made.items()}
