"""The SQL that Rowport says: named statements in files under `store/sql`.

A statement begins with `-- name --`; comment lines under the name say why.  No SQL stands in
Python outside `store/sql` and the destinations.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import LiteralString

HEADING = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def _statements() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted((resources.files("rowport.store") / "sql").iterdir(), key=lambda f: f.name):
        parts = HEADING.split(file.read_text(encoding="utf-8"))
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"{file.name}: statement {name} exists already")
            found[name] = body.strip()
    return found


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
