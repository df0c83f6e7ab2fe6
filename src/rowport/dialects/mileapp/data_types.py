"""`/data-type`: make, change and take away data types."""

import asyncio
import re
from collections.abc import Collection, Mapping
from itertools import chain, count
from typing import Any, Final

from litestar import Request, delete, patch, post, put
from litestar.params import FromPath

from rowport.dialects.mileapp.asking import enter
from rowport.dialects.mileapp.bodies import (
    optional_flag,
    optional_text,
    read_object,
    required_text,
    spoken,
)
from rowport.dialects.mileapp.catalogue import data_type, find_data_type
from rowport.dialects.mileapp.errors import Refused
from rowport.dialects.mileapp.facets import FACET, Facet, facet_of, seen_types
from rowport.dialects.mileapp.providers import check_provider
from rowport.model.access import Principal, Scope
from rowport.model.errors import Conflict, InvalidOptions, InvalidSchema
from rowport.model.record_types import RecordType
from rowport.wire.dialect import Front, GivenFront

PATH: Final = "/api/v3/data-type"
ONE_PATH: Final = [PATH + "/{type_id:str}", PATH + "/{type_id:str}/"]
LARGEST_BODY: Final = 4 * 1024 * 1024
MOST_FIELDS: Final = 500
FIELD_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}", re.ASCII)
LONGEST_NAME: Final = 63
NAMELESS: Final = "data_type"
"""The record type behind a data type whose name has no letter of ours."""
NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+", re.ASCII)
Document = dict[str, object]

MOMENTS: Final = (
    "default",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S.%f%z",
)
"""How a moment may be written: with `T` or a blank, with a fraction and an offset or without."""
TYPES: Final[Mapping[str, Document]] = {
    "text": {"type": "string"},
    "primaryKey": {"type": "string"},
    "option": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "date"},
    "dateTime": {
        "type": "datetime",
        "transforms": [{"date": {"formats": list(MOMENTS)}}],
    },
    # A time of Table Schema has seconds; here they may be left out, so it is kept as text.
    "time": {
        "type": "string",
        "constraints": {"pattern": "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"},
    },
    # A geopoint of Table Schema is "lon, lat", so the order here is kept as text.
    "geolocation": {
        "type": "string",
        "constraints": {"pattern": r"-?[0-9]{1,2}(\.[0-9]+)? *, *-?[0-9]{1,3}(\.[0-9]+)?"},
    },
    "phoneNumber": {
        "type": "string",
        "constraints": {"pattern": r"\+?[0-9][0-9 ()-]{3,30}"},
    },
}
"""MileApp's types as Table Schema's."""


@post(PATH, request_max_body_size=LARGEST_BODY)
async def create_data_type(request: Request[Any, Any, Any], front: GivenFront) -> Document:
    """Make a data type."""
    principal = await asyncio.to_thread(enter, request, front, Scope.TYPE_WRITE)
    return await asyncio.to_thread(_create, front, principal, await read_object(request))


@put(ONE_PATH, request_max_body_size=LARGEST_BODY)
async def replace_data_type(
    request: Request[Any, Any, Any], front: GivenFront, type_id: FromPath[str]
) -> Document:
    """Write a data type anew."""
    principal = await asyncio.to_thread(enter, request, front, Scope.TYPE_WRITE)
    body = await read_object(request)
    return await asyncio.to_thread(_replace, front, principal, type_id, body)


@patch(ONE_PATH, request_max_body_size=LARGEST_BODY)
async def change_data_type(
    request: Request[Any, Any, Any], front: GivenFront, type_id: FromPath[str]
) -> Document:
    """Change what is named of a data type; the rest stays."""
    principal = await asyncio.to_thread(enter, request, front, Scope.TYPE_WRITE)
    body = await read_object(request)
    return await asyncio.to_thread(_change, front, principal, type_id, body)


