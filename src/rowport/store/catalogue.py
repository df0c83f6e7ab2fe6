"""The SQL that Rowport says: named statements in files under `store/sql`.

A statement begins with `-- name --`; comment lines under the name say why.  What several statements
share stands once in `parts.sql`, and `-- include name --` brings it in.  No SQL stands in Python
outside `store/sql` and the destinations.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from typing import LiteralString

HEADING = re.compile(r"^-- (\w+) --$", re.MULTILINE)
INCLUDE = re.compile(r"^ *-- include (\w+) --$", re.MULTILINE)
PARTS = "parts.sql"


@cache
def _statements() -> dict[str, str]:
    folder = resources.files("rowport.store") / "sql"
    parts = _named(folder / PARTS)
    found: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        for name, body in () if file.name == PARTS else _named(file).items():
            if name in found:
                raise ValueError(f"{file.name}: statement {name} exists already")
            found[name] = INCLUDE.sub(lambda part: parts[part[1]], body)
    return found


def _named(file: Traversable) -> dict[str, str]:
    """Give what stands under each name of a file."""
    parts = HEADING.split(file.read_text(encoding="utf-8"))
    return {n: body.strip() for n, body in zip(parts[1::2], parts[2::2], strict=True)}


def statement(name: str) -> LiteralString:
    """Give the statement of this name.

    Raises:
        KeyError: there is none.
    """
    # The files are part of the program: they are as literal as a string in a module.
    return _statements()[name]


def names() -> frozenset[str]:
    """Give the names of all statements."""
    return frozenset(_statements())
