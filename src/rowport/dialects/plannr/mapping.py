"""The body of a mapping: field -> CSV header, the reverse of how an import shows it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rowport.dialects.plannr.errors import PayloadTooLarge, Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from litestar import Request

MOST_BYTES: Final = 1024 * 1024
SHOWN: Final = 100
REQUIRED: Final = "The headers field is required."


async def read_bounded(request: Request[Any, Any, Any]) -> bytes:
    """Give a body that has no file in it.

    Raises:
        PayloadTooLarge: none is as large.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise PayloadTooLarge
        parts.append(part)
    return b"".join(parts)


async def read_body(request: Request[Any, Any, Any]) -> object:
    """Give the JSON of the body; None where it is none.

    Raises:
        PayloadTooLarge: no mapping is as large.
    """
    content = await read_bounded(request)
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def understand(
    body: object, *, fields: Collection[str], headers: Collection[str]
) -> dict[str, str]:
    """Give the mapping as header -> field; fields without a header are left out.

    Raises:
        Refused: a field or a header is none that there is, or a column is to feed two fields.
    """
    said = _pairs(body)
    uses = Counter(value for value in said.values() if isinstance(value, str))
    faults: dict[str, list[str]] = {}
    for field, header in said.items():
        name = f"headers.{field[:SHOWN]}"
        if not isinstance(header, str):
            faults[name] = [f"The {name} must be a string."]
        elif field not in fields or header not in headers:
            faults[name] = [f"The selected {name} is invalid."]
        elif uses[header] > 1:
            faults[name] = [f"The {name} field has a duplicate value."]
    if faults:
        raise Refused(faults)
    return {str(header): field for field, header in said.items()}


def _pairs(body: object) -> Mapping[str, object]:
    """Give the fields that are to have a column.

    Raises:
        Refused: there is none.
    """
    said = body.get("headers") if isinstance(body, dict) else None
    if isinstance(said, list):
        said = {str(index): value for index, value in enumerate(said)}
    if said is not None and said != "" and not isinstance(said, dict):
        raise Refused({"headers": ["The headers must be an array."]})
    pairs = {f: header for f, header in (said or {}).items() if header is not None and header != ""}
    if not pairs:
        raise Refused({"headers": [REQUIRED]})
    return pairs
