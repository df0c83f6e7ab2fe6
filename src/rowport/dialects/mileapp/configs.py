"""`/import-config`: saved column mappings."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Final

from litestar import Request, delete, get, post, put
from litestar.params import FromPath

from rowport.dialects.mileapp.asking import enter, page_of, path_of, query_of
from rowport.dialects.mileapp.bodies import optional_text, read_object, required_text
from rowport.dialects.mileapp.errors import Refused
from rowport.dialects.mileapp.facets import FACET, KINDS, is_oid, seen_types
from rowport.model.access import Principal, Scope
from rowport.model.errors import NotFound
from rowport.model.feeds import SavedMapping
from rowport.model.organizations import Organization
from rowport.model.record_types import RecordType
from rowport.wire.dialect import Front, GivenFront
from rowport.wire.laravel import paginate, plain_page
from rowport.wire.php import kept_query
from rowport.wire.queries import query_items
from rowport.wire.times import rfc3339

LIST_PATH: Final = "/api/v3/import-configs"
PATH: Final = "/api/v3/import-config"
ONE_PATH: Final = PATH + "/{config_id:str}"
NOT_FOUND: Final = "Import Config not found"
LARGEST_BODY: Final = 4 * 1024 * 1024
LONGEST_DESCRIPTION: Final = 4096
WORDS: Final = ("description", "collection", "referenceType", "referenceId", "fields")
REFERENCES: Final = {naming.reference: kind for kind, naming in KINDS.items()}
Document = dict[str, object]


@get(LIST_PATH, sync_to_thread=True)
def list_configs(request: Request[Any, Any, Any], front: GivenFront) -> Document:
    """Give a page of configs, the newest first; its links repeat the query."""
    principal = enter(request, front, Scope.IMPORT_READ)
    said = query_of(request)
    page, limit = page_of(said)
    known = [one for one in front.services.mappings.list(principal.organization.id) if _ours(one)]
    shown = known[(page - 1) * limit : page * limit]
    paging = paginate(
        total=len(known),
        per_page=limit,
        page=page,
        count=len(shown),
        path=path_of(request, front),
        query=_repeated(request, limit),
    )
    data = plain_page([present(one, principal.organization) for one in shown], paging)
    return {"status": True, "code": 200, "message": "Success.", "data": data}


def _repeated(request: Request[Any, Any, Any], limit: int) -> list[tuple[str, str]]:
    """Give what the links repeat: the query in its order, and the limit if none was said."""
    kept = kept_query(query_items(request))
    return kept if any(name == "limit" for name, _ in kept) else [*kept, ("limit", str(limit))]


@get(ONE_PATH, sync_to_thread=True)
def show_config(
    request: Request[Any, Any, Any], front: GivenFront, config_id: FromPath[str]
) -> Document:
    """Give a config."""
    principal = enter(request, front, Scope.IMPORT_READ)
    found = find(front, principal.organization, config_id)
    data = present(found, principal.organization)
    return {"status": True, "code": 200, "message": "Success.", "data": data}


@post(PATH, request_max_body_size=LARGEST_BODY)
async def create_config(request: Request[Any, Any, Any], front: GivenFront) -> Document:
    """Save a config."""
    principal = await asyncio.to_thread(enter, request, front, Scope.IMPORT_WRITE)
    return await asyncio.to_thread(_create, front, principal, await read_object(request))


@put(ONE_PATH, request_max_body_size=LARGEST_BODY)
async def change_config(
    request: Request[Any, Any, Any], front: GivenFront, config_id: FromPath[str]
) -> Document:
    """Write a config anew."""
    principal = await asyncio.to_thread(enter, request, front, Scope.IMPORT_WRITE)
    body = await read_object(request)
    return await asyncio.to_thread(_change, front, principal, config_id, body)


@delete(ONE_PATH, status_code=200, sync_to_thread=True)
def delete_config(
    request: Request[Any, Any, Any], front: GivenFront, config_id: FromPath[str]
) -> Document:
    """Forget a config."""
    principal = enter(request, front, Scope.IMPORT_WRITE)
    front.services.mappings.delete(find(front, principal.organization, config_id))
    message = "Import Config has been deleted successfully."
    return {"status": True, "code": 200, "message": message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A config as its sender wants it."""

    name: str
    record_type: RecordType
    columns: dict[str, str]
    facet: Document


def find(front: Front, organization: Organization, config_id: str) -> SavedMapping:
    """Give a config.

    Raises:
        Refused: the organization has none of this id.
    """
    if is_oid(config_id):
        try:
            found = front.services.mappings.by_oid(organization.id, config_id)
        except NotFound:
            raise Refused(404, NOT_FOUND) from None
        if _ours(found):
            return found
    raise Refused(404, NOT_FOUND)


