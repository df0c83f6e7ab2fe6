"""`POST /data/import`: take a file, count its rows, and let workers do the rest."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from litestar import Request, post
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from rowport.dialects.mileapp.asking import base_of, enter
from rowport.dialects.mileapp.configs import columns_for
from rowport.dialects.mileapp.downloads import downloads_of
from rowport.dialects.mileapp.errors import TOO_LARGE, TOO_LARGE_STATUS, Refused
from rowport.dialects.mileapp.facets import FACET, KINDS, Facet, has_hub, is_oid, seen_types
from rowport.dialects.mileapp.present import queued_record
from rowport.model.access import Principal, Scope
from rowport.model.errors import StorageFull
from rowport.model.imports import Import, ImportOptions
from rowport.model.organizations import Organization
from rowport.model.record_types import RecordType
from rowport.model.states import ImportState
from rowport.ports.ledger import Circumstances
from rowport.wire.dialect import Front, GivenFront

PATH: Final = "/api/v3/data/import"
LARGEST_FILE: Final = 20 * 1024 * 1024
LARGEST_BODY: Final = 64 * 1024 * 1024
"""Up to this a body is read to its end, so that its sender hears the answer."""
PART_BYTES: Final = 1024 * 1024
PATIENCE_S: Final = 5.0
"""How long an answer waits for the rows to be counted."""
LOOK_S: Final = 0.05
UNCOUNTED: Final = frozenset({ImportState.RECEIVING, ImportState.READING})

FILE_TYPE: Final = "The file must be a file of type: csv, xls, xlsx."
HEAD_BYTES: Final = 8
EXTENSIONS: Final = {"csv": False, "xls": True, "xlsx": True}
"""Each with whether it is a workbook."""
WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
NEVER_TEXT: Final = (*WORKBOOKS, b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What a form brings, before any of it is checked."""

    file: UploadFile | None
    words: dict[str, str]

    def parts(self, file: UploadFile) -> Iterator[bytes]:
        """Give the bytes of the file, a part at a time."""
        return iter(partial(file.file.read, PART_BYTES), b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An upload that can be imported."""

    file: UploadFile
    record_type: RecordType
    hub_id: str | None
    mapping: dict[str, str]


@post(PATH, status_code=200, request_max_body_size=LARGEST_BODY)
async def import_data(request: Request[Any, Any, Any], front: GivenFront) -> dict[str, object]:
    """Take a file and start its import."""
    principal = await asyncio.to_thread(enter, request, front, Scope.IMPORT_WRITE, Scope.IMPORT_RUN)
    async with receive(request) as upload:
        job = await asyncio.to_thread(_create, front, principal, upload)
    job = await counted(front, job)
    base_url = base_of(request, front)
    [files] = await asyncio.to_thread(downloads_of, [job], front.services.links, base_url)
    data = queued_record(job, organization_oid=principal.organization.oid, downloads=files)
    return {
        "status": True,
        "message": "Import process has been queued successfully",
        "data": data,
    }


@asynccontextmanager
async def receive(request: Request[Any, Any, Any]) -> AsyncIterator[Upload]:
    """Read the form; of a repeated part the last counts, as in PHP.

    Raises:
        StorageFull: the temporary file does not fit on the disk.
    """
    items: list[tuple[str, Any]] = []
    if request.content_type[0] == "multipart/form-data":
        try:
            items = list((await request.form()).multi_items())
        except (UnicodeError, LookupError, ClientException) as error:
            raise Refused(400, "The file field is required.", "import-001") from error
        except OSError as error:
            raise StorageFull(f"the upload cannot be kept: {error.strerror}") from error
    files = {name: value for name, value in items if isinstance(value, UploadFile)}
    words = {name: value.strip() for name, value in items if isinstance(value, str)}
    try:
        yield Upload(file=files.get("file"), words=words)
    finally:
        for _, value in items:
            if isinstance(value, UploadFile):
                await value.close()


async def counted(front: Front, job: Import) -> Import:
    """Wait until the rows of an import are counted, for a while."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while job.state in UNCOUNTED and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(LOOK_S)
        job = await asyncio.to_thread(front.services.imports.get, job.organization_id, job.id)
    return job


def _create(front: Front, principal: Principal, upload: Upload) -> Import:
    wanted = check(front, principal.organization, upload)
    hub = {"hubId": wanted.hub_id} if wanted.hub_id else {}
    return front.services.imports.create(
        principal.organization.id,
        wanted.record_type.name,
        file_name=wanted.file.filename,
        parts=upload.parts(wanted.file),
        options=ImportOptions(mapping=wanted.mapping, waits_for_mapping=False),
        media_type=wanted.file.content_type or None,
        around=Circumstances(created_by=principal.user.id, attributes={"face": FACET, FACET: hub}),
    )


def check(front: Front, organization: Organization, upload: Upload) -> Wanted:
    """Find out what is to be imported, in the order in which MileApp would complain.

    Raises:
        Refused: something is missing, or is not what it should be.
    """
    if upload.file is None or not upload.file.filename:
        raise Refused(400, "The file field is required.", "import-001")
    name, type_id = named_type(upload.words)
    if not is_spreadsheet(upload.file.filename, _head(upload.file)):
        raise Refused(422, FILE_TYPE, "import-002")
    if _size(upload.file) > LARGEST_FILE:
        raise Refused(TOO_LARGE_STATUS, TOO_LARGE)
    record_type, facet = _type(front, organization, name, type_id)
    said = upload.words.get("type")
    if said and said != facet.kind:
        raise Refused(422, f"The type must be {facet.kind} for this {name}.", "import-002")
    config_id = upload.words.get("importConfigId")
    return Wanted(
        file=upload.file,
        record_type=record_type,
        hub_id=read_hub(organization, facet, upload.words.get("hubId")),
        mapping=columns_for(front, organization, record_type, config_id) if config_id else {},
    )


def named_type(words: dict[str, str]) -> tuple[str, str]:
    """Give the name and the value of the field that says into what the file is imported.

    Raises:
        Refused: there is none.
    """
    for naming in KINDS.values():
        if words.get(naming.id):
            return naming.id, words[naming.id]
    raise Refused(400, "The data type id field is required.", "import-001")


def _type(
    front: Front, organization: Organization, name: str, type_id: str
) -> tuple[RecordType, Facet]:
    types = seen_types(list(front.services.record_types.list(organization.id)))
    for record_type, facet in types:
        # The one documented field, dataTypeId, takes the id of any kind.
        if record_type.oid == type_id and name in {"dataTypeId", KINDS[facet.kind].id}:
            return record_type, facet
    missing = next(naming.missing for naming in KINDS.values() if naming.id == name)
    raise Refused(422, missing, "import-002")


def read_hub(organization: Organization, facet: Facet, said: str | None) -> str | None:
    """Read which hub the data belongs to.

    Raises:
        Refused: one is needed and missing, or there is none of this id.
    """
    if not said:
        if facet.is_common:
            return None
        raise Refused(400, "The hub id field is required.", "import-001")
    if not is_oid(said) or not has_hub(organization, said):
        raise Refused(422, "Hub not found", "import-002")
    return said


def is_spreadsheet(file_name: str, head: bytes) -> bool:
    """Tell whether a file is one of the three kinds, by its name and its first bytes."""
    extension = file_name.rpartition(".")[2].lower()
    if extension not in EXTENSIONS or not head:
        return False
    return head.startswith(WORKBOOKS) if EXTENSIONS[extension] else not head.startswith(NEVER_TEXT)


def _head(file: UploadFile) -> bytes:
    file.file.seek(0)
    head = file.file.read(HEAD_BYTES)
    file.file.seek(0)
    return head


def _size(file: UploadFile) -> int:
    size = file.file.seek(0, 2)
    file.file.seek(0)
    return size
