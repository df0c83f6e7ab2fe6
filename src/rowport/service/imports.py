"""The life of an import as its owner sees it: create, look, cancel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.model.errors import (
    Conflict,
    IllegalTransition,
    ImportNotFound,
    Invalid,
    InvalidOptions,
    NotFound,
    Unavailable,
    UnreadableFile,
)
from rowport.model.ids import new_uuid
from rowport.model.imports import Import, ImportOptions, Mode, OnMatch, Priority
from rowport.model.states import ImportState, Phase
from rowport.model.uploads import Upload
from rowport.ports.ledger import Circumstances, ImportRef, NewFile
from rowport.service.keys import key_for
from rowport.service.references import references_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from rowport.model.record_types import RecordType
    from rowport.ports import BlobReader, BlobStore, Queue, Transaction
    from rowport.ports.ledger import Ledger
    from rowport.ports.queries import ImportQuery
    from rowport.service.record_types import RecordTypes


BLOCK_BYTES: Final = 1 << 20
MAX_NAME: Final = 1024
WHOLE: Final = 100
"""Percent."""
MINUTE: Final = 30
"""By so much urgency a file that waits gains on others in a minute, at each tick a little."""
URGENCY: Final = {Priority.HIGH: 3 * MINUTE, Priority.NORMAL: 0, Priority.LOW: -3 * MINUTE}
MOST_FILES: Final = 10_000
LARGE_FILE: Final = 4 * 1024 * 1024
"""Bytes; what is smaller is read in a moment."""
STOPPING: Final = frozenset({ImportState.PAUSING, ImportState.CANCELING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """Imports, from the first byte to the last outcome."""

    ledger: Ledger
    record_types: RecordTypes
    blobs: BlobStore
    queue: Queue
    settle: Callable[[ImportRef], None]

    def create(
        self,
        organization_id: UUID,
        type_name: str,
        *,
        file_name: str,
        parts: Iterator[bytes] | Upload,
        options: ImportOptions,
        media_type: str | None = None,
        around: Circumstances | None = None,
        import_id: UUID | None = None,
    ) -> Import:
        """Land the file, or take an upload, and start its import; workers do the rest.

        An `import_id` that is there already was made by an earlier try of the same request, and
        is given as it is.  Nothing is kept if the options cannot be or the file is empty.

        Raises:
            RecordTypeNotFound: no such type.
            Invalid: the file's name or media type cannot be kept.
            InvalidOptions: the key, mapping or mode cannot be.
            InvalidSchema: a record type that this one refers to is missing.
            UnreadableFile: the file has no byte.
            Conflict: the upload is not whole yet.
            StorageFull: there is no room for it.
        """
        if import_id is not None and (made := self._made(organization_id, import_id)):
            return made
        record_type = self.record_types.get(organization_id, type_name)
        check_options(record_type, options)
        check_name(file_name)
        check_media_type(media_type)
        import_id = import_id or new_uuid()
        blob = f"imports/{import_id}/1"
        size, sha256 = self._land(blob, parts)
        file = NewFile(
            name=file_name, media_type=media_type, size_bytes=size, sha256=sha256, blob=blob
        )
        if size == 0:
            self.blobs.delete(f"imports/{import_id}/")
            raise UnreadableFile(f"{file_name} is empty: there is nothing to import.")
        try:
            self._register(record_type, import_id, options, file, around)
        except Unavailable:
            raise  # perhaps only the answer was lost, not the import: its file has to stay
        except BaseException:
            # Another try of the same request may have been faster: then the file is its own.
            if self._made(organization_id, import_id) is None:
                self.blobs.delete(f"imports/{import_id}/")
            raise
        return self.get(organization_id, import_id)

    def _land(self, blob: str, parts: Iterator[bytes] | Upload) -> tuple[int, str]:
        """Put the file in its place; give its size and hash."""
        if not isinstance(parts, Upload):
            return self.blobs.write(blob, parts)
        if parts.sha256 is None:
            raise Conflict(
                f"The upload {parts.id} has {parts.received:,} of its {parts.size_bytes:,} bytes: "
                "send the others first."
            )
        if parts.size_bytes:
            self.blobs.share(parts.blob, blob)
        return parts.size_bytes, parts.sha256

    def _made(self, organization_id: UUID, import_id: UUID) -> Import | None:
        try:
            return self.get(organization_id, import_id)
        except ImportNotFound:
            return None

    def _register(
        self,
        record_type: RecordType,
        import_id: UUID,
        options: ImportOptions,
        file: NewFile,
        around: Circumstances | None,
    ) -> None:
        with self.ledger.database.tenant(record_type.organization_id) as tx:
            references_of(tx, self.ledger.record_types, record_type)
            self.ledger.imports.create(
                tx,
                record_type,
                import_id=import_id,
                options=options,
                state=ImportState.READING,
                phase=Phase.READING,
                files=[file],
                around=around,
            )
            priority = (around or Circumstances()).priority
            ref = ImportRef(organization_id=record_type.organization_id, import_id=import_id)
            defer_plan(self.ledger, self.queue, tx, ref, priority, file.size_bytes)

    def get(self, organization_id: UUID, import_id: UUID) -> Import:
        """Give an import with counts of one snapshot.

        Raises:
            ImportNotFound: this organization has none of this id.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.imports.get(tx, ref)
        if found is None:
            raise ImportNotFound(f"There is no import {import_id}.")
        return found

    def original(
        self, organization_id: UUID, import_id: UUID, number: int = 1
    ) -> tuple[str, Iterator[bytes]]:
        """Give the name and the bytes of a file as it was sent, the first one being number 1.

        Raises:
            ImportNotFound: this organization has none of this id.
            NotFound: it has no such file, or none any more.
        """
        files = self.get(organization_id, import_id).files
        if not 1 <= number <= len(files):
            raise NotFound(f"The import has {len(files)} files; there is no file {number}.")
        file = files[number - 1]
        return file.name, _blocks(self.blobs.open(file.blob))

    def look(self, organization_id: UUID, import_id: UUID) -> Import:
        """Give an import, and see to it that one which is to stop does, worker or not.

        Raises:
            ImportNotFound: this organization has none of this id.
        """
        found = self.get(organization_id, import_id)
        if found.state not in STOPPING:
            return found
        self.settle(ImportRef(organization_id=organization_id, import_id=import_id))
        return self.get(organization_id, import_id)

    def by_oid(self, organization_id: UUID, oid: str) -> Import:
        """Give an import by its 24-hex id.

        Raises:
            ImportNotFound: this organization has none of this id.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.imports.by_oid(tx, organization_id, oid)
        if found is None:
            raise ImportNotFound(f"There is no import {oid}.")
        return found

    def find(self, organization_id: UUID, query: ImportQuery) -> tuple[Sequence[Import], int]:
        """Give a page of imports and how many all pages hold, of one snapshot."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.imports.find(tx, organization_id, query)

    def set_attributes(
        self, organization_id: UUID, import_id: UUID, attributes: Mapping[str, object]
    ) -> Import:
        """Replace these attributes; others stay."""
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.imports.set_attributes(tx, ref, attributes)
        return self.get(organization_id, import_id)

    def list(
        self, organization_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
    ) -> Sequence[Import]:
        """Give the newest first, a page after the one named by (created_at, id)."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.imports.list(tx, organization_id, limit=limit, after=after)

    def cancel(self, organization_id: UUID, import_id: UUID, *, by: str | None = None) -> Import:
        """Ask the import to end; what is loaded stays.  Asking twice is asking once.

        `by` says who asked, for people.

        Raises:
            ImportNotFound: this organization has none of this id.
            IllegalTransition: it has ended already.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        with self.ledger.database.tenant(organization_id) as tx:
            state = self.ledger.imports.lock(tx, ref)
            if state is None:
                raise ImportNotFound(f"There is no import {import_id}.")
            if state.is_final:
                raise IllegalTransition(f"Import {import_id} is {state} already.")
            if state is not ImportState.CANCELING:
                self.ledger.imports.move(tx, ref, state, _canceled_from(state), by=by)
        self.settle(ref)
        return self.get(organization_id, import_id)


