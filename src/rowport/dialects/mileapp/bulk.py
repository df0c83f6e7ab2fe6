"""`POST /data/bulk` and `/data/bulk/upsert`: rows inside the request, answered one by one."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar import Request, post

from rowport.dialects.mileapp.asking import enter
from rowport.dialects.mileapp.bodies import read_object
from rowport.dialects.mileapp.errors import Refused
from rowport.dialects.mileapp.facets import FACET, Facet, seen_types
from rowport.dialects.mileapp.uploads import read_hub
from rowport.model.access import Principal, Scope
from rowport.model.imports import Import, ImportOptions, Mode
from rowport.model.outcomes import Outcome, RowOutcome
from rowport.model.record_types import RecordType
from rowport.ports.ledger import Circumstances
from rowport.wire.dialect import Front, GivenFront

PATH: Final = "/api/v3/data/bulk"
LARGEST_BODY: Final = 20 * 1024 * 1024
MOST_ITEMS: Final = 2000
PATIENCE_S: Final = 60.0
LOOK_S: Final = 0.02
OID_HEX: Final = 24
NO_FIELDS: Final = frozenset({"dataTypeId", "hubId", "limitUser"})
"""Keys of an item that are no fields of its data type."""
DATA_ID: Final = "dataId"
"""What items call the key of a data type that has no field of this name."""
Document = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A row that can be imported, and its place in the request."""

    place: int
    record_type: RecordType
    hub_id: str | None
    row: dict[str, object]

    @property
    def batch(self) -> tuple[str, str | None, tuple[str, ...]]:
        """What rows of one import share; with the same fields, so that none is emptied."""
        return self.record_type.name, self.hub_id, tuple(sorted(self.row))


@post(PATH, request_max_body_size=LARGEST_BODY)
async def create_items(request: Request[Any, Any, Any], front: GivenFront) -> Document:
    """Create records; one that exists already fails."""
    return await _answer(request, front, Mode.INSERT)


@post(PATH + "/upsert", status_code=200, request_max_body_size=LARGEST_BODY)
async def upsert_items(request: Request[Any, Any, Any], front: GivenFront) -> Document:
    """Create records, or change those that exist."""
    return await _answer(request, front, Mode.UPSERT)


async def _answer(request: Request[Any, Any, Any], front: Front, mode: Mode) -> Document:
    principal = await asyncio.to_thread(enter, request, front, Scope.IMPORT_WRITE, Scope.IMPORT_RUN)
    said = read_items(await read_object(request))
    items, answers = await asyncio.to_thread(_sort_out, front, principal, said)
    for batch in _batches(items):
        outcomes = await _import(front, principal, batch, mode)
        answers.update(zip((item.place for item in batch), outcomes, strict=True))
    told = [answers[place] for place in range(len(said))]
    success = sum(answer["status"] is True for answer in told)
    return {"success": success, "failed": len(told) - success, "data": told}


def read_items(body: dict[str, Any]) -> list[object]:
    """Give the items of a body.

    Raises:
        Refused: there are none, or too many.
    """
    said = body.get("data")
    if said is None or said == []:
        raise Refused(400, "The data field is required.")
    if not isinstance(said, list):
        raise Refused(400, "The data must be an array.")
    if len(said) > MOST_ITEMS:
        raise Refused(400, f"The data must not have more than {MOST_ITEMS} items.")
    return said


def _sort_out(
    front: Front, principal: Principal, said: Sequence[object]
) -> tuple[list[Item], dict[int, Document]]:
    """Give the items that can be imported, and the answers to the others by their places."""
    organization = principal.organization
    types = {
        one.oid: (one, facet)
        for one, facet in seen_types(list(front.services.record_types.list(organization.id)))
        if facet.kind == "datasource"
    }
    items: list[Item] = []
    answers: dict[int, Document] = {}
    for place, one in enumerate(said):
        try:
            record_type, facet = _type_of(one, types)
            hub = one.get("hubId") if isinstance(one, dict) else None
            hub_id = read_hub(organization, facet, hub if isinstance(hub, str) else None)
            row = row_of(one, record_type)
            items.append(Item(place=place, record_type=record_type, hub_id=hub_id, row=row))
        except Refused as refused:
            answers[place] = _failed(refused.message)
    return items, answers


