"""`/import-monitoring`: all imports of thirty days, a page at a time, or one of them."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from litestar import Request, get
from litestar.params import FromPath

from rowport.dialects.mileapp.asking import base_of, enter, page_of, path_of, query_of
from rowport.dialects.mileapp.downloads import downloads_of
from rowport.dialects.mileapp.errors import Refused
from rowport.dialects.mileapp.facets import FACET, KINDS, Kind, facet_of, facets_of_kinds, is_oid
from rowport.dialects.mileapp.present import STATUS_OF_FATE, STATUSES, fates_of, record, word_of
from rowport.model.access import Scope
from rowport.model.errors import ImportNotFound
from rowport.model.imports import Import
from rowport.ports.queries import ImportQuery
from rowport.wire.dialect import GivenFront
from rowport.wire.laravel import paginate, plain_page

PATH: Final = "/api/v3/import-monitoring"
KEPT: Final = timedelta(days=30)
"""How long an import is shown."""
FURTHEST: Final = 2**62
"""No list is as long; PostgreSQL counts no further than twice this."""

Sort = Literal["created_at", "updated_at", "fate"]
SORTS: Final[Mapping[str, Sort]] = {
    "createdTime": "created_at",
    "updatedTime": "updated_at",
    "status": "fate",
}
ORDERS: Final = {"asc": False, "desc": True}


@get(PATH, sync_to_thread=True)
def list_records(request: Request[Any, Any, Any], front: GivenFront) -> dict[str, object]:
    """Give a page of records."""
    principal = enter(request, front, Scope.IMPORT_READ)
    said = query_of(request)
    page, limit = page_of(said)
    query = read_query(said, page=page, limit=limit)
    found, total = front.services.imports.find(principal.organization.id, query)
    downloads = downloads_of(found, front.services.links, base_of(request, front))
    records = [
        record(job, organization_oid=principal.organization.oid, downloads=files)
        for job, files in zip(found, downloads, strict=True)
    ]
    paging = paginate(
        total=total,
        per_page=limit,
        page=page,
        count=len(records),
        path=path_of(request, front),
    )
    return {"status": True, "message": "Success", "data": plain_page(records, paging)}


@get(PATH + "/{record_id:str}", sync_to_thread=True)
def show_record(
    request: Request[Any, Any, Any], front: GivenFront, record_id: FromPath[str]
) -> dict[str, object]:
    """Give one record."""
    principal = enter(request, front, Scope.IMPORT_READ)
    if not is_oid(record_id):
        raise ImportNotFound
    job = front.services.imports.by_oid(principal.organization.id, record_id)
    if not is_shown(job, now=datetime.now(UTC)):
        raise ImportNotFound
    [files] = downloads_of([job], front.services.links, base_of(request, front))
    data = record(job, organization_oid=principal.organization.oid, downloads=files, is_detail=True)
    return {"status": True, "message": "Success", "data": data}


def is_shown(job: Import, *, now: datetime) -> bool:
    """Tell whether MileApp sees an import: its type has the facet, it has begun and is recent."""
    return (
        facet_of(job.type_attributes, job.type_name) is not None
        and word_of(job.state, job.result) is not None
        and job.created_at >= now - KEPT
    )


def read_query(said: Mapping[str, str], *, page: int, limit: int) -> ImportQuery:
    """Read the query of a list.

    Raises:
        Refused: a word is not one of those that the parameter takes.
    """
    kinds = read_kinds(said)
    statuses = _words(said, "status", STATUSES) or STATUSES
    sort = said.get("sortBy", "createdTime")
    order = said.get("sortOrder", "desc").lower()
    if sort not in SORTS:
        raise _unknown("sortBy")
    if order not in ORDERS:
        raise _unknown("sortOrder")
    type_id = said.get("dataTypeId")
    return ImportQuery(
        facet=FACET,
        # What cannot be an id is nobody's id.
        type_oid=type_id if type_id is None or is_oid(type_id) else "",
        facets=None if kinds == frozenset(KINDS) else facets_of_kinds(kinds),
        newer_than=KEPT,
        fates=fates_of(statuses),
        sort=SORTS[sort],
        fate_words=STATUS_OF_FATE,
        descending=ORDERS[order],
        limit=limit,
        offset=min((page - 1) * limit, FURTHEST),
    )


def read_kinds(said: Mapping[str, str]) -> frozenset[Kind]:
    """Read which kinds are asked for; a data type's id asks for its kind alone."""
    named = _words(said, "type", KINDS)
    kinds = frozenset(kind for kind in KINDS if named is None or kind in named)
    return kinds & {"datasource"} if "dataTypeId" in said else kinds


def _words(said: Mapping[str, str], name: str, known: Collection[str]) -> frozenset[str] | None:
    if name not in said:
        return None
    words = frozenset(word.strip() for word in said[name].split(","))
    if not words <= set(known):
        raise _unknown(name)
    return words


def _unknown(name: str) -> Refused:
    return Refused(400, f"Invalid {name} value", "import-003")
