"""The body of a create request: read within its limits, and checked before anything is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from rowport.dialects.micro.errors import (
    InvalidRequest,
    Issue,
    PayloadTooLarge,
    UnsupportedMediaType,
    invalid,
)
from rowport.dialects.micro.facets import default_fields, list_fields
from rowport.dialects.micro.properties import options as option_slugs
from rowport.model.table_schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar import Request

    from rowport.model.record_types import RecordType
    from rowport.model.table_schema import Field

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_ROWS: Final = 10_000
SHOWN: Final = 60
UUID_TEXT: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE
)
HOLDS_ARRAYS: Final = frozenset({FieldType.ARRAY, FieldType.ANY})
NO_KEY: Final = frozenset({FieldType.ARRAY, FieldType.OBJECT, FieldType.GEOJSON, FieldType.ANY})


class Digits(str):
    """A number with a fraction, as it stands in the body: no digit is lost on the way."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a create request asks for."""

    rows: list[dict[str, object]]
    """Field -> value, each with every field of the object type."""
    dedupe_by: str | None
    """The field."""
    is_case_insensitive: bool
    list_id: str | None


async def read_body(request: Request[Any, Any, Any]) -> bytes:
    """Give the bytes of the body.

    Raises:
        UnsupportedMediaType: it is said to be something else than JSON.
        PayloadTooLarge: it has more than 10 MB.
    """
    said = request.content_type[0]
    if said and said != "application/json" and not said.endswith("+json"):
        raise UnsupportedMediaType
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise PayloadTooLarge(f"The body has more than {MOST_BYTES} bytes.")
        parts.append(part)
    return b"".join(parts)


def understand(body: bytes, record_type: RecordType) -> Wanted:
    """Check a body against the API's description and the object type's properties.

    Raises:
        InvalidRequest: it does not fit; all places are named.
        PayloadTooLarge: it holds more than 10,000 objects.
    """
    document = _object(_decode(body), ".body", known={"objects", "options"})
    if "objects" not in document:
        raise invalid(".body.objects", "must have required property 'objects'", "required")
    objects = document["objects"]
    if not isinstance(objects, list):
        raise invalid(".body.objects", "must be array")
    if len(objects) > MOST_ROWS:
        raise PayloadTooLarge(f"An import takes at most {MOST_ROWS} objects.")
    said = _object(
        document.get("options", {}),
        ".body.options",
        known={"dedupe_by", "caseInsensitive", "list_id"},
    )
    list_id = _list_id(said.get("list_id"), has_it="list_id" in said)
    reader = _Reader(record_type, list_id)
    rows = [reader.row(made, f".body.objects[{at}]") for at, made in enumerate(objects)]
    if reader.issues:
        raise InvalidRequest(reader.issues)
    return Wanted(
        rows=rows,
        dedupe_by=_dedupe_by(said, reader),
        is_case_insensitive=_is_case_insensitive(said),
        list_id=list_id,
    )


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.Decoder(float_hook=Digits).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid(".body", "must be JSON", "format") from None


def _object(value: object, place: str, *, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise invalid(place, "must be object")
    for name in value:
        if name not in known:
            field = f"{place}.{name[:SHOWN]}"
            raise invalid(field, "must NOT have additional properties", "additionalProperties")
    return value


def _list_id(value: object, *, has_it: bool) -> str | None:
    if not has_it:
        return None
    if not isinstance(value, str):
        raise invalid(".body.options.list_id", "must be string")
    return uuid_text(value, ".body.options.list_id")


def uuid_text(value: str, place: str) -> str:
    """Give a UUID in lower case.

    Raises:
        InvalidRequest: it is none.
    """
    if not UUID_TEXT.fullmatch(value):
        raise invalid(place, 'must match format "uuid"', "format")
    return str(UUID(value))


def _is_case_insensitive(said: Mapping[str, Any]) -> bool:
    value = said.get("caseInsensitive", True)
    if not isinstance(value, bool):
        raise invalid(".body.options.caseInsensitive", "must be boolean")
    return value


def _dedupe_by(said: Mapping[str, Any], reader: _Reader) -> str | None:
    if "dedupe_by" not in said:
        return None
    place, slug = ".body.options.dedupe_by", said["dedupe_by"]
    if not isinstance(slug, str):
        raise invalid(place, "must be string")
    field = reader.defaults.get(slug) or reader.of_list.get(slug)
    if field is None:
        raise invalid(place, f"is no property: '{slug[:SHOWN]}'", "enum")
    if field.type in NO_KEY:
        raise invalid(place, f"cannot be compared: '{slug[:SHOWN]}' holds no single value", "enum")
    return field.name


class _Reader:
    """Turns objects into rows and collects what is wrong with them."""

    def __init__(self, record_type: RecordType, list_id: str | None) -> None:
        schema = record_type.schema
        self.defaults = {name: schema.field(name) for name in default_fields(record_type)}
        listed = list_fields(record_type, list_id)
        self.of_list = {slug: schema.field(name) for slug, name in listed.items()}
        self.issues: list[Issue] = []
        self._empty: dict[str, object] = dict.fromkeys(f.name for f in schema.fields)
        self._options = {f.name: option_slugs(record_type, f) for f in schema.fields}

    def row(self, value: object, place: str) -> dict[str, object]:
        """Give the row of an object; what is not sent is empty."""
        row = dict(self._empty)
        if not isinstance(value, dict):
            self._note(place, "must be object")
            return row
        if not value.keys() & {"default", "list"}:
            self._note(f"{place}.default", "must have required property 'default'", "required")
        for part, said in value.items():
            match part:
                case "default":
                    self._fill(row, said, f"{place}.default", self.defaults)
                case "list":
                    self._fill(row, said, f"{place}.list", self.of_list)
                case _:
                    self._unknown(f"{place}.{part[:SHOWN]}")
        return row

    def _fill(
        self, row: dict[str, object], said: object, place: str, fields: Mapping[str, Field]
    ) -> None:
        if not isinstance(said, dict):
            self._note(place, "must be object")
            return
        for slug, value in said.items():
            field = fields.get(slug)
            if field is None:
                self._unknown(f"{place}.{slug[:SHOWN]}")
            else:
                row[field.name] = self._value(field, value, f"{place}.{slug[:SHOWN]}")

    def _value(self, field: Field, value: object, place: str) -> object:
        """Give what stands for a value in the row; option ids become slugs."""
        match value:
            case str() if not isinstance(value, Digits):
                return self._options[field.name].get(value.lower(), value)
            case None | bool() | int() | str():
                return value
            case list() if field.type in HOLDS_ARRAYS:
                return [float(item) if isinstance(item, Digits) else item for item in value]
            case list() if field.type is FieldType.LIST:
                return self._joined(field, value, place)
            case _:
                kind = "array" if isinstance(value, list) else "object"
                self._note(place, f"must be a single value, not {kind}")
                return None

    def _joined(self, field: Field, items: list[object], place: str) -> str:
        words = [item for item in items if isinstance(item, str)]
        if len(words) < len(items) or any(field.delimiter in word for word in words):
            self._note(place, f"must be texts without '{field.delimiter}'")
        return field.delimiter.join(words)

    def _unknown(self, place: str) -> None:
        self._note(place, "must NOT have additional properties", "additionalProperties")

    def _note(self, place: str, message: str, rule: str = "type") -> None:
        self.issues.append(Issue(field=place, message=message, rule=rule))