def columns_for(
    front: Front, organization: Organization, record_type: RecordType, config_id: str
) -> dict[str, str]:
    """Give header -> field of a config, for an import of a record type.

    Raises:
        Refused: there is no such config, it is one for something else, or it needs a second
            sheet, which imports do not read.
    """
    try:
        found = find(front, organization, config_id)
    except Refused:
        raise Refused(422, NOT_FOUND, "import-002") from None
    if found.record_type_id != record_type.id:
        message = f"The Import Config {found.name} is not one for this import."
        raise Refused(422, message, "import-002")
    if any("sheet" in field for field in _fields(found)):
        message = f"The Import Config {found.name} reads a second sheet, which is not supported."
        raise Refused(422, message, "import-002")
    return dict(found.columns)


def present(config: SavedMapping, organization: Organization, *, is_new: bool = False) -> Document:
    """Say a config; the answer to its making has the id at the end."""
    facet = _facet(config)
    said: Document = {
        "name": config.name,
        # In the published order: the ledger keeps none.
        **{word: facet.get(word) for word in WORDS},
        "organizationId": organization.oid,
        "updatedTime": rfc3339(config.updated_at),
        "createdTime": rfc3339(config.created_at),
    }
    return {**said, "_id": config.oid} if is_new else {"_id": config.oid, **said}


def _create(front: Front, principal: Principal, body: dict[str, Any]) -> Document:
    wanted = read_config(front, principal.organization, body)
    made = front.services.mappings.create(
        principal.organization.id,
        name=wanted.name,
        record_type_id=wanted.record_type.id,
        columns=wanted.columns,
        attributes={FACET: wanted.facet},
    )
    data = present(made, principal.organization, is_new=True)
    message = "Import Config has been added successfully."
    return {"status": True, "code": 201, "message": message, "data": data}


def _change(front: Front, principal: Principal, config_id: str, body: dict[str, Any]) -> Document:
    found = find(front, principal.organization, config_id)
    wanted = read_config(front, principal.organization, body)
    changed = front.services.mappings.change(
        replace(found, record_type_id=wanted.record_type.id),
        name=wanted.name,
        columns=wanted.columns,
        attributes={**found.attributes, FACET: wanted.facet},
    )
    data = present(changed, principal.organization)
    message = "Import Config has been updated successfully."
    return {"status": True, "code": 200, "message": message, "data": data}


def read_config(front: Front, organization: Organization, body: dict[str, Any]) -> Config:
    """Read a config.

    Raises:
        Refused: something is missing or cannot be.
    """
    name = required_text(body, "name")
    collection = required_text(body, "collection")
    if collection not in KINDS:
        raise Refused(400, "The selected collection is invalid.")
    kind = REFERENCES.get(required_text(body, "referenceType"))
    if kind is None:
        raise Refused(400, "The selected reference type is invalid.")
    reference_id = required_text(body, "referenceId")
    fields = read_fields(body.get("fields"))
    facet: Document = {
        "description": optional_text(body, "description", longest=LONGEST_DESCRIPTION),
        "collection": collection,
        "referenceType": KINDS[kind].reference,
        "referenceId": reference_id,
        "fields": fields,
    }
    for record_type, known in seen_types(list(front.services.record_types.list(organization.id))):
        if record_type.oid == reference_id and known.kind == kind:
            columns = {
                field["headerColumn"]: field["id"] for field in fields if "sheet" not in field
            }
            return Config(name=name, record_type=record_type, columns=columns, facet=facet)
    raise Refused(422, KINDS[kind].missing)


def read_fields(said: object, *, path: str = "fields") -> list[dict[str, Any]]:
    """Read which column feeds which field; a list from a second sheet has fields of its own.

    Raises:
        Refused: something is missing, or a column is given twice.
    """
    if said is None or said == []:
        raise Refused(400, f"The {path} field is required.")
    if not isinstance(said, list):
        raise Refused(400, f"The {path} must be an array.")
    fields = [
        _field(one, f"{path}.{number}", may_nest=path == "fields")
        for number, one in enumerate(said)
    ]
    headers = [field["headerColumn"] for field in fields if "headerColumn" in field]
    if len(set(headers)) < len(headers):
        raise Refused(400, f"The {path} name a column twice.")
    return fields


def _field(said: object, path: str, *, may_nest: bool) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise Refused(400, f"The {path} must be an object.")
    field = {"id": required_text(said, "id")}
    if may_nest and "sheet" in said:
        nested = read_fields(said.get("fields"), path=f"{path}.fields")
        return {**field, "sheet": required_text(said, "sheet"), "fields": nested}
    return {**field, "headerColumn": required_text(said, "headerColumn")}


def _fields(config: SavedMapping) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = _facet(config).get("fields", [])
    return fields


def _facet(config: SavedMapping) -> dict[str, Any]:
    facet = config.attributes.get(FACET)
    return facet if isinstance(facet, dict) else {}


def _ours(config: SavedMapping) -> bool:
    return isinstance(config.attributes.get(FACET), dict)
