"""JSON bodies: as much as is taken, of the fields that are known, each of its kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from rowport.model.errors import Invalid, TooLarge

if TYPE_CHECKING:
    from litestar import Request

Body = TypeVar("Body", bound=msgspec.Struct)
PLACE: Final = re.compile(r" - at `(?:key in )?\$(?P<path>.*)`$", re.DOTALL)
STEP: Final = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
UNKNOWN: Final = re.compile(r"unknown field `(?P<name>.*)`", re.DOTALL)


async def read_json(request: Request[Any, Any, Any], kind: type[Body], *, most_bytes: int) -> Body:
    """Read a body of this kind.

    Raises:
        Invalid: it is no JSON, or not of this kind; the pointer names the place at fault.
        TooLarge: it has more than `most_bytes`.
    """
    if request.content_type[0] not in {"application/json", ""}:
        raise Invalid("send the body as application/json")
    body = await read_bytes(request, most_bytes=most_bytes)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from None
    except msgspec.DecodeError as error:
        raise Invalid(f"the body is no JSON: {error}") from None
    except RecursionError:
        raise Invalid("the body is nested too deeply") from None
    except UnicodeDecodeError:
        raise Invalid("the body is not JSON text in UTF-8") from None


async def read_bytes(request: Request[Any, Any, Any], *, most_bytes: int) -> bytes:
    """Read a whole body that is not large.

    Raises:
        TooLarge: it has more than `most_bytes`.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            raise TooLarge(f"the body has more than the {most_bytes:,} bytes that are taken here")
        parts.append(part)
    return b"".join(parts)


def _misfit(said: str) -> Invalid:
    """Say with a pointer what msgspec says with a path."""
    found = PLACE.search(said)
    pointer = "" if found is None else _pointer(found["path"])
    what = said if found is None else said[: found.start()]
    if unknown := UNKNOWN.search(what):
        pointer = f"{pointer}/{_token(unknown['name'])}"
    return Invalid(f"{pointer or 'the body'}: {what}", pointer=pointer)


def _pointer(path: str) -> str:
    return "".join(f"/{_token(step['name'] or step['index'])}" for step in STEP.finditer(path))


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def refuse_nul(document: object, at: str = "") -> None:
    """Refuse a document that holds U+0000, which no database text can.

    Raises:
        Invalid: it does; the pointer names the place.
    """
    match document:
        case str() if "\x00" in document:
            raise Invalid(f"{at}: the text holds U+0000", pointer=at)
        case dict():
            for name, part in document.items():
                refuse_nul(name, f"{at}/{_token(str(name))}")
                refuse_nul(part, f"{at}/{_token(str(name))}")
        case list():
            for index, part in enumerate(document):
                refuse_nul(part, f"{at}/{index}")
        case _:
            pass
