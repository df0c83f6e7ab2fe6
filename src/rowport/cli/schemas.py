"""Files that hold a Table Schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rowport.model.errors import InvalidSchema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LARGEST_SCHEMA: Final = 16 * 1024 * 1024


def read_schema(path: Path) -> Mapping[str, object]:
    """Read the JSON document.

    Raises:
        InvalidSchema: it cannot be read, or is no JSON object.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST_SCHEMA + 1)
    except OSError as error:
        raise InvalidSchema(f"{path} cannot be read: {error.strerror}") from error
    if len(text) > LARGEST_SCHEMA:
        raise InvalidSchema(f"{path} is larger than {LARGEST_SCHEMA:,} bytes: no Table Schema is")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidSchema(f"{path} is not JSON: {error.msg} at {where}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise InvalidSchema(f"{path} is not JSON text in UTF-8") from error
    if not isinstance(document, dict):
        raise InvalidSchema(f"{path} holds no JSON object; a Table Schema is one")
    return document