@delete(ONE_PATH, status_code=200, sync_to_thread=True)
def delete_data_type(
    request: Request[Any, Any, Any], front: GivenFront, type_id: FromPath[str]
) -> Document:
    """Take a data type away; its records and imports stay."""
    principal = enter(request, front, Scope.TYPE_WRITE)
    found, facet = find_data_type(front, principal.organization, type_id)
    said = {**_said(found), "deleted": True}
    front.services.record_types.set_attributes(found.organization_id, found.name, {FACET: said})
    message = "Data type has been deleted successfully."
    shown = data_type(found, facet, principal.organization)
    return {"status": True, "message": message, "data_type": shown}


def _create(front: Front, principal: Principal, body: dict[str, Any]) -> Document:
    title = required_text(body, "name")
    types = front.services.record_types.list(principal.organization.id)
    if _is_taken(list(types), title):
        raise Refused(422, "The name has already been taken.")
    check_provider(body, is_new=True)
    document, kept = read_fields(body.get("fields"))
    said = {
        "type": "datasource",
        "name": title,
        "commonData": optional_flag(body, "commonData", default=False),
        "limitUser": optional_flag(body, "limitUser", default=False),
        "fields": kept,
        "createdBy": principal.user.email,
    }
    name = free_name(title, {one.name for one in types})
    return _put(front, principal, name, document, said, "added")