def _blocks(blob: BlobReader) -> Iterator[bytes]:
    for begin in range(0, blob.size_bytes, BLOCK_BYTES):
        yield blob.read_at(begin, BLOCK_BYTES)


def _canceled_from(state: ImportState) -> ImportState:
    """Give where cancel leads: chunks may be in flight only once the import was queued."""
    match state:
        case ImportState.QUEUED | ImportState.RUNNING | ImportState.PAUSING | ImportState.PAUSED:
            return ImportState.CANCELING
        case _:
            return ImportState.CANCELED


def defer_plan(
    ledger: Ledger, queue: Queue, tx: Transaction, ref: ImportRef, priority: Priority, size: int
) -> None:
    """Let a worker read the file of an import in state `reading`, once the transaction commits.

    The nth file that an organization has waiting competes with the nth of every other, and the tick
    makes all of them more urgent with time, so that none waits for ever.
    """
    others = ledger.turns.being_read(tx, ref.organization_id) - 1
    urgency = URGENCY[priority] - MINUTE * min(others, MOST_FILES)
    is_large = size > LARGE_FILE
    queue.read(tx, ref.organization_id, ref.import_id, urgency=urgency, is_large=is_large)


def check_options(record_type: RecordType, options: ImportOptions) -> None:
    """Refuse options that the record type cannot have.

    Raises:
        InvalidOptions: the key, mapping, mode or policy cannot be.
    """
    key = key_for(record_type, options)
    _check_mapping(record_type, options)
    if options.mode is Mode.UPDATE and not key:
        raise InvalidOptions(
            f"{record_type.name} has no key to find records by, which mode update needs: give "
            "--key, or choose one with `rowport type put`."
        )
    if options.on_match is not OnMatch.UPDATE and options.mode is Mode.UPDATE:
        raise InvalidOptions(
            f"Mode update changes existing records; on-match {options.on_match} would leave them."
        )
    if options.policy.max_errors is not None and options.policy.max_errors < 0:
        raise InvalidOptions("max_errors cannot be negative.")
    percent = options.policy.max_errors_percent
    if percent is not None and not 0 <= percent <= WHOLE:
        raise InvalidOptions("max_errors lies between 0% and 100%.")


def _check_mapping(record_type: RecordType, options: ImportOptions) -> None:
    """Refuse what can be told before the file is read; its headers are checked when it is."""
    names = [field.name for field in record_type.schema.fields]
    for header, name in options.mapping.items():
        if name and name not in names:
            raise InvalidOptions(
                f"{header!r} cannot be mapped to {name!r}: {record_type.name} has no such field. "
                f"Its fields are: {', '.join(names)}."
            )


def check_name(file_name: str) -> None:
    """Refuse what cannot be shown again as a file's name.

    Raises:
        Invalid: it is empty, too long or holds a NUL.
    """
    if "\x00" in file_name or not file_name or len(file_name) > MAX_NAME:
        raise Invalid("A file name has 1 to 1024 characters and no NUL.")


def check_media_type(media_type: str | None) -> None:
    """Refuse what cannot be kept as a file's media type.

    Raises:
        Invalid: it is too long or holds a NUL.
    """
    if media_type is not None and ("\x00" in media_type or len(media_type) > MAX_NAME):
        raise Invalid(f"A media type has at most {MAX_NAME} characters and no NUL.")
