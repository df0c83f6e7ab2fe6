"""Foreign APIs over the one engine: one folder for each, found by its name."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowport.wire.dialect import Dialect


def discover() -> dict[str, Dialect]:
    """Make every dialect there is, by name: each folder's `dialect()`."""
    found: dict[str, Dialect] = {}
    for module in sorted(iter_modules(__path__), key=lambda m: m.name):
        made: Dialect = import_module(f"{__name__}.{module.name}").dialect()
        found[made.name] = made
    return found
