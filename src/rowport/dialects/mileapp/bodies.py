"""JSON bodies, and what may stand in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from rowport.dialects.mileapp.errors import Refused

if TYPE_CHECKING:
    from litestar import Request


async def read_object(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Give the JSON object of a body; an empty body is an empty object.

    Raises:
        Refused: it is no JSON, or no object.
    """
    content = await request.body()
    if not content.strip():
        return {}
    try:
        said = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refused(400, "The request body is not valid JSON.") from error
    if not isinstance(said, dict):
        raise Refused(400, "The request body must be a JSON object.")
    return said


def required_text(body: dict[str, Any], name: str, *, longest: int = 255) -> str:
    """Give a text that must be there, without the blanks around it.

    Raises:
        Refused: it is missing, no text, too long or has a NUL.
    """
    value = optional_text(body, name, longest=longest)
    if not value:
        raise Refused(400, f"The {spoken(name)} field is required.")
    return value


def optional_text(body: dict[str, Any], name: str, *, longest: int = 255) -> str | None:
    """Give a text that may be missing or null.

    Raises:
        Refused: it is no text, too long or has a NUL.
    """
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or "\x00" in value:
        raise Refused(400, f"The {spoken(name)} must be a string.")
    if len(value) > longest:
        raise Refused(400, f"The {spoken(name)} must not be greater than {longest} characters.")
    return value.strip()


def optional_flag(body: dict[str, Any], name: str, *, default: bool) -> bool:
    """Give a truth value that may be missing.

    Raises:
        Refused: it is something else.
    """
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise Refused(400, f"The {spoken(name)} field must be true or false.")
    return value


def spoken(name: str) -> str:
    """Say a field's name as Laravel's messages do: `referenceId` is "reference id"."""
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name)
