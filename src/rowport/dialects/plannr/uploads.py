"""The form that creates an import."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from rowport.dialects.plannr.errors import JSON, Refused
from rowport.dialects.plannr.facets import NAME, types_of
from rowport.dialects.plannr.mapping import read_body, read_bounded
from rowport.dialects.plannr.words import MODES
from rowport.model.errors import Invalid, StorageFull
from rowport.model.imports import ImportOptions, Mode
from rowport.ports.ledger import Circumstances

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from litestar import Request

    from rowport.model.access import Principal
    from rowport.model.imports import Import
    from rowport.model.record_types import RecordType
    from rowport.service import Services

PART_BYTES: Final = 1024 * 1024
HEAD_BYTES: Final = 8
URL_ENCODED: Final = "application/x-www-form-urlencoded"
SUFFIXES: Final = frozenset({"csv", "txt"})
NEVER_CSV: Final = (
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0",
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x1f\x8b",
    b"PAR1",
    b"\x28\xb5\x2f\xfd",
)
"""How workbooks, documents, pictures and archives begin, whatever they are called."""
NO_CSV: Final = "The file must be a file of type: csv."


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a form brings, before any of it is checked."""

    words: Mapping[str, str]
    file: object
    """An upload, a text, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A form that can be done."""

    record_type: RecordType
    mode: Mode
    upload: UploadFile


@asynccontextmanager
async def receive(request: Request[Any, Any, Any]) -> AsyncIterator[Form]:
    """Read the form; of a repeated part the last counts, as in PHP.

    A large file lies in a temporary file for as long as the context is open.  A form without
    files may also come URL-encoded or as JSON, as Laravel takes them.  What is no form is an empty
    one: all its fields are missing then.

    Raises:
        StorageFull: the temporary file does not fit on the disk.
        PayloadTooLarge: a form without files is larger than any can be.
    """
    items: list[tuple[str, Any]] = []
    kind = request.content_type[0]
    if kind == URL_ENCODED:
        content = await read_bounded(request)
        items = list(parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True))
    elif kind == JSON:
        items = _members(await read_body(request))
    elif kind == "multipart/form-data":
        try:
            items = list((await request.form()).multi_items())
        except (UnicodeError, LookupError, ClientException):
            items = []
        except OSError as error:
            raise StorageFull(f"the upload cannot be kept: {error.strerror}") from error
    try:
        yield Form(
            words={name: value.strip() for name, value in items if isinstance(value, str)},
            file=dict(items).get("file"),
        )
    finally:
        for _, value in items:
            if isinstance(value, UploadFile):
                await value.close()


def _members(body: object) -> list[tuple[str, str]]:
    """Give what a JSON object says; null is as good as nothing."""
    said = body if isinstance(body, dict) else {}
    return [(name, str(value)) for name, value in said.items() if value is not None]


def create(services: Services, principal: Principal, form: Form) -> Import:
    """Make an import that waits for its mapping and its start.

    Raises:
        Refused: a field is missing or cannot be.
    """
    wanted = check(form, types_of(services.record_types.list(principal.organization.id)))
    try:
        return services.imports.create(
            principal.organization.id,
            wanted.record_type.name,
            file_name=wanted.upload.filename,
            parts=_parts(wanted.upload),
            options=ImportOptions(
                mode=wanted.mode, format={"format": "csv"}, matches_by_name=False
            ),
            media_type=wanted.upload.content_type or None,
            around=Circumstances(
                created_by=principal.user.id,
                starts_by_itself=False,
                attributes={"face": NAME, NAME: {}},
            ),
        )
    except Invalid as error:  # a name that cannot be, or a file that broke off
        raise Refused({"file": [error.message]}) from error


def check(form: Form, types: Mapping[str, RecordType]) -> Wanted:
    """Find out what is to be imported.

    Raises:
        Refused: a field is missing or cannot be; all of them are told.
    """
    faults: dict[str, list[str]] = {}
    said_type, said_mode = form.words.get("type"), form.words.get("mode")
    record_type = types.get(said_type or "")
    if record_type is None:
        faults["type"] = [_wrong("type", said_type)]
    mode = MODES.get(said_mode or "")
    if mode is None or (mode is Mode.UPDATE and record_type is not None and not record_type.key):
        faults["mode"] = [_wrong("mode", said_mode)]
    upload = form.file
    if upload is None or upload == "":
        faults["file"] = ["The file field is required."]
    elif not (isinstance(upload, UploadFile) and is_csv(upload.filename, _head(upload))):
        faults["file"] = [NO_CSV]
    if faults or record_type is None or mode is None or not isinstance(upload, UploadFile):
        raise Refused(faults)
    return Wanted(record_type=record_type, mode=mode, upload=upload)


def is_csv(file_name: str, head: bytes) -> bool:
    """Tell whether a file may be CSV, by its name and its first bytes."""
    _, dot, suffix = file_name.rpartition(".")
    named_so = not dot or suffix.lower() in SUFFIXES
    return named_so and bool(head) and not head.startswith(NEVER_CSV)


def _wrong(field: str, said: str | None) -> str:
    return f"The selected {field} is invalid." if said else f"The {field} field is required."


def _head(upload: UploadFile) -> bytes:
    upload.file.seek(0)
    head = upload.file.read(HEAD_BYTES)
    upload.file.seek(0)
    return head


def _parts(upload: UploadFile) -> Iterator[bytes]:
    return iter(partial(upload.file.read, PART_BYTES), b"")
