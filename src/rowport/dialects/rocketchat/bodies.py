"""What requests send: reading a body as the original does, and the schemas it must meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

if TYPE_CHECKING:
    from litestar import Request

LARGEST_BODY: Final = 128 * 1024 * 1024
"""Bytes.  The whole body stands in memory, base64 included; more is a clear 413."""
FORM: Final = "application/x-www-form-urlencoded"

TEXT: Final = {"type": "string"}
MAYBE_TEXT: Final = {"type": "string", "nullable": True}
TEXTS: Final = {"type": "array", "items": TEXT}

NOTHING: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False}
ADD_USERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "users": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "username": MAYBE_TEXT,
                    "emails": TEXTS,
                    "importIds": TEXTS,
                    "name": MAYBE_TEXT,
                    "utcOffset": {"type": "number", "nullable": True},
                    "avatarUrl": MAYBE_TEXT,
                    "deleted": {"type": "boolean", "nullable": True},
                    "statusText": MAYBE_TEXT,
                    "roles": {**TEXTS, "nullable": True},
                    "type": MAYBE_TEXT,
                    "bio": MAYBE_TEXT,
                    "password": MAYBE_TEXT,
                },
                "required": ["emails", "importIds"],
            },
        }
    },
    "required": ["users"],
    "additionalProperties": False,
}
UPLOAD: Final[dict[str, Any]] = {
    "type": "object",
    "properties": dict.fromkeys(("binaryContent", "contentType", "fileName", "importerKey"), TEXT),
    "required": ["binaryContent", "contentType", "fileName", "importerKey"],
    "additionalProperties": False,
}
DOWNLOAD: Final[dict[str, Any]] = {
    "type": "object",
    "properties": dict.fromkeys(("fileUrl", "importerKey"), TEXT),
    "required": ["fileUrl", "importerKey"],
    "additionalProperties": False,
}
START: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"input": {"type": "object"}},
    "required": ["input"],
    "additionalProperties": False,
}
"""The parts of `input` have two shapes, which `selection` tells apart."""
SELECTED: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"all": {"type": "boolean"}, "list": TEXTS},
}
LISTED: Final[dict[str, Any]] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "user_id": TEXT,
            "username": MAYBE_TEXT,
            "email": MAYBE_TEXT,
            "do_import": {"type": "boolean"},
        },
        "required": ["user_id"],
    },
}


async def read_body(request: Request[Any, Any, Any]) -> object:
    """Give the body, JSON or a form; what cannot be read is an empty object, as the original says.

    Raises:
        RequestEntityTooLarge: it is larger than the route takes.
    """
    raw = await request.body()
    if request.content_type[0] == FORM:
        pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
        return dict(pairs)
    if not raw.strip():
        return {}
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
