"""The multipart form that creates an import."""

from __future__ import annotations

from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from rowport.model.errors import Invalid, StorageFull
from rowport.model.imports import Priority
from rowport.wire.import_options import OptionWords, read_word
from rowport.wire.reading_options import WORDS as READING_WORDS
from rowport.wire.reading_options import ReadingWords

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from litestar import Request

    from rowport.model.imports import ImportOptions

PART_BYTES: Final = 1024 * 1024
ONCE: Final = ("type", "key", "mode", "on_match", "policy", "priority", *READING_WORDS)
LONGEST_WORD: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file in a form."""

    upload: UploadFile

    @property
    def file_name(self) -> str:
        """The file's name as its sender called it."""
        return self.upload.filename

    @property
    def media_type(self) -> str | None:
        """What its sender said it is; nothing depends on it."""
        return self.upload.content_type or None

    def parts(self) -> Iterator[bytes]:
        """Give the bytes of the file, a part at a time."""
        return iter(partial(self.upload.file.read, PART_BYTES), b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImport(SentFile):
    """What a form asks for."""

    type_name: str
    options: ImportOptions
    priority: Priority


@asynccontextmanager
async def read_form(request: Request[Any, Any, Any]) -> AsyncIterator[NewImport]:
    """Read the form; large files lie in a temporary file for as long as the context is open.

    Raises:
        Invalid: it is no form, or not the right one.
        StorageFull: the temporary file does not fit on the disk.
    """
    fields = await read_fields(request)
    uploads = [value for values in fields.values() for value in values if _is_upload(value)]
    try:
        yield _understand(fields)
    finally:
        for upload in uploads:
            await upload.close()


@asynccontextmanager
async def read_file_form(request: Request[Any, Any, Any]) -> AsyncIterator[SentFile]:
    """Read a form of the part `file` alone; the context is as that of `read_form`.

    Raises:
        Invalid: it is no form, or not the right one.
        StorageFull: the temporary file does not fit on the disk.
    """
    fields = await read_fields(request)
    uploads = [value for values in fields.values() for value in values if _is_upload(value)]
    try:
        if unknown := [name for name in fields if name != "file"]:
            raise Invalid(f"the part {unknown[0][:60]!r} is unknown; the only part is `file`")
        yield SentFile(upload=_file(fields.get("file", [])))
    finally:
        for upload in uploads:
            await upload.close()


async def read_fields(request: Request[Any, Any, Any]) -> dict[str, list[Any]]:
    """Give the values of a form by name; read once, however often it is asked for.

    Raises:
        Invalid: it is no form that can be read.
        StorageFull: the temporary file does not fit on the disk.
    """
    if request.content_type[0] != "multipart/form-data":
        raise Invalid("send multipart/form-data with the part `file` and what belongs to it")
    try:
        form = await request.form()
    except (UnicodeError, LookupError, ClientException) as error:
        raise Invalid("the body is not multipart/form-data that can be read") from error
    except OSError as error:
        raise StorageFull(f"the upload cannot be kept: {error.strerror}") from error
    fields: dict[str, list[Any]] = defaultdict(list)
    for name, value in form.multi_items():
        fields[name].append(value)
    return fields


def _is_upload(value: object) -> bool:
    return isinstance(value, UploadFile)


def _understand(fields: dict[str, list[Any]]) -> NewImport:
    for name in fields:
        if name not in {"file", "map", *ONCE}:
            known = ", ".join(("file", *ONCE, "map"))
            raise Invalid(f"the part {name[:60]!r} is unknown; the parts are: {known}")
    words = {name: _one(name, fields[name]) for name in ONCE if name in fields}
    if "type" not in words:
        raise Invalid("the part `type` is missing: the name of the record type")
    reading = ReadingWords(**{name: words.pop(name) for name in READING_WORDS if name in words})
    priority = read_word(Priority, "priority", words.pop("priority", Priority.NORMAL))
    return NewImport(
        priority=priority,
        upload=_file(fields.get("file", [])),
        type_name=words.pop("type"),
        options=OptionWords(
            **words,
            reading=reading,
            mapping=tuple(_word("map", value) for value in fields.get("map", [])),
        ).read(),
    )


def _file(values: list[Any]) -> UploadFile:
    match values:
        case [UploadFile() as upload]:
            return upload
        case []:
            raise Invalid("the part `file` is missing: the file to import")
        case [_]:
            raise Invalid("the part `file` has no file name; with curl, write -F file=@PATH")
        case _:
            raise Invalid("the part `file` is given twice; an import takes one file")


def _one(name: str, values: list[Any]) -> str:
    if len(values) > 1:
        raise Invalid(f"the part `{name}` is given twice")
    return _word(name, values[0])


def _word(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise Invalid(f"the part `{name}` is text, not a file")
    if "\x00" in value or len(value) > LONGEST_WORD:
        raise Invalid(f"the part `{name}` has 1 to {LONGEST_WORD} characters and no NUL")
    return value
