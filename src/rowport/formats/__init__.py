"""How bytes become rows: one module a format, found by its name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, Final, cast

from rowport.engine.delimited.signatures import seems_to_be
from rowport.model.errors import EmptyFile, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.ports import BlobReader, Format

_HEAD_BYTES: Final = 64 * 1024


def discover() -> dict[str, Format]:
    """Give every format that has a module in this package, by name."""
    found: dict[str, Format] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__ and getattr(kind, "name", None) == info.name:
                found[info.name] = cast("Format", kind())
    return found


def recognise(blob: BlobReader, file_name: str, formats: Mapping[str, Format]) -> Format:
    """Choose the format of a file by its content; its name breaks ties.

    Raises:
        UnreadableFile: it is empty, or of no format known.
    """
    head = blob.read_at(0, _HEAD_BYTES)
    if not head.strip(b" \t\r\n"):
        raise EmptyFile(f"{file_name} is empty: it holds no header and no row.")
    sure = {name: kind.recognise(head, file_name) for name, kind in formats.items()}
    best = max(sure, key=lambda name: sure[name], default=None)
    if best is None or sure[best] <= 0:
        what = seems_to_be(head) or "a file of an unknown kind"
        known = ", ".join(sorted(formats))
        raise UnreadableFile(f"{file_name} seems to be {what}; files that can be read: {known}.")
    return formats[best]
