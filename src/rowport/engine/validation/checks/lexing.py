"""The characters and words of which an expression may be made.

Looked at before any parser: what is not one of these tokens (comments, statements, parameters,
escape strings, unknown functions) is refused with its place, so that no quirk of a parser can
let it through or read it otherwise than PostgreSQL does.
"""

from __future__ import annotations

import re
from typing import Final

MAX_CHARS: Final = 2000
MAX_NESTED: Final = 20
"""Parentheses and CASEs within each other."""

FUNCTIONS: Final = frozenset(
    {
        "abs",
        "cast",
        "ceil",
        "ceiling",
        "char_length",
        "character_length",
        "coalesce",
        "extract",
        "floor",
        "length",
        "lower",
        "btrim",
        "ltrim",
        "nullif",
        "position",
        "round",
        "rtrim",
        "starts_with",
        "strpos",
        "substr",
        "substring",
        "trim",
        "upper",
    }
)
"""Names that may stand before a parenthesis."""
RESERVED: Final = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast
    check collate collation column concurrently constraint create cross current_catalog
    current_date current_role current_schema current_time current_timestamp current_user
    default deferrable desc distinct do else end except false fetch for foreign freeze from
    full grant group having ilike in initially inner intersect into is isnull join lateral
    leading left like limit localtime localtimestamp natural not notnull null offset on only
    or order outer overlaps placing primary references returning right select session_user
    similar some symmetric system_user table tablesample then to trailing true union unique
    user using variadic verbose when where window with
    """.split()  # noqa: SIM905  one word a line would be two pages
)
"""Words that PostgreSQL takes for no column without quotes; `user` is who asks, for one."""
_WORDS: Final = frozenset(
    {"and", "between", "case", "else", "from", "in", "not", "or", "then", "when", "for"}
)
"""Keywords that a parenthesis may follow."""
_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t\r\n]++)
    | (?P<text>'(?:[^'\0]|'')*+'(?!'))
    | (?P<quoted>"(?:[^"\0]|"")++"(?!"))
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*+(?!['"]))
    | (?P<number>(?:[0-9]++(?:\.[0-9]++)?+|\.[0-9]++)(?:[eE][+-]?[0-9]{1,3})?+(?![A-Za-z0-9_.'"]))
    | (?P<open>\()
    | (?P<close>\))
    | (?P<sign>::|<=|>=|<>|!=|\|\||!~\*|!~|~\*|~|-(?!-)|/(?!\*)|[+*%=<>,])
    """,
    re.VERBOSE,
)


class BadCheck(ValueError):
    """The expression cannot be used; the message says what and where."""


def look(text: str) -> int:
    """See that an expression has known tokens only, and is not too long or too deep.

    Gives the number of parentheses that group or enclose a list, rather than arguments.

    Raises:
        BadCheck: it has others.
    """
    if len(text) > MAX_CHARS:
        raise BadCheck(f"it has {len(text)} characters; at most {MAX_CHARS} are allowed")
    place, depth, groups, before = 0, 0, 0, ("", "")
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise BadCheck(f"{_from(text, place)} is no part of the language of checks")
        place = match.end()
        token = str(match.lastgroup)
        if token == "blank":  # noqa: S105  no password
            continue
        now = (token, match[0])
        depth += _deeper(now)
        if depth > MAX_NESTED:
            raise BadCheck(f"{_from(text, match.start())}: it nests deeper than {MAX_NESTED}")
        _follow(before, now, text, match.start())
        groups += token == "open" and before[1].lower() not in FUNCTIONS  # noqa: S105  no password
        before = now
    if before == ("", ""):
        raise BadCheck("it is empty")
    return groups


def _deeper(now: tuple[str, str]) -> int:
    if now[0] == "open":
        return 1
    if now[0] == "close":
        return -1
    return {"case": 1, "end": -1}.get(now[1].lower(), 0) if now[0] == "word" else 0


def _follow(before: tuple[str, str], now: tuple[str, str], text: str, place: int) -> None:
    """Refuse what may not follow: a second text (PostgreSQL would join them), an unknown call."""
    if before[0] == now[0] == "text":
        raise BadCheck(f"{_from(text, place)}: two texts stand side by side; join them with ||")
    if (
        now[0] == "word" and now[1].lower() == "if"
    ):  # a field to PostgreSQL, a statement to the parser
        raise BadCheck(f'{_from(text, place)}: write "if" in quotes')
    if now[0] != "open":
        return
    if before[0] == "quoted":
        raise BadCheck(f"{before[1]} is no function of the language of checks")
    if before[0] == "word" and before[1].lower() not in FUNCTIONS | _WORDS:
        known = ", ".join(sorted(FUNCTIONS))
        raise BadCheck(f"{before[1]} is no function of the language of checks; it has {known}")


def _from(text: str, place: int) -> str:
    """Name a place of the expression by what stands there."""
    rest = text[place : place + 20]
    return f"{rest!r} (character {place + 1})"
