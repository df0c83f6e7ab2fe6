"""What can be imported and where to: data types, flows and hubs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath

from rowport.dialects.mileapp.asking import enter, page_of, path_of, query_of
from rowport.dialects.mileapp.errors import Refused
from rowport.dialects.mileapp.facets import Facet, hubs_of, is_oid, seen_types
from rowport.dialects.mileapp.present import moment
from rowport.dialects.mileapp.providers import INTERNAL, wanted_providers
from rowport.model.access import Scope
from rowport.model.organizations import Organization
from rowport.model.record_types import RecordType
from rowport.model.table_schema import Field, FieldType
from rowport.wire.dialect import Front, GivenFront
from rowport.wire.laravel import paginate, plain_page

Document = dict[str, object]

ROOT: Final = "/api/v3"
TYPES: Final[Mapping[FieldType, str]] = {
    FieldType.NUMBER: "number",
    FieldType.INTEGER: "number",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.DATETIME: "dateTime",
    FieldType.TIME: "time",
    FieldType.GEOPOINT: "geolocation",
}
"""What fields are called whose own type was not said in MileApp's words; others are text."""


@get(ROOT + "/data-types", sync_to_thread=True)
def list_data_types(request: Request[Any, Any, Any], front: GivenFront) -> Document:
    """Give a page of data types, by name."""
    organization = enter(request, front, Scope.IMPORT_READ).organization
    said = query_of(request)
    wanted = wanted_providers(said)
    types = _types(front, organization, "datasource") if INTERNAL in wanted else []
    data = _page(request, front, [data_type(one, facet, organization) for one, facet in types])
    return {"status": True, "message": "Success", "data_types": data}


@get([ROOT + "/data-type/{type_id:str}", ROOT + "/data-type/{type_id:str}/"], sync_to_thread=True)
def show_data_type(
    request: Request[Any, Any, Any], front: GivenFront, type_id: FromPath[str]
) -> Document:
    """Give a data type."""
    organization = enter(request, front, Scope.IMPORT_READ).organization
    found = find_data_type(front, organization, type_id)
    return {"status": True, "message": "Success", "data_type": data_type(*found, organization)}


@get(ROOT + "/flows", sync_to_thread=True)
def list_flows(request: Request[Any, Any, Any], front: GivenFront) -> Document:
    """Give a page of flows, by name."""
    organization = enter(request, front, Scope.IMPORT_READ).organization
    flows = [flow(one, facet, organization) for one, facet in _types(front, organization, "task")]
    return {"status": True, "message": "Success", "flows": _page(request, front, flows)}


@get(ROOT + "/hubs", sync_to_thread=True)
def list_hubs(request: Request[Any, Any, Any], front: GivenFront) -> Document:
    """Give a page of hubs, by name; as published, without the paginator around them."""
    organization = enter(request, front, Scope.IMPORT_READ).organization
    said = query_of(request)
    page, limit = page_of(said)
    hubs = [
        {**hub, "organizationId": organization.oid}
        for hub in hubs_of(organization)
        if said.get("name", hub.get("name")) == hub.get("name")
    ]
    return {"status": True, "data": hubs[(page - 1) * limit : page * limit]}


def find_data_type(
    front: Front, organization: Organization, type_id: str
) -> tuple[RecordType, Facet]:
    """Give a data type.

    Raises:
        Refused: the organization has none of this id.
    """
    types = _types(front, organization, "datasource") if is_oid(type_id) else []
    for record_type, facet in types:
        if record_type.oid == type_id:
            return record_type, facet
    raise Refused(404, "Data type not found")


def data_type(record_type: RecordType, facet: Facet, organization: Organization) -> Document:
    """Say a record type as a data type."""
    return {
        "_id": record_type.oid,
        "name": facet.name,
        "fields": _fields(record_type, facet),
        "limitUser": facet.limits_users,
        "commonData": facet.is_common,
        **({"createdBy": facet.created_by} if facet.created_by else {}),
        "organizationId": organization.oid,
        "updatedTime": moment(record_type.updated_at),
        "createdTime": moment(record_type.created_at),
        "provider": INTERNAL,
        "providerConfig": None,
    }


def flow(record_type: RecordType, facet: Facet, organization: Organization) -> Document:
    """Say a record type as a flow; its fields are the inputs of one page."""
    components = [
        {"component": "input", **field, "visible": True} for field in _fields(record_type, facet)
    ]
    return {
        "_id": record_type.oid,
        "name": facet.name,
        "pages": [{"id": "page0", "components": components}],
        "organizationId": organization.oid,
        "updatedTime": moment(record_type.updated_at),
        "createdTime": moment(record_type.created_at),
    }


def _fields(record_type: RecordType, facet: Facet) -> list[Document]:
    return [
        _field(field, facet.fields.get(field.name, {}), is_key=field.name in record_type.key)
        for field in record_type.schema.fields
    ]


def _field(field: Field, said: Mapping[str, Any], *, is_key: bool) -> Document:
    options = [str(value) for value in field.constraints.enum or ()]
    kind = "option" if options else TYPES.get(field.type, "text")
    return {
        "id": field.name,
        "title": field.title or field.name,
        **({"description": field.description} if field.description else {}),
        "type": said.get("type", kind),
        **({"default": said["default"]} if "default" in said else {}),
        "optionData": options,
        "required": field.constraints.required or is_key,
        **({"primaryKey": True} if is_key else {}),
    }


def _types(
    front: Front, organization: Organization, kind: str
) -> Sequence[tuple[RecordType, Facet]]:
    types = seen_types(list(front.services.record_types.list(organization.id)))
    return [(one, facet) for one, facet in types if facet.kind == kind]


def _page(request: Request[Any, Any, Any], front: Front, items: list[Document]) -> Document:
    page, limit = page_of(query_of(request))
    shown = items[(page - 1) * limit : page * limit]
    paging = paginate(
        total=len(items),
        per_page=limit,
        page=page,
        count=len(shown),
        path=path_of(request, front),
    )
    return plain_page(shown, paging)
