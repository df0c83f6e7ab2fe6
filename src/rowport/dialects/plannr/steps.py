"""The steps of an import after its upload: map, start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from rowport.dialects.plannr.errors import ImportMissing, Refused
from rowport.dialects.plannr.facets import facet_of
from rowport.dialects.plannr.mapping import understand
from rowport.model.errors import IllegalTransition, InvalidOptions, MappingIncomplete, NotFound
from rowport.model.states import ImportState
from rowport.service.rows import header_of
from rowport.wire.ids import CANONICAL, import_id

if TYPE_CHECKING:
    from uuid import UUID

    from rowport.model.imports import Import
    from rowport.service import Services

PATIENCE_S: Final = 5.0
"""How long an answer waits for the file to be read: its headers and rows are told then."""
LOOK_S: Final = 0.03
UNREAD: Final = frozenset({ImportState.RECEIVING, ImportState.READING})
BEFORE_START: Final = frozenset({ImportState.NEEDS_MAPPING, ImportState.READY})

UNMAPPED: Final = "The import must be mapped before it can be started."
STILL_READ: Final = "The import is still being read."
STARTED: Final = "The import has already been started."


def find(services: Services, organization_id: UUID, said: str) -> Import:
    """Give an import that is visible here.

    Raises:
        ImportMissing: there is none; what is no id at all is answered alike.
    """
    if not CANONICAL.fullmatch(said):
        raise ImportMissing
    try:
        job = services.imports.get(organization_id, import_id(said))
    except NotFound:
        raise ImportMissing from None
    if facet_of(job.type_attributes, job.type_name) is None:
        raise ImportMissing
    return job


async def once_read(services: Services, job: Import) -> Import:
    """Wait for a while until the file is read; give the import as it is then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while job.state in UNREAD and loop.time() < deadline:
        await asyncio.sleep(LOOK_S)
        job = await asyncio.to_thread(services.imports.get, job.organization_id, job.id)
    return job


def map_columns(services: Services, job: Import, body: object) -> Import:
    """Map the columns, in place of any mapping before.

    Raises:
        Refused: it has been started, or the mapping cannot be.
    """
    if job.state not in BEFORE_START:
        raise refused(job)
    record_type = services.record_types.get(job.organization_id, job.type_name)
    fields = [field.name for field in record_type.schema.fields]
    mapping = understand(body, fields=fields, headers=header_of(job))
    try:
        return services.preparing.set_mapping(job.organization_id, job.id, mapping)
    except IllegalTransition:
        raise refused(services.imports.get(job.organization_id, job.id)) from None
    except InvalidOptions as error:  # its record type has changed since it was made
        raise Refused({"headers": [error.message]}) from error


def start(services: Services, job: Import) -> Import:
    """Start an import that is mapped.

    Raises:
        Refused: it is not mapped, or has been started.
    """
    try:
        return services.preparing.start(job.organization_id, job.id)
    except (IllegalTransition, MappingIncomplete):
        raise refused(services.imports.get(job.organization_id, job.id)) from None


def refused(job: Import) -> Refused:
    """Say why an import cannot take a step."""
    match job.state:
        case ImportState.NEEDS_MAPPING:
            why = UNMAPPED
        case ImportState.DRAFT | ImportState.RECEIVING | ImportState.READING:
            why = STILL_READ
        case ImportState.FAILED if job.started_at is None and job.error is not None:
            why = f"The import has failed: {job.error.message}"
        case ImportState.CANCELED if job.started_at is None:
            why = "The import was cancelled."
        case _:
            why = STARTED
    return Refused({"status": [why]})
