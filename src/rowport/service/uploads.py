"""Uploads: files that arrive in parts and can be gone on with after any cut.

The bytes of an upload lie in one blob; a part is written where it belongs, never appended.  How
much is safe stands in the database and is said only of bytes that were synced before.  Whoever
writes holds the blob's lock, which ends with the process that has it.  In a cluster with an object
store the same row says where the next part begins; parts would be objects of their own there, and
the lock one of the database.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from rowport.model.errors import (
    ChecksumMismatch,
    Invalid,
    Locked,
    RowportError,
    TooLarge,
    UploadNotFound,
    WrongOffset,
)
from rowport.service.imports import check_media_type, check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from uuid import UUID

    from rowport.model.uploads import Upload
    from rowport.ports import BlobPart, BlobReader, BlobStore
    from rowport.ports.ledger import Ledger

log = logging.getLogger(__name__)

CHECKPOINT_BYTES: Final = 8 * 1024 * 1024
"""After so many bytes it is made safe what has arrived: no more are lost with a process."""
BLOCK_BYTES: Final = 1 << 20
BATCH: Final = 200
ALGORITHMS: Final = ("sha1", "sha256", "sha512")
LONGEST_METADATA: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What a part is to be like."""

    algorithm: str
    """One of ALGORITHMS."""
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """The uploads of the organizations."""

    ledger: Ledger
    blobs: BlobStore
    most_bytes: int
    """How many an upload may have."""
    kept: timedelta
    """How long an upload is kept after its last part."""

    def create(
        self,
        organization_id: UUID,
        *,
        size_bytes: int,
        metadata: str = "",
        name: str | None = None,
        media_type: str | None = None,
    ) -> Upload:
        """Make an upload of which nothing has arrived.

        Raises:
            TooLarge: it is to have more than `most_bytes`.
            Invalid: its name, media type or metadata cannot be kept.
        """
        if size_bytes > self.most_bytes:
            raise TooLarge(
                f"An upload has at most {self.most_bytes:,} bytes; this one is to have "
                f"{size_bytes:,}."
            )
        if name is not None:
            check_name(name)
        check_media_type(media_type)
        if len(metadata) > LONGEST_METADATA or "\x00" in metadata:
            raise Invalid(f"Metadata has at most {LONGEST_METADATA} characters and no NUL.")
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.uploads.create(
                tx,
                organization_id,
                size_bytes=size_bytes,
                metadata=metadata,
                name=name,
                media_type=media_type,
                kept=self.kept,
            )

    def get(self, organization_id: UUID, upload_id: UUID) -> Upload:
        """Give an upload.

        Raises:
            UploadNotFound: this organization has none of this id, or it has expired.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.uploads.get(tx, organization_id, upload_id)
        if found is None:
            raise UploadNotFound(f"There is no upload {upload_id}.")
        return found

    def receive(
        self,
        organization_id: UUID,
        upload_id: UUID,
        *,
        offset: int,
        announced: int | None = None,
        checksum: Checksum | None = None,
    ) -> Receiving:
        """Take hold of an upload to write a part of it; close what comes back.

        `announced`: how many bytes the part is to have, where that is known.

        Raises:
            UploadNotFound: this organization has none of this id, or it has expired.
            Locked: somebody else writes it.
            WrongOffset: it does not end at `offset`.
            TooLarge: the part goes beyond its end.
        """
        self.get(organization_id, upload_id)  # before anything is made for it
        part = self.blobs.part(f"uploads/{upload_id}")
        try:
            upload = self._at_hand(organization_id, upload_id, part)
            _check_begin(upload, offset)
            _check_end(upload, offset + (announced or 0))
        except BaseException:
            part.close()
            raise
        return Receiving(uploads=self, part=part, upload=upload, checksum=checksum)

    def _at_hand(self, organization_id: UUID, upload_id: UUID, part: BlobPart) -> Upload:
        """Give the upload as it is now that nobody else writes it, its blob just as long."""
        try:
            upload = self.get(organization_id, upload_id)
        except UploadNotFound:
            part.discard()
            raise
        if part.size_bytes < upload.received:  # the disk lost what it had promised
            with self.ledger.database.tenant(organization_id) as tx:
                shorter = self.ledger.uploads.advance(tx, upload, part.size_bytes, kept=self.kept)
            if shorter is None:
                raise Locked
            upload = shorter
        part.cut(upload.received)
        return upload

    def delete(self, organization_id: UUID, upload_id: UUID) -> None:
        """Drop an upload; what was imported from it stays.

        Raises:
            UploadNotFound: this organization has none of this id, or it has expired.
            Locked: somebody writes it just now.
        """
        self._drop(self.get(organization_id, upload_id))

    def _drop(self, upload: Upload) -> None:
        part = self.blobs.part(upload.blob)
        try:
            with self.ledger.database.tenant(upload.organization_id) as tx:
                self.ledger.uploads.delete(tx, upload)
            part.discard()
        finally:
            part.close()

    def drop_expired(self, *, should_stop: Callable[[], bool]) -> int:
        """Drop the uploads of all organizations whose time has come; gives how many."""
        with self.ledger.database.transaction() as tx:
            found = self.ledger.uploads.expired(tx, limit=BATCH)
        dropped = 0
        for upload in found:
            if should_stop():
                break
            try:
                self._drop(upload)
            except Locked:  # somebody writes it still, and with that puts its end off
                continue
            dropped += 1
        return dropped


class Receiving:
    """One part on its way into an upload.  One thread at a time may call it."""

    def __init__(
        self, *, uploads: Uploads, part: BlobPart, upload: Upload, checksum: Checksum | None
    ) -> None:
        self._uploads = uploads
        self._part = part
        self._checksum = checksum
        self._digest = hashlib.new(checksum.algorithm) if checksum else None
        self._at = upload.received
        self._is_sound = checksum is None
        self._is_open = True
        self._lock = threading.Lock()
        self.upload = upload
        """As it is known to be."""

    def take(self, data: bytes) -> None:
        """Write the next bytes.

        Raises:
            TooLarge: they go beyond the end of the upload; none of them is kept.
            StorageFull: no room is left; those before them are kept.
        """
        with self._lock:
            _check_end(self.upload, self._at + len(data))
            self._part.write_at(self._at, data)
            self._at += len(data)
            if self._digest is not None:
                self._digest.update(data)
            elif self._at - self.upload.received >= CHECKPOINT_BYTES:
                self._keep()

    def end(self) -> Upload:
        """Say that the part is all there; give the upload as it is now.

        Raises:
            ChecksumMismatch: it is not as its sender said; nothing of it is kept.
        """
        with self._lock:
            if self._digest is not None and self._checksum is not None:
                if not hmac.compare_digest(self._digest.digest(), self._checksum.digest):
                    raise ChecksumMismatch
                self._is_sound = True
            self._keep()
            if self._at == self.upload.size_bytes and not self.upload.is_whole:
                self._finish()
            return self.upload

    def close(self) -> None:
        """Keep what has arrived, as far as it can be known to be sound, and let others write."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            try:
                if self._is_sound:
                    self._keep()
            except RowportError as error:
                log.warning("the end of a part of an upload is lost: %s", error.message)
            finally:
                self._part.close()

    def _keep(self) -> None:
        if self._at == self.upload.received:
            return
        self._part.sync()
        uploads = self._uploads
        with uploads.ledger.database.tenant(self.upload.organization_id) as tx:
            kept = uploads.ledger.uploads.advance(tx, self.upload, self._at, kept=uploads.kept)
        if kept is None:
            raise Locked("Somebody else wrote the upload meanwhile, or dropped it.")
        self.upload = kept

    def _finish(self) -> None:
        digest = hashlib.sha256()
        uploads = self._uploads
        for block in blocks(uploads.blobs.open(self.upload.blob)):
            digest.update(block)
        with uploads.ledger.database.tenant(self.upload.organization_id) as tx:
            whole = uploads.ledger.uploads.finish(tx, self.upload, digest.hexdigest())
        if whole is None:
            raise Locked("Somebody dropped the upload meanwhile.")
        self.upload = whole

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def blocks(blob: BlobReader) -> Iterator[bytes]:
    """Give the bytes of a blob in blocks."""
    for begin in range(0, blob.size_bytes, BLOCK_BYTES):
        yield blob.read_at(begin, BLOCK_BYTES)


def _check_begin(upload: Upload, offset: int) -> None:
    if offset != upload.received:
        raise WrongOffset(
            f"The upload has {upload.received:,} bytes; the part begins at {offset:,}."
        )


def _check_end(upload: Upload, end: int) -> None:
    if end > upload.size_bytes:
        raise TooLarge(
            f"The upload is to have {upload.size_bytes:,} bytes; this part would go on to {end:,}."
        )