def free_name(title: str, taken: Collection[str]) -> str:
    """Give the name of the record type behind a data type; its own may be in any script."""
    name = NOT_IN_A_NAME.sub("_", title).strip("_.-")[:LONGEST_NAME].rstrip("_.-") or NAMELESS
    numbered = (f"{name[: LONGEST_NAME - len(str(n)) - 1]}_{n}" for n in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def _replace(front: Front, principal: Principal, type_id: str, body: dict[str, Any]) -> Document:
    found, facet = find_data_type(front, principal.organization, type_id)
    required_text(body, "name")
    _check_settled(facet, body)
    document, kept = read_fields(left_fields(body))
    limits = optional_flag(body, "limitUser", default=False)
    said = {**_said(found), "name": _new_name(front, found, body), "limitUser": limits}
    return _put(front, principal, found.name, document, {**said, "fields": kept}, "updated")


def _change(front: Front, principal: Principal, type_id: str, body: dict[str, Any]) -> Document:
    found, facet = find_data_type(front, principal.organization, type_id)
    _check_settled(facet, body)
    limits = optional_flag(body, "limitUser", default=facet.limits_users)
    said = {**_said(found), "name": _new_name(front, found, body), "limitUser": limits}
    document = dict(found.schema.document)
    if "fields" in body:
        document, said["fields"] = read_fields(left_fields(body))
    return _put(front, principal, found.name, document, said, "updated")


def _put(
    front: Front,
    principal: Principal,
    name: str,
    document: Mapping[str, object],
    said: Mapping[str, object],
    done: str,
) -> Document:
    try:
        made = front.services.record_types.put(
            principal.organization, name, document, attributes={FACET: said}
        )
    except (InvalidSchema, InvalidOptions, Conflict) as error:
        raise Refused(422, error.message) from error
    facet = facet_of(made.attributes, made.name)
    if facet is None:
        raise Refused(404, "Data type not found")
    shown = data_type(made, facet, principal.organization)
    message = f"Data type has been {done} successfully."
    return {"status": True, "message": message, "data_type": shown}


def left_fields(body: dict[str, Any]) -> object:
    """Give the fields of a body without those that it also asks to delete.

    Raises:
        Refused: `deleteFields` is no list of ids.
    """
    fields, gone = body.get("fields"), body.get("deleteFields") or []
    if not isinstance(gone, list) or not all(isinstance(one, str) for one in gone):
        raise Refused(400, "The delete fields must be an array of strings.")
    if not isinstance(fields, list):
        return fields
    return [one for one in fields if not (isinstance(one, dict) and one.get("id") in gone)]


def read_fields(said: object) -> tuple[Document, dict[str, Document]]:
    """Read fields; give a Table Schema, and of each field what that cannot say.

    Raises:
        Refused: something is missing, unknown or twice there.
    """
    if said is None or said == []:
        raise Refused(400, "The fields field is required.")
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise Refused(400, "The fields must be an array of objects.")
    if len(said) > MOST_FIELDS:
        raise Refused(400, f"The fields must not have more than {MOST_FIELDS} items.")
    ids = [_field_id(one) for one in said]
    if len(set(ids)) < len(ids):
        raise Refused(400, "The fields have an id twice.")
    keys = [
        name
        for name, one in zip(ids, said, strict=True)
        if one.get("primaryKey") is True or one.get("type") == "primaryKey"
    ]
    document: Document = {"fields": [_field(one) for one in said]}
    kept = {
        name: {word: one[word] for word in ("type", "default") if word in one}
        for name, one in zip(ids, said, strict=True)
    }
    return {**document, **({"primaryKey": keys} if keys else {})}, kept


def _field_id(said: dict[str, Any]) -> str:
    name = required_text(said, "id")
    if not FIELD_ID.fullmatch(name):
        raise Refused(400, f"The field id {name[:60]} must be letters and digits.")
    return name


def _field(said: dict[str, Any]) -> Document:
    kind = required_text(said, "type")
    if kind not in TYPES:
        raise Refused(400, f"The type {kind[:60]} of the field {said['id']} is invalid.")
    known = TYPES[kind]
    constraints = dict(_mapping(known.get("constraints")))
    if optional_flag(said, "required", default=False):
        constraints["required"] = True
    if options := _options(said, kind):
        constraints["enum"] = options
    transforms = [*_sequence(known.get("transforms"))]
    # The published examples say `"default": "true"` of a key, which no two records can share.
    if (default := _default(said)) is not None and kind != "primaryKey":
        transforms.append({"default": {"value": default}})
    field = {
        "name": said["id"],
        **known,
        "transforms": transforms,
        "title": optional_text(said, "title"),
        "description": optional_text(said, "description", longest=4096),
        "constraints": constraints,
    }
    return {word: value for word, value in field.items() if value}


def _options(said: dict[str, Any], kind: str) -> list[str]:
    options = said.get("optionData") or []
    if not isinstance(options, list) or not all(map(_is_text, options)):
        raise Refused(400, f"The {spoken('optionData')} must be an array of strings.")
    if kind == "option" and not options:
        raise Refused(400, f"The {spoken('optionData')} field is required for an option.")
    return options if kind in {"option", "text"} else []


def _is_text(said: object) -> bool:
    return isinstance(said, str) and "\x00" not in said


def _default(said: dict[str, Any]) -> str | None:
    match said.get("default"):
        case bool(flag):
            return "true" if flag else "false"
        case str(text) if not _is_text(text):
            raise Refused(400, f"The default of the field {said['id']} must hold no NUL.")
        case str() | int() | float() as value:
            return str(value)
        case None:
            return None
        case _:
            raise Refused(400, f"The default of the field {said['id']} must be one value.")


def _new_name(front: Front, found: RecordType, body: dict[str, Any]) -> object:
    title = optional_text(body, "name")
    current = _said(found).get("name", found.name)
    if not title or title == current:
        return current
    if _is_taken(list(front.services.record_types.list(found.organization_id)), title):
        raise Refused(422, "The name has already been taken.")
    return title


def _is_taken(types: list[RecordType], title: str) -> bool:
    return any(facet.name == title for _, facet in seen_types(types))


def _check_settled(facet: Facet, body: dict[str, Any]) -> None:
    check_provider(body, is_new=False)
    if optional_flag(body, "commonData", default=facet.is_common) != facet.is_common:
        raise Refused(400, "The common data of a data type cannot be changed.")


def _said(record_type: RecordType) -> dict[str, object]:
    return dict(_mapping(record_type.attributes.get(FACET)))


def _mapping(said: object) -> Mapping[str, object]:
    return said if isinstance(said, dict) else {}


def _sequence(said: object) -> list[object]:
    return said if isinstance(said, list) else []