def _type_of(
    one: object, types: Mapping[str, tuple[RecordType, Facet]]
) -> tuple[RecordType, Facet]:
    if not isinstance(one, dict):
        raise Refused(422, "The data must be an object.")
    said = one.get("dataTypeId")
    if said is None or said == "":
        raise Refused(422, "The data type id field is required.")
    if not isinstance(said, str) or said not in types:
        raise Refused(422, "Data type not found")
    return types[said]


def row_of(one: object, record_type: RecordType) -> dict[str, object]:
    """Give the row of an item: its fields, with those that must be there.

    Raises:
        Refused: it has a key that is no field.
    """
    said = dict(one) if isinstance(one, dict) else {}
    row = {name: value for name, value in said.items() if name not in NO_FIELDS}
    names = {field.name for field in record_type.schema.fields}
    if DATA_ID in row and DATA_ID not in names and len(record_type.key) == 1:
        row.setdefault(record_type.key[0], row.pop(DATA_ID))
    for name in row:
        if name not in names:
            raise Refused(422, f"The field {name[:60]} is not a field of this data type.")
    must = [f.name for f in record_type.schema.fields if f.constraints.required]
    return {**dict.fromkeys((*must, *record_type.key)), **row}


def _batches(items: Sequence[Item]) -> list[list[Item]]:
    found: dict[tuple[object, ...], list[Item]] = {}
    for item in items:
        found.setdefault(item.batch, []).append(item)
    return list(found.values())


async def _import(
    front: Front, principal: Principal, batch: Sequence[Item], mode: Mode
) -> list[Document]:
    job = await asyncio.to_thread(_start, front, principal, batch, mode)
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not job.state.is_final:
        if asyncio.get_running_loop().time() > deadline:
            raise Refused(503, f"The import {job.oid} is still running.")
        await asyncio.sleep(LOOK_S)
        job = await asyncio.to_thread(front.services.imports.get, job.organization_id, job.id)
    return await asyncio.to_thread(_outcomes, front, job, len(batch))


def _start(front: Front, principal: Principal, batch: Sequence[Item], mode: Mode) -> Import:
    hub = {"hubId": batch[0].hub_id} if batch[0].hub_id else {}
    return front.services.preparing.inline(
        principal.organization.id,
        batch[0].record_type.name,
        [item.row for item in batch],
        options=ImportOptions(mode=mode, waits_for_mapping=False),
        around=Circumstances(created_by=principal.user.id, attributes={"face": FACET, FACET: hub}),
    )


def _outcomes(front: Front, job: Import, count: int) -> list[Document]:
    if job.error is not None and job.chunks.total == 0:
        return [_failed(job.error.message)] * count
    rows = front.services.rows.outcomes(job.organization_id, job.id)
    return [answer(row) for row in rows]


def answer(row: RowOutcome) -> Document:
    """Say what became of a row."""
    match row.outcome:
        case Outcome.CREATED:
            return _done("created", "create", row.record_id)
        case Outcome.UPDATED | Outcome.UNCHANGED | Outcome.SKIPPED:
            return _done("updated", "update", row.record_id)
        case _:
            said = (f"{e.field}: {e.message}" if e.field else e.message for e in row.errors)
            return _failed("; ".join(said) or "The row was not processed.")


def _done(what: str, event: str, record_id: UUID | None) -> Document:
    said: Document = {
        "status": True,
        "message": f"Data has been {what} successfully.",
        "event": event,
    }
    return said if record_id is None else {**said, "_id": short_id(record_id)}


def short_id(record_id: UUID) -> str:
    """Give a record's id in 24 hex digits, as MileApp writes ids: a hash, always the same."""
    return hashlib.sha256(record_id.bytes).hexdigest()[:OID_HEX]


def _failed(message: str) -> Document:
    return {"status": False, "message": message}
