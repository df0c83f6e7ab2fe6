"""Strong entity tags: polling that costs no body, and changes that overwrite nobody's.

Source: RFC 9110, sections 8.8.3 and 13.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

import msgspec

from rowport.model.errors import Invalid, PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.datastructures import Headers

DIGITS: Final = 32
ANY: Final = "*"
TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
LONGEST: Final = 4096


def etag_of(document: Mapping[str, object]) -> str:
    """Give the tag of a document: another one exactly if it says something else."""
    digest = hashlib.sha256(msgspec.json.encode(document)).hexdigest()
    return f'"{digest[:DIGITS]}"'


def is_known(headers: Headers, tag: str) -> bool:
    """Tell whether the asker has this version already (`If-None-Match`)."""
    said = _tags(headers, "if-none-match")
    # Weak comparison, as section 13.1.2 has it.
    return ANY in said or tag in {each.removeprefix("W/") for each in said}


def check_change(headers: Headers, tag: str | None) -> None:
    """Refuse a change that was not made for the version of this tag; None: there is nothing.

    Raises:
        PreconditionFailed: `If-Match` or `If-None-Match` say otherwise.
    """
    wanted = _tags(headers, "if-match")
    if wanted and (tag is None or not wanted & {ANY, tag}):
        there = "nothing is there" if tag is None else f"the present one is {tag}"
        raise PreconditionFailed(f"If-Match names another version: {there}. Get it, and try again.")
    unwanted = _tags(headers, "if-none-match")
    if tag is not None and unwanted & {ANY, tag}:
        raise PreconditionFailed("It is there already, and If-None-Match asks that it is not.")


def _tags(headers: Headers, name: str) -> frozenset[str]:
    text = ",".join(headers.getall(name, []))
    if text.strip() == ANY:
        return frozenset({ANY})
    rest = TAG.sub("", text[:LONGEST])
    if len(text) > LONGEST or rest.strip(" \t,"):
        raise Invalid(f"{name.title()} is * or a list of entity tags, each in double quotes")
    return frozenset(TAG.findall(text))
