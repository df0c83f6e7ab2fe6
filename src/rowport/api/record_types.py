"""`/v1/types`: what can be imported, its templates, and the records that were loaded."""

import asyncio
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, get, put
from litestar.params import FromPath
from litestar.response import Stream
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_201_CREATED,
    HTTP_204_NO_CONTENT,
    HTTP_304_NOT_MODIFIED,
)

from rowport.api.answers import as_file
from rowport.api.desk import Desk, GivenDesk
from rowport.api.imports import read_limit, refuse_unknown
from rowport.model.access import Scope
from rowport.model.errors import InvalidSchema
from rowport.model.record_types import RecordType
from rowport.wire.bodies import read_json
from rowport.wire.cursors import (
    cursor_after_text,
    read_id_cursor,
    read_text_cursor,
)
from rowport.wire.etags import check_change, etag_of, is_known
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import record_resource, record_type_resource

PATH: Final = "/v1/types"
ONE: Final = PATH + "/{name:str}"
RECORDS: Final = ONE + "/records"
LARGEST_SCHEMA: Final = 16 * 1024 * 1024
"""Bytes, as the command line takes."""
LOOK: Final = {"scope": Scope.IMPORT_READ}
CHANGE: Final = {"scope": Scope.TYPE_WRITE}
PAGE_WORDS: Final = frozenset({"limit", "cursor"})


class RecordTypeBody(msgspec.Struct, forbid_unknown_fields=True):
    """A record type as it is to be."""

    schema: dict[str, Any]
    """A Table Schema document."""
    key: list[str] | None = None
    """None: the schema's primaryKey, or the key that it has."""


@get(PATH, sync_to_thread=True, opt=LOOK)
def list_types(request: Request[Any, Any, Any], desk: GivenDesk) -> dict[str, object]:
    """Give a page of record types by name, and the cursor of the next page."""
    said = refuse_unknown(request, PAGE_WORDS)
    limit = read_limit(said.get("limit"))
    after = read_text_cursor(said["cursor"]) if "cursor" in said else ""
    found = desk.services.record_types.list(desk.organization_id)
    rest = sorted((each for each in found if each.name > after), key=lambda each: each.name)
    return {
        "items": [record_type_resource(each) for each in rest[:limit]],
        "next_cursor": cursor_after_text(rest[limit - 1].name) if len(rest) > limit else None,
    }


@get(ONE, sync_to_thread=True, opt=LOOK)
def get_type(
    request: Request[Any, Any, Any], desk: GivenDesk, name: FromPath[str]
) -> Response[dict[str, object] | None]:
    """Give the newest version of a record type."""
    refuse_unknown(request, frozenset())
    document = record_type_resource(desk.services.record_types.get(desk.organization_id, name))
    tag = etag_of(document)
    if is_known(request.headers, tag):
        return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
    return Response(document, headers={"ETag": tag})


@put(ONE, opt=CHANGE)
async def put_type(
    request: Request[Any, Any, Any], desk: GivenDesk, name: FromPath[str]
) -> Response[dict[str, object]]:
    """Make a record type, or its next version; the same again changes nothing."""
    refuse_unknown(request, frozenset())
    body = await read_json(request, RecordTypeBody, most_bytes=LARGEST_SCHEMA)
    written, is_new = await asyncio.to_thread(_put, request, desk, name, body)
    document = record_type_resource(written)
    headers = {"ETag": etag_of(document)}
    if is_new:
        headers["Location"] = f"{PATH}/{written.name}"
    status = HTTP_201_CREATED if is_new else HTTP_200_OK
    return Response(document, status_code=status, headers=headers)


def _put(
    request: Request[Any, Any, Any], desk: Desk, name: str, body: RecordTypeBody
) -> tuple[RecordType, bool]:
    seen: list[RecordType | None] = []

    def check(current: RecordType | None) -> None:
        seen.append(current)
        check_change(request.headers, _tag(current))

    types = desk.services.record_types
    try:
        written = types.put(
            desk.principal.organization, name, body.schema, key=body.key, check=check
        )
    except InvalidSchema as error:
        # The schema is a part of the body that was sent.
        raise InvalidSchema(error.message, pointer=f"/schema{error.pointer or ''}") from error
    return written, seen == [None]


@delete(ONE, status_code=HTTP_204_NO_CONTENT, sync_to_thread=True, opt=CHANGE)
def delete_type(request: Request[Any, Any, Any], desk: GivenDesk, name: FromPath[str]) -> None:
    """Put a record type away: nothing new is imported into it, its records and imports stay."""
    refuse_unknown(request, frozenset())
    desk.services.record_types.archive(
        desk.organization_id,
        name,
        check=lambda current: check_change(request.headers, _tag(current)),
    )


def _tag(record_type: RecordType | None) -> str | None:
    return None if record_type is None else etag_of(record_type_resource(record_type))


@get([ONE + "/template.csv", ONE + "/template.xlsx"], opt=LOOK)
async def get_template(
    request: Request[Any, Any, Any], desk: GivenDesk, name: FromPath[str]
) -> Stream:
    """Give an empty file of a record type for people to fill in."""
    refuse_unknown(request, frozenset())
    form = request.url.path.rpartition(".")[2]
    files, organization_id = desk.services.artifacts, desk.organization_id
    parts = await asyncio.to_thread(files.template, organization_id, name, form)
    return as_file(parts, form=form, file_name=f"{name}-template.{form}")


@get(RECORDS, sync_to_thread=True, opt=LOOK)
def list_records(
    request: Request[Any, Any, Any], desk: GivenDesk, name: FromPath[str]
) -> dict[str, object]:
    """Give a page of the records of a type, and the cursor of the next page."""
    said = refuse_unknown(request, PAGE_WORDS)
    limit = read_limit(said.get("limit"))
    after = read_id_cursor(said["cursor"]) if "cursor" in said else None
    # One more than asked for tells whether there is a next page.
    found = desk.services.record_types.records(
        desk.organization_id, name, after=after, limit=limit + 1
    )
    return {
        "items": [record_resource(record) for record in found[:limit]],
        "next_cursor": cursor_after_text(found[limit - 1].id) if len(found) > limit else None,
    }


@get(RECORDS + "/{record_id:str}", sync_to_thread=True, opt=LOOK)
def get_record(
    request: Request[Any, Any, Any],
    desk: GivenDesk,
    name: FromPath[str],
    record_id: FromPath[str],
) -> dict[str, object]:
    """Give one record."""
    refuse_unknown(request, frozenset())
    identity = read_id(record_id, of="a record")
    return record_resource(desk.services.record_types.record(desk.organization_id, name, identity))
