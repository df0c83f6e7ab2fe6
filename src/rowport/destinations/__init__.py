"""Where rows go: each module or package here is one destination, found by its name."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowport.ports import Destination


def discover() -> dict[str, Destination]:
    """Make every destination there is, by kind.

    A destination is a module of this package whose function `destination()` makes it; its name
    is its kind.  Destinations learn while they load, so a process calls this once and keeps them.
    """
    found: dict[str, Destination] = {}
    for module in iter_modules(__path__):
        made: Destination = import_module(f"{__name__}.{module.name}").destination()
        found[made.kind] = made
    return found
