"""Queries as PHP reads and writes them: links repeat what was asked for in its way.

Source: PHP's `parse_str` (main/php_variables.c) and `http_build_query` with PHP_QUERY_RFC3986;
Laravel's TrimStrings and ConvertEmptyStringsToNull, and AbstractPaginator::withQueryString.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Key = str | int
Tree = dict[Key, "str | Tree"]

PAGE: Final = "page"
DEEPEST: Final = 64
"""PHP's `max_input_nesting_level`; what is nested deeper is no parameter."""
BRACKETS: Final = re.compile(r"\[([^\]]*)\]")
NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
UNNAMEABLE: Final = str.maketrans(" .[", "___")


def kept_query(items: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give a query as the links of Laravel's paginator repeat it, without the page.

    A parameter stands where it stood first and has the value that it had last; those of one array
    stand together, `x[]` gets its numbers, and what is blank is left out.
    """
    tree: Tree = {}
    for name, value in items:
        _put(tree, _path(name), value.strip())
    tree.pop(PAGE, None)
    return list(_flat(tree, ""))


def _path(name: str) -> list[str]:
    """Give the keys of a name, outermost first; none for what PHP takes for no name at all.

    An empty key means the next number.  What follows the last bracket is ignored.
    """
    name = name.lstrip(" ")
    begin = name.find("[")
    if begin < 0:
        return [name.translate(UNNAMEABLE)] if name else []
    if begin == 0:
        return []
    if "]" not in name[begin:]:
        return [name.translate(UNNAMEABLE)]
    keys = [name[:begin].translate(UNNAMEABLE)]
    matched = BRACKETS.match(name, begin)
    while matched is not None:
        keys.append(matched[1])
        matched = BRACKETS.match(name, matched.end())
    return keys if len(keys) <= DEEPEST else []


def _put(tree: Tree, path: Sequence[str], value: str) -> None:
    if not path:
        return
    *above, last = path
    for text in above:
        key = _key(tree, text)
        found = tree.get(key)
        if not isinstance(found, dict):
            found = tree[key] = {}
        tree = found
    tree[_key(tree, last)] = value


def _key(tree: Tree, text: str) -> Key:
    if not text:
        numbers = [key for key in tree if isinstance(key, int)]
        return max(numbers, default=-1) + 1
    return int(text) if NUMBER.fullmatch(text) else text


def _flat(tree: Tree, prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        name = f"{prefix}[{key}]" if prefix else str(key)
        if isinstance(value, dict):
            yield from _flat(value, name)
        elif value:
            yield name, value
