"""Where bytes come from: one module for each kind, found by its name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, cast

from rowport.model.feeds import SourceKind

if TYPE_CHECKING:
    from rowport.ports.sourcing import Source


def discover() -> dict[SourceKind, Source]:
    """Give every source that has a module in this package."""
    found: dict[SourceKind, Source] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__ and getattr(kind, "kind", None) == info.name:
                found[SourceKind(info.name)] = cast("Source", kind())
    return found
